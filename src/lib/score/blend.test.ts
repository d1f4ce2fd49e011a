import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { blended, fitBlend, type BlendRow } from './blend';

/** Tickets of known truth: each model sees it through noise of its own, as log-probabilities of a Gaussian. */
function rows(n: number, noise: { model: number; baseline: number }, seed = 1): BlendRow[] {
  const random = createRandom(seed);
  const causes = 6;
  const seen = (truth: number, sd: number) =>
    Array.from({ length: causes }, (_, k) => ({ k, x: (k === truth ? 1 : 0) + sd * random.normal() })).map(
      ({ x }) => x / (sd * sd),
    );
  return Array.from({ length: n }, () => {
    const truth = Math.floor(random.next() * causes);
    return { truth, model: seen(truth, noise.model), baseline: seen(truth, noise.baseline) };
  });
}

describe('a blend', () => {
  it('takes nothing of a model that knows nothing, and little of one that knows less', () => {
    const deaf = rows(400, { model: 1, baseline: 1 }).map((row, i, all) => ({
      ...row,
      model: (all[(i + 1) % all.length] as BlendRow).model,
    }));
    expect(fitBlend(deaf)?.weight).toBeLessThanOrEqual(0.1);
    const found = fitBlend(rows(400, { model: 0.7, baseline: 0.7 }));
    expect(found?.weight).toBeGreaterThan(0.3);
    expect(found?.weight).toBeLessThan(0.7);
  });

  it('is no worse than either alone on what it was fitted on, and better on new tickets where both know something', () => {
    const fitted = fitBlend(rows(300, { model: 0.8, baseline: 0.8 }));
    expect(fitted?.nll.blend).toBeLessThanOrEqual(Math.min(fitted?.nll.model ?? 0, fitted?.nll.baseline ?? 0));
    const fresh = rows(2000, { model: 0.8, baseline: 0.8 }, 2);
    const right = (weight: number) =>
      fresh.filter((row) => {
        const scores = blended(row, weight);
        return scores.indexOf(Math.max(...scores)) === row.truth;
      }).length;
    expect(right(fitted?.weight ?? 0)).toBeGreaterThan(Math.max(right(0), right(1)));
  });

  it('gives log-probabilities, whatever constants were added, and rules nothing out', () => {
    const row = { model: [-700, -702, -900], baseline: [-1, -Infinity, -3] };
    for (const weight of [0, 0.3, 1]) {
      const scores = blended(row, weight);
      expect(scores.reduce((n, s) => n + Math.exp(s), 0)).toBeCloseTo(1, 4);
      expect(scores.every(Number.isFinite)).toBe(true);
      expect(blended({ ...row, model: row.model.map((x) => x + 5) }, weight)).toEqual(
        scores.map((s) => expect.closeTo(s, 9) as number),
      );
    }
  });

  it('leaves out tickets whose cause is none of these, and is nothing without tickets', () => {
    const [row] = rows(1, { model: 1, baseline: 1 });
    expect(fitBlend([])).toBeNull();
    expect(fitBlend([{ ...(row as BlendRow), truth: -1 }])).toBeNull();
  });
});
