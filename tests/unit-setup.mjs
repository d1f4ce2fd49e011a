// Unit tests run the matrix kernels: built from source when they changed.
import { buildMatrix } from '../cli/matrix.mjs';

export const setup = () => buildMatrix();
