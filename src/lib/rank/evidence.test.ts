import { expect, it } from 'vitest';
import { pairsFromText } from '../core/log-bytes';
import { standardDeviation } from '../core/stats';
import { decide } from './decide';
import { energyDraws } from './evidence';
import { exampleOutcome, exampleReading, exampleRun } from './example';
import { foldRuns } from './fold';

/** SDs of a real run: 11 variants, the fifth the classical baseline, several of equal work (SDs of 0.1 to 0.4 %). */
const REAL = 'nZyds5ygnKCgnZiasJidmJ2dmpe0b5tfm5uXspedl52dWKWkpsSVs5ttm5uXm5-fnZubl5-dnQ';

it('draws energies as far apart as their bytes say, also of equal work, whose rounded table no joint distribution has', () => {
  const sd = pairsFromText(11, REAL);
  const log = Array.from({ length: 11 }, (_, i) => (i === 4 ? null : i / 10));
  const draws = energyDraws(log, sd, 4000);
  for (let i = 0; i < 11; i++)
    for (let k = 0; k < i; k++) {
      if (i === 4 || k === 4) continue;
      const drawn = standardDeviation(draws.map((draw) => (draw[i] as number) - (draw[k] as number)));
      const stated = sd(i, k) as number;
      // What rounding took from a table, a part of an SD of 4 % at most, is all that may be missing.
      expect(Math.abs(drawn - stated), `${i} and ${k}`).toBeLessThan(0.06 * stated + 0.004);
    }
  expect(draws.every((draw) => draw[4] === null)).toBe(true);
});

const CAUSES = ['A', 'B', 'C'];

/** Nine slices of 24 tickets by variants that get some of the same hard tickets wrong. */
const planOf = (variants: readonly (readonly [variant: string, joules: number, right: number])[]) =>
  foldRuns(
    variants.flatMap(([variant, joules, right]) =>
      Array.from({ length: 9 }, (_, slice) =>
        exampleRun({
          variant,
          slice,
          block: slice,
          causes: CAUSES,
          pass: variant,
          phases: [{ ...exampleReading('prefill', 24 * joules * (1 + 0.02 * Math.sin(slice * joules))), flops: 24 }],
          tickets: Array.from({ length: 24 }, (__, i) => {
            const at = slice * 24 + i;
            const wrong = (at * 7) % 216 >= right * 216;
            return exampleOutcome(`${at}`, CAUSES[at % 3] as string, CAUSES[(at + Number(wrong)) % 3] as string);
          }),
        }),
      ),
    ),
  );

it('gives a variant no share for being lean where no draw proves that it does the job', () => {
  const { results, evidence } = planOf([
    ['fp32', 4, 0.9],
    ['int8', 2, 0.9],
    // A third of what it may lack at the point: leaner, likely good enough, and hardly ever shown to be.
    ['int4', 1, 0.86],
  ]);
  const { answer, rows } = decide(results, evidence);
  const of = (variant: string) => rows.find(({ result }) => result.variant === variant);
  expect(of('int4')?.floor).toBe('open');
  expect(answer?.result.variant).toBe('int8');
  expect(answer?.drawn).toBeGreaterThan(70);
  expect(of('int4')?.drawn).toBeLessThan(25);
});

it('holds quality against the widest precision that is above chance, and against the widest where none is', () => {
  const referenceOf = (variants: Parameters<typeof planOf>[0]) => {
    const { results, evidence } = planOf(variants);
    const { reference, passedOver } = decide(results, evidence);
    return [reference?.result.variant, ...passedOver.map(({ result }) => result.variant)];
  };
  expect(
    referenceOf([
      ['fp32', 4, 0.5],
      ['fp32+lora8', 4.1, 0.9],
    ]),
  ).toEqual(['fp32']);
  expect(
    referenceOf([
      ['fp32', 4, 0],
      ['int8', 2, 0.1],
      ['int8+lora8', 2, 0.9],
      ['int4+lora8', 1, 0.9],
    ]),
  ).toEqual(['int8+lora8', 'int8', 'fp32']);
  // Of two lengths of tuning the better one, whatever their names; the lesser is no guess.
  expect(
    referenceOf([
      ['int8', 2, 0.1],
      ['int8+lora8.100steps', 2, 0.6],
      ['int8+lora8.400steps', 2, 0.9],
    ]),
  ).toEqual(['int8+lora8.400steps', 'int8']);
  // What is pruned is no reference beside whole ones, however good.
  expect(
    referenceOf([
      ['fp32', 4, 0],
      ['fp32+ffn25', 3, 0.9],
    ]),
  ).toEqual(['fp32']);
});
