#!/usr/bin/env -S npx tsx
/**
 * Ten steps of SmolLM2-135M with an adapter, by our own engine in Node (one thread, float32), on tickets of a file:
 *
 *     npx tsx tests/oracle/tune.ts MODEL.gguf TICKETS.csv text=..,target=.. OUT.json [recipe] [steps]
 *
 * Writes the adapter, the batches and our losses; tests/oracle/tune.py smollm2 adds what PyTorch and PEFT make of them.
 */
import { writeFileSync } from 'node:fs';
import { batchAt, type Example } from '../../src/lib/tune/examples';
import { LORA, newAdapter } from '../../src/lib/tune/lora';
import { oneThread } from '../../src/lib/tune/testing';
import { startTuning, tune, TUNE } from '../../src/lib/tune/trainer';
import { openLessons } from './lessons';

const [model, tickets, map, out, recipe = 'fp32', steps = '10'] = process.argv.slice(2);
if (!model || !tickets || !map || !out) throw new Error('MODEL.gguf TICKETS.csv MAPPING OUT.json [recipe] [steps]');
const { frozen, lora, examples: train } = await openLessons(model, tickets, map, recipe, 400);
const options = { ...TUNE, steps: Number(steps), warmup: 0, batch: 4, evaluateEvery: 0, decay: 0.01 };
const adapter = newAdapter(lora, 1);
const engine = await oneThread(frozen, lora);
let first: Float32Array | null = null;
const done = await tune(
  {
    engine: {
      ...engine,
      gradients: async (...args) => {
        const made = await engine.gradients(...args);
        first ??= made.gradient.slice();
        return made;
      },
    },
    train,
    validation: [],
    joules: () => null,
    now: () => performance.now(),
    onStep: (step) => console.log(JSON.stringify(step)),
  },
  options,
  startTuning(adapter),
);
const plain = ({ ids, answer }: Example) => ({
  ids: ids.slice(0, -1),
  labels: ids.slice(0, -1).map((_, i) => (i + 1 >= answer ? ids[i + 1] : null)),
});
const base64 = (x: Float32Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('base64');
writeFileSync(
  out,
  JSON.stringify({
    given: {
      rank: LORA.rank,
      alpha: LORA.alpha,
      ...options,
      adapter: base64(adapter),
      batches: Array.from({ length: options.steps }, (_, step) =>
        batchAt(train.length, options.batch, step, options.seed).map((i) => plain(train[i] as Example)),
      ),
    },
    recipe,
    ours: done.state.steps,
  }),
);
if (first) writeFileSync(`${out}.ours`, new Uint8Array((first as Float32Array).buffer));
