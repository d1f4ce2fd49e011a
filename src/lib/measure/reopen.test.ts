import { describe, expect, it } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import { parseRecipe } from '../compress/recipe';
import { exportGguf } from '../export/gguf';
import { writeWeights } from '../export/safetensors';
import { exportVariant, type ExportTarget } from '../export/onnx';
import { nllOf } from '../engine/testing';

/** Everything that was written, by name. */
function folder() {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const target: ExportTarget = {
    open: (name) => {
      files[name] = new Uint8Array();
      return Promise.resolve({
        append(data) {
          const before = files[name] as Uint8Array<ArrayBuffer>;
          const all = new Uint8Array(before.length + data.length);
          all.set(before);
          all.set(data, before.length);
          files[name] = all;
          return Promise.resolve();
        },
        close: () => Promise.resolve(),
      });
    },
  };
  return { files, target };
}

const json = (files: Record<string, Uint8Array>, name: string) =>
  JSON.parse(new TextDecoder().decode(files[name])) as Record<string, unknown>;
const builtin = builtinFiles();
const own = json(builtin, 'config.json');
const open = (changed: Record<string, unknown>) =>
  openCheckpoint(fileSet({ ...builtin, 'config.json': JSON.stringify({ ...own, ...changed }) }));
const phases = { id: 'again', inPhase: <T>(_: string, work: () => T | Promise<T>) => work() } as never;
const ids = Array.from({ length: 60 }, (_, i) => 5 + ((i * 37) % 300));

async function compressed(checkpoint: Checkpoint): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const { files, target } = folder();
  await writeWeights(checkpoint, parseRecipe('fp32'), target, phases);
  return files;
}
async function gguf(checkpoint: Checkpoint): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const { files, target } = folder();
  await exportGguf(checkpoint, parseRecipe('fp32'), target, phases);
  return files;
}

const ROPES: readonly [string, Record<string, unknown>][] = [
  ['plain', {}],
  ['another base', { rope_parameters: { rope_type: 'default', rope_theta: 50_000 }, rope_theta: 10_000 }],
  ['linear', { rope_scaling: { type: 'linear', factor: 4 } }],
  ['yarn', { rope_scaling: { rope_type: 'yarn', factor: 16, original_max_position_embeddings: 32 } }],
  [
    'llama3',
    {
      rope_scaling: {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 64,
      },
    },
  ],
  ['dynamic', { rope_scaling: { type: 'dynamic', factor: 2 } }],
];

describe('what is written is read again as the same model', () => {
  it.each(ROPES)('rope: %s', async (kind, changed) => {
    const checkpoint = await open(changed);
    const want = await nllOf(checkpoint, ids);
    for (const write of [compressed, gguf]) {
      const files = await write(checkpoint);
      const back = await openCheckpoint(fileSet(files));
      expect(Math.abs((await nllOf(back, ids)) - want), `${kind} ${write.name}`).toBeLessThan(1e-5);
    }
    // And once more: GGUF's divisors come back as a scaling that config.json has a word for.
    const again = await openCheckpoint(
      fileSet(await compressed(await openCheckpoint(fileSet(await gguf(checkpoint))))),
    );
    expect(Math.abs((await nllOf(again, ids)) - want)).toBeLessThan(1e-5);
  });

  it('rope that is scaled changes what is computed', async () => {
    const all = await Promise.all(ROPES.map(async ([, changed]) => nllOf(await open(changed), ids)));
    // Dynamic rope is plain up to the context.
    expect(new Set(all.map((x) => x.toFixed(5))).size).toBe(ROPES.length - 1);
  });

  it('keeps what this reader does not need: a sliding window, the context, where the weights come from', async () => {
    const checkpoint = await open({
      model_type: 'mistral',
      architectures: ['MistralForCausalLM'],
      sliding_window: 64,
      _name_or_path: 'some/where',
    });
    expect(checkpoint.config).toMatchObject({ maxPositions: 64, limitedBy: 'sliding window' });
    const files = await compressed(checkpoint);
    expect(json(files, 'config.json')).toMatchObject({
      sliding_window: 64,
      max_position_embeddings: 1024,
      _name_or_path: 'some/where',
    });
    expect((await openCheckpoint(fileSet(files))).config).toEqual(checkpoint.config);
    const { files: onnx, target } = folder();
    await exportVariant(checkpoint, parseRecipe('int8'), 'ort-cpu', target, { rates: () => ({}) as never });
    expect(json(onnx, 'config.json')).toMatchObject({ sliding_window: 64, max_position_embeddings: 1024 });
  });
});
