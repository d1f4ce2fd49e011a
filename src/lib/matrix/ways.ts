import { isFaster } from '../core/gain';
import { describe, DOTS, type Matrix } from './matrix';

/** Sizes of the product that ways are timed on: about those of a small model's layers and a short ticket's tokens. */
const ROWS = 96;
const SIZE = 512;
const BLOCK = 32;
const ROUNDS = 5;
/** Until the optimizing compiler has taken over. */
const WARM_MS = 30;

/**
 * How this device multiplies levels fastest: what it says that it can (`own`), or pairs of 16 bits where these take 1 / 1.15
 * of the time in every round, as on ARM without the dot-product extension. Sums are the same either way, so that only time
 * hangs on the clock. Takes about a tenth of a second.
 */
export function fastestDot(m: Matrix, own: number, clock: () => number): number {
  if (own === DOTS.pairs) return own;
  return m.within(() => {
    const { k } = m;
    const data = m.take(SIZE * SIZE);
    m.u8(data, SIZE * SIZE).fill(129);
    const scales = m.put(new Float32Array((SIZE * SIZE) / BLOCK).fill(1));
    const w = describe(m, { form: 'int8', rows: SIZE, columns: SIZE, data, scales });
    const x = m.put(new Float32Array(ROWS * SIZE).fill(1));
    const y = m.take(ROWS * SIZE * 4);
    const levels = m.take(Math.max(...[own, DOTS.pairs].map((way) => k.levelBytes(ROWS, SIZE, way))));
    const seconds = (way: number) => {
      const start = clock();
      k.packLevels(x, SIZE, ROWS, SIZE, way, levels);
      k.timesLevels(w, levels, y, SIZE, ROWS, false, false, way);
      return clock() - start;
    };
    const warm = clock() + 2 * WARM_MS;
    do for (const way of [own, DOTS.pairs]) seconds(way);
    while (clock() < warm);
    const rounds = Array.from({ length: ROUNDS }, () => [seconds(own), seconds(DOTS.pairs)] as const);
    return chooseDot(
      own,
      rounds.map(([ofOwn]) => ofOwn),
      rounds.map(([, ofPairs]) => ofPairs),
    );
  });
}

/** The way that is taken from what each took in every round. */
export const chooseDot = (own: number, ofOwn: readonly number[], ofPairs: readonly number[]): number =>
  isFaster(ofPairs, ofOwn) ? DOTS.pairs : own;
