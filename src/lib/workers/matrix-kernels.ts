import { hasRelaxedSimd, openMatrix, type Matrix } from '../matrix/matrix';
import { MATRIX_ASSETS } from './assets';

let opened: Promise<Matrix> | null = null;

/** This thread's instance of src/matrix, opened once. */
export const openKernels = (): Promise<Matrix> =>
  (opened ??= (async () => {
    const relaxed = hasRelaxedSimd();
    const answer = await fetch(relaxed ? MATRIX_ASSETS.relaxed : MATRIX_ASSETS.baseline);
    return openMatrix(await answer.arrayBuffer(), relaxed);
  })());
