import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../checkpoint/config';
import { fullBytes, fullThreadsThatFit, threadBytes, threadsThatFit } from './size';

/** SmolLM2-135M, and a model of 1.7 G parameters. */
const small = {
  ...{ layers: 30, hiddenSize: 576, intermediateSize: 1536, heads: 9, kvHeads: 3, headDim: 64 },
  ...{ vocabSize: 49_152, tiedEmbeddings: true },
} as ModelConfig;
const large = {
  ...{ layers: 24, hiddenSize: 2048, intermediateSize: 8192, heads: 32, kvHeads: 32, headDim: 64 },
  ...{ vocabSize: 49_152, tiedEmbeddings: true },
} as ModelConfig;
const o = { rows: 256, rank: 8, memoryGiB: 8 };

describe('memory of a training', () => {
  it('is near what a thread was seen to hold', () => {
    // 389 MB of heap at 512 rows over int8 (docs/measurements/2026-11-29-training.md).
    expect(threadBytes(small, 'int8', 512, 8) / 389e6).toBeGreaterThan(0.9);
    expect(threadBytes(small, 'int8', 512, 8) / 389e6).toBeLessThan(1.5);
  });

  it('allows fewer threads where the device has less', () => {
    expect(threadsThatFit(8, small, 'int8', o)).toBe(8);
    expect(threadsThatFit(8, small, 'fp32', { ...o, memoryGiB: 4 })).toBeLessThan(3);
    expect(threadsThatFit(2, small, 'fp32', { ...o, memoryGiB: null })).toBe(2);
  });

  it('refuses what no thread can hold, with what would fit', () => {
    expect(() => threadsThatFit(1, large, 'fp32', o)).toThrow(/What would fit: int8 \([\d.]+ GiB\), int4/);
    expect(() => threadsThatFit(1, small, 'fp32', { ...o, memoryGiB: 0.5 })).toThrow(/GiB can be had here/);
    expect(() => threadsThatFit(1, large, 'int4', { ...o, memoryGiB: 1 })).toThrow(/choose a smaller model/);
  });

  it('of all weights holds them twice in each thread and six times beside', () => {
    const weights = 4 * 134.5e6;
    const { thread, once } = fullBytes(small, 256);
    expect(once / (6 * weights)).toBeCloseTo(1, 2);
    expect(thread).toBeGreaterThan(2 * weights);
    expect(fullThreadsThatFit(2, small, { ...o, memoryGiB: 16 })).toBe(2);
    expect(fullThreadsThatFit(8, small, { ...o, memoryGiB: 16 })).toBeLessThan(5);
  });

  it('refuses all weights where memory does not hold their gradients and moments, with what would fit', () => {
    expect(() => fullThreadsThatFit(1, small, { ...o, memoryGiB: 4 })).toThrow(
      /all 134 million weights takes [\d.]+ GiB with their gradients and two moments, and 2.0 GiB can be had here. What would fit: a model of up to \d+ million weights, or an adapter over fp32/,
    );
    expect(() => fullThreadsThatFit(1, large, { ...o, memoryGiB: 64 })).toThrow(/or an adapter over int8/);
  });
});
