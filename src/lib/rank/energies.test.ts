import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../schema/run';
import { fitEnergies } from './energies';
import { exampleOutcome, exampleReading, exampleRun } from './example';

const VARIANTS = ['fp32', 'int8', 'int4', 'int4+mag50'];
const JOULES = [8, 4, 2, 2];

/** Nine blocks of four variants whose noise is a few percent, and what struck single slices. */
const runsOf = (struck: Readonly<Record<string, number>>, pass: (variant: string) => string | null = () => null) =>
  VARIANTS.map((variant, i) =>
    Array.from({ length: 9 }, (_, block): RunRecord => {
      // Patterns of about 3 % that average out within and over variants.
      const noise = 0.03 * (((block * 7 + i * 4) % 9) / 4 - 1);
      const joules = (JOULES[i] as number) * Math.exp(noise + 0.2 * (block % 3)) * (struck[`${variant} ${block}`] ?? 1);
      return exampleRun({
        variant,
        slice: block,
        block,
        pass: pass(variant),
        phases: [exampleReading('decode', joules)],
      });
    }),
  );

const fit = (runs: readonly RunRecord[][]) => fitEnergies(runs, ['rca'], { isModel: () => true });

describe('fitEnergies', () => {
  it('leaves a slice out that was held up alone, and so neither moves its variant nor widens the others', () => {
    const [clean, hit] = [fit(runsOf({})), fit(runsOf({ 'int8 4': 2 }))];
    expect(clean.struck).toEqual([0, 0, 0, 0]);
    expect(hit.struck).toEqual([0, 1, 0, 0]);
    expect(hit.df).toBe(clean.df - 1);
    const ratio = (of: typeof clean) => (of.log[1] ?? NaN) - (of.log[0] ?? NaN);
    expect(Math.abs(ratio(hit) - ratio(clean))).toBeLessThan(0.01);
    expect(hit.sd(0, 2)).toBeLessThan(1.1 * (clean.sd(0, 2) ?? NaN));
    // It was measured in all blocks all the same.
    expect(hit.slices).toBe(9);
  });

  it('keeps a block in which all were slow', () => {
    const all = Object.fromEntries(VARIANTS.map((variant) => [`${variant} 4`, 2]));
    expect(fit(runsOf(all)).struck).toEqual([0, 0, 0, 0]);
  });

  it('finds the slice of one member among those that do the same work', () => {
    const pass = (variant: string) => (variant.startsWith('int4') ? 'int4' : null);
    const { struck, log, work } = fit(runsOf({ 'int4+mag50 2': 1.6 }, pass));
    expect(struck).toEqual([0, 0, 0, 1]);
    expect(work[2]).toBe(work[3]);
    expect(log[2]).toBeCloseTo(log[3] ?? NaN, 9);
  });

  it('puts a pool of equal work where its members are, however many slices are slowed', () => {
    // A log of means would lie above a mean of logs, by what the slowed slices add.
    const slowed = Object.fromEntries([0, 1, 2, 3, 4].map((k) => [`int4 ${k}`, 1.14]));
    const pass = (variant: string) => (variant.startsWith('int4') ? 'int4' : null);
    const [alone, pooled] = [fit(runsOf(slowed)), fit(runsOf(slowed, pass))];
    const middle = ((alone.log[2] ?? NaN) + (alone.log[3] ?? NaN)) / 2 - (alone.log[0] ?? NaN);
    expect((pooled.log[2] ?? NaN) - (pooled.log[0] ?? NaN)).toBeCloseTo(middle, 6);
  });

  it('divides a prefix that is computed once a slice by its tickets, and compares slices of any size', () => {
    /** So many joules an operation, with a factor of its own for each block; the prefix is 40 of them a slice. */
    const slices = (variant: string, price: number, sizes: readonly number[], anchors: readonly number[] = []) =>
      sizes.map((tickets, block): RunRecord => {
        const joules = (work: number) => price * work * (1 + 0.2 * (block % 3));
        const reading = (phase: 'prefix' | 'prefill', work: number) => ({
          ...exampleReading(phase, joules(work)),
          flops: work,
        });
        return exampleRun({
          variant,
          slice: block,
          block,
          anchor: anchors.includes(block),
          phases: [reading('prefix', 40), reading('prefill', 10 * tickets)],
          tickets: Array.from({ length: tickets }, (_, k) => exampleOutcome(`${block}/${k}`, 'A', 'A')),
        });
      });
    // Eight tickets a slice: 5 + 10 operations each. The dear one is an anchor of four in two blocks.
    const { joules, log } = fit([
      slices('fp32', 2, [8, 8, 8, 8, 8, 8]),
      slices('int8', 1, [8, 8, 8, 8, 8, 8]),
      slices('int4', 0.5, [8, 8, 8, 8, 4, 4], [4, 5]),
    ]);
    expect((log[0] ?? NaN) - (log[1] ?? NaN)).toBeCloseTo(Math.log(2), 9);
    expect((log[1] ?? NaN) - (log[2] ?? NaN)).toBeCloseTo(Math.log(2), 9);
    expect(joules[1]).toBeCloseTo(15 * 1.2, 6);
  });
});
