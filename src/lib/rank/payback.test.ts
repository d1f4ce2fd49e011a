import { describe, expect, it } from 'vitest';
import type { VariantResult } from '../schema/result';
import { exampleResult } from './example';
import { paybackOf } from './payback';

const withEnergy = (variant: string, mid: number, half: number, trained: number | null): VariantResult => ({
  ...exampleResult(),
  variant,
  energy: { mid, low: mid - half, high: mid + half, n: 9 },
  ...(trained === null
    ? {}
    : {
        training: {
          joules: { low: trained / 2, mid: trained, high: 2 * trained },
          seconds: 10,
          steps: 20,
          seen: 160,
          loss: null,
        },
      }),
});

describe('payback', () => {
  const tuned = withEnergy('int8+lora8', 0.5, 0.0625, 150);

  it('is what training took over what each ticket saves, between the ends that timing leaves', () => {
    const found = paybackOf(tuned, withEnergy('fp32', 1, 0.0625, null));
    expect(found).toEqual({ variant: 'fp32', tickets: { mid: 300, low: 240, high: 400 } });
  });

  it('has no upper end where the two may take the same, and is none where nothing is saved', () => {
    expect(paybackOf(tuned, withEnergy('int8', 0.55, 0.05, null))?.tickets?.high).toBeNull();
    expect(paybackOf(tuned, withEnergy('tf-idf', 0.001, 0, null))).toEqual({ variant: 'tf-idf', tickets: null });
  });

  it("counts only what it took more than the other's training", () => {
    expect(paybackOf(tuned, withEnergy('fp32+lora8', 1, 0, 100))?.tickets?.mid).toBe(100);
    expect(paybackOf(tuned, withEnergy('fp32+lora8', 1, 0, 200))?.tickets?.mid).toBe(0);
  });

  it('is unknown where joules are', () => {
    expect(paybackOf(withEnergy('int8+lora8', 1, 0, null), tuned)).toBeNull();
    expect(paybackOf(tuned, { ...tuned, energy: null })).toBeNull();
  });
});
