import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../checkpoint/checkpoint';
import { fileSet } from '../../checkpoint/testing';
import { buildBuiltin, type BuildEvent, type BuildHost } from './build';
import { CONFIG_FILE, type Recipe } from './builtin';
import { memoryHost } from './testing';
import { memoryStore } from '../testing';

/** A small model in two short stages of one network each, a ticket or two a step. */
const SHORT: Recipe = {
  config: {
    ...CONFIG_FILE,
    vocab_size: 300,
    hidden_size: 32,
    intermediate_size: 48,
    num_attention_heads: 4,
    head_dim: 8,
  },
  stages: [
    { seed: 7, networks: 1, steps: 3, lr: 2e-3, prompt: 0.1, passes: [{ causes: 1, responses: 1 }] },
    { seed: 9, networks: 1, steps: 2, lr: 1e-3, prompt: 0.3, passes: [{ causes: 0, responses: 1 }] },
  ],
  validation: 1,
};

function host(more: Partial<BuildHost> = {}) {
  const { own, ...seen } = memoryHost<BuildEvent>();
  return { ...seen, own: { ...own, ...more } };
}

describe('a build of the built-in checkpoint', () => {
  it('goes on with the same bits wherever it was stopped, and writes a checkpoint that opens', async () => {
    const whole = host();
    const report = await buildBuiltin(whole.own, SHORT);
    expect(report.stages.map(({ steps, at }) => [steps, at])).toEqual([
      [3, expect.any(Number)],
      [2, expect.any(Number)],
    ]);
    expect(Object.keys(whole.folder.files).toSorted()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const { config } = await openCheckpoint(fileSet(whole.folder.files));
    expect(config.vocabSize).toBe(300);
    expect(config.eosTokenIds).toEqual([2]);

    const keeping = memoryStore();
    // Within the first stage, and within the second.
    for (const [stage, at] of [
      [0, 2],
      [1, 1],
    ] as const) {
      const stop = new AbortController();
      const { own } = host({
        keeping,
        signal: stop.signal,
        emit: (event) => {
          if ('step' in event && event.stage === stage && event.step.step === at) stop.abort();
        },
      });
      await expect(buildBuiltin(own, SHORT)).rejects.toThrow(/Run it again to go on from here/);
    }
    const last = host({ keeping });
    expect((await buildBuiltin(last.own, SHORT)).stages.map(({ steps }) => steps)).toEqual([3, 2]);
    expect(last.events.flatMap((e) => ('step' in e ? [[e.stage, e.step.step]] : []))).toEqual([[1, 2]]);
    expect(last.folder.files).toEqual(whole.folder.files);
  });
});
