import { createRandom } from '../core/random';
import { prune2of4, pruneMagnitude } from '../tensor/masks';
import { PRECISIONS } from '../tensor/precisions';

/** Weights a second of the functions that a recipe is made of, one value a repeat, one thread. */
export interface CompressSpeed {
  int4: number[];
  '2:4': number[];
  mag50: number[];
}

/** Times quantizing and pruning on normal-distributed matrices; copies are made outside the clock. */
export function timeCompression({
  rows,
  columns,
  repeats,
}: {
  rows: number;
  columns: number;
  repeats: number;
}): CompressSpeed {
  const random = createRandom(1);
  const source = Float32Array.from({ length: rows * columns }, () => random.normal() * 0.02);
  const rate = (work: (w: Float32Array) => void) =>
    Array.from({ length: repeats }, () => {
      const copy = source.slice();
      const start = performance.now();
      work(copy);
      return source.length / ((performance.now() - start) / 1000);
    });
  return {
    int4: rate((w) => PRECISIONS.int4.store(w, rows, columns)),
    '2:4': rate(prune2of4),
    mag50: rate((w) => pruneMagnitude(w, 0.5)),
  };
}
