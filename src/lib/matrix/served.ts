import plainBuild from '../../matrix/build/plain.wasm?url';
import relaxedBuild from '../../matrix/build/relaxed.wasm?url';
import { hasRelaxedSimd, openMatrix, type Matrix } from './matrix';
import { fastestDot } from './ways';

let opened: Promise<Matrix> | null = null;

/** This thread's instance of src/matrix, from the site's own files, opened once. */
export const openKernels = (): Promise<Matrix> =>
  (opened ??= (async () => {
    const relaxed = hasRelaxedSimd();
    const answer = await fetch(relaxed ? relaxedBuild : plainBuild);
    const matrix = await openMatrix(await answer.arrayBuffer(), relaxed);
    return { ...matrix, dot: fastestDot(matrix, matrix.dot, () => performance.now()) };
  })());
