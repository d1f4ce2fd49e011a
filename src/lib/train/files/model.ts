import type { Checkpoint } from '../../checkpoint/checkpoint';
import { configToJson } from '../../checkpoint/config';
import { safetensorsHead } from '../../checkpoint/safetensors';
import type { ExportTarget } from '../../export/onnx';
import { bytesOf, halves } from '../../tensor/stored';
import type { TrainedLayout } from '../../tune/trained';
import type { Trained } from '../training';

type Full = Extract<TrainedLayout, { kind: 'full' }>;

/** Writes all weights as one model.safetensors, row-major, float32 or rounded to float16. */
export async function writeAllWeights(
  full: Full,
  numbers: Float32Array<ArrayBuffer>,
  dtype: 'F32' | 'F16',
  target: ExportTarget,
): Promise<void> {
  const tensors = full.parts.map(({ name, rows, columns, at, vector }) => {
    const own = numbers.subarray(at, at + rows * columns);
    return {
      name,
      dtype,
      shape: vector ? [columns] : [rows, columns],
      data: bytesOf(dtype === 'F16' ? halves(own) : own),
    };
  });
  const file = await target.open('model.safetensors');
  await file.append(safetensorsHead(tensors));
  for (const { data } of tensors) await file.append(data);
  await file.close();
}

/** Writes small files as JSON, by name. */
export async function writeJson(target: ExportTarget, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = await target.open(name);
    await file.append(new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`));
    await file.close();
  }
}

/** Writes a model that was trained in full, as a folder that transformers loads: weights in float32, config, tokenizer. */
export async function writeModel(
  { tokenizer }: Checkpoint,
  { config }: Trained['shape'],
  full: Full,
  numbers: Float32Array<ArrayBuffer>,
  target: ExportTarget,
): Promise<void> {
  await writeAllWeights(full, numbers, 'F32', target);
  const { intermediateSize, layers } = config;
  await writeJson(target, {
    'config.json': configToJson(config, { intermediateSize, layers }),
    'tokenizer.json': tokenizer.tokenizer,
    'tokenizer_config.json': tokenizer.config,
  });
}
