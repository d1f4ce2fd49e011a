import { readFileSync } from 'node:fs';
import { fullLayout } from '../block/weights';
import { configFromJson } from '../checkpoint/config';
import { builtinFiles, makeSafetensors } from '../checkpoint/testing';
import { createRandom } from '../core/random';
import { newWeights } from '../gradient/full';
import { LORA, loraLayout } from '../tune/lora';
import { toPeft } from '../tune/peft';
import type { AdapterStore, KeptNumbers } from '../variant/tuned';

/** Keeps what is trained in memory, each as it was when it was written. */
export function memoryStore(): AdapterStore & { kept: Map<string, KeptNumbers> } {
  const kept = new Map<string, KeptNumbers>();
  return {
    kept,
    read: (key) => Promise.resolve(structuredClone(kept.get(key)) ?? null),
    write: (key, value) => Promise.resolve(void kept.set(key, structuredClone(value))),
    remove: (key) => Promise.resolve(void kept.delete(key)),
  };
}

type Tensor = Parameters<typeof makeSafetensors>[0][string];

const encoder = new TextEncoder();

/** Shape of a model of narrow layers with the built-in tokenizer. */
function tinyShape(layers: number) {
  const file = {
    ...(JSON.parse(readFileSync('static/builtin/config.json', 'utf8')) as Record<string, unknown>),
    ...{ hidden_size: 64, intermediate_size: 128, num_hidden_layers: layers, num_attention_heads: 4, head_dim: 16 },
  };
  return { file, config: configFromJson(file), sizes: Array.from({ length: layers }, () => 128) };
}

/** Files of such a model, new, by name: what a software GPU computes in a moment, and is trained as soon. */
export function tinyFiles(layers: number): Record<string, Uint8Array<ArrayBuffer>> {
  const { file, config, sizes } = tinyShape(layers);
  const layout = fullLayout(config, sizes);
  const numbers = newWeights(layout, 0.1, 4);
  const tensors = layout.parts.map(({ name, rows, columns, at, vector }): [string, Tensor] => [
    name,
    {
      dtype: 'F32',
      shape: vector ? [columns] : [rows, columns],
      data: new Uint8Array(numbers.slice(at, at + rows * columns).buffer),
    },
  ]);
  return {
    ...builtinFiles(),
    'config.json': encoder.encode(JSON.stringify(file)),
    'model.safetensors': Uint8Array.from(makeSafetensors(Object.fromEntries(tensors))),
  };
}

/** Files of an adapter of `tinyFiles`, as PEFT saves it, that changes what the model says. */
export function tinyAdapter(layers: number): Record<string, Uint8Array<ArrayBuffer>> {
  const { config, sizes } = tinyShape(layers);
  const options = { ...LORA, rank: 4 };
  const lora = loraLayout(config, sizes, options);
  const random = createRandom(5);
  return toPeft(
    lora,
    Float32Array.from({ length: lora.size }, () => 0.2 * random.next() - 0.1),
    options,
    'tiny',
  );
}
