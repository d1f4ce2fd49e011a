import { describe, expect, it } from 'vitest';
import type { VariantResult } from '../../src/lib/schema/result';
import { STAGES } from '../../src/lib/train/files/builtin';
import { modelCard } from './card';

const estimate = (mid: number, n = 400) => ({ mid, low: null, high: null, n });
const result = (variant: string, metrics: VariantResult['metrics']) => ({ variant, metrics }) as VariantResult;

describe('the card of the built-in checkpoint', () => {
  it('says what was built and what runs gave, and leaves no figure open', () => {
    const stages = STAGES.map(({ steps }) => ({
      steps,
      at: steps,
      tokens: 1210 * steps,
      seconds: 900,
      loss: 0.41,
      evaluations: [
        { step: 0, loss: 7.7 },
        { step: steps, loss: 0.2 },
      ],
    }));
    const scores = result('fp32', {
      'rca.accuracy': estimate(0.9),
      'rca.macroF1': estimate(0.89),
      'response.rougeL': estimate(0.55),
      'response.nll': estimate(0.21),
    });
    const card = modelCard({
      report: { parameters: 3_541_248, threads: 2, seed: 1, stages },
      scores,
      baseline: result('tf-idf', { 'rca.accuracy': estimate(0.8) }),
      best: { accuracy: 0.91, n: 400 },
      variants: [result('int8', scores.metrics), result('int4', {})],
      browser: 'Chrome 156',
      limit: 100,
    });
    for (const words of [
      'A 3.5-million-parameter Llama',
      'Chrome 156, 2 threads, 30 minutes',
      '7.700 (0), 0.200',
      '| RCA macro-F1 | 0.890 | 400 |',
      'RCA accuracy | 0.800 | 400 |',
      '| 0.910 | 400 |',
      '| int8 | 0.90 | 0.550 | 0.210 |',
      '| int4 | unknown | unknown | unknown |',
    ])
      expect(card).toContain(words);
    expect(card).not.toMatch(/NaN|undefined|null/);
  });
});
