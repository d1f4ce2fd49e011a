import type { LoraLayout } from '../block/lora';
import { ADAPTER_FILES, partName, type Adapter } from '../checkpoint/adapter';
import { LINEARS } from '../checkpoint/block';
import { safetensorsHead } from '../checkpoint/safetensors';
import { JoulewiseError } from '../core/errors';
import { bytesOf } from '../tensor/stored';
import type { LoraOptions } from './lora';
import type { TuneOptions } from './trainer';

/** An adapter as PEFT saves it: the two files by name. `base` names the model that it was trained on. */
export function toPeft(
  lora: LoraLayout,
  adapter: Float32Array<ArrayBuffer>,
  o: LoraOptions & Pick<TuneOptions, 'dropout'>,
  base: string,
): Record<(typeof ADAPTER_FILES)[number], Uint8Array<ArrayBuffer>> {
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: o.rank,
    lora_alpha: o.alpha,
    use_rslora: o.stabilised,
    use_dora: false,
    lora_dropout: o.dropout ?? 0,
    target_modules: LINEARS.filter((l) => o.targets.includes(l)),
    layers_to_transform: o.layers === null ? null : [...lora.layers],
    bias: 'none',
    fan_in_fan_out: false,
    modules_to_save: null,
    inference_mode: true,
  };
  const tensors = lora.parts.flatMap(({ layer, linear, outputs, inputs, a, b }) =>
    (
      [
        ['A', [lora.rank, inputs], a],
        ['B', [outputs, lora.rank], b],
      ] as const
    ).map(([part, shape, from]) => ({
      name: partName(layer, linear, part),
      dtype: 'F32',
      shape,
      data: bytesOf(adapter.subarray(from, from + shape[0] * shape[1])),
    })),
  );
  const pieces = [safetensorsHead(tensors), ...tensors.map(({ data }) => data)];
  const weights = new Uint8Array(pieces.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const piece of pieces) {
    weights.set(piece, at);
    at += piece.length;
  }
  return {
    'adapter_config.json': new TextEncoder().encode(JSON.stringify(config, null, 2)),
    'adapter_model.safetensors': weights,
  };
}

/**
 * The numbers of an adapter that was read (checkpoint/adapter.ts), to go on with. Throws `checkpoint.unsupported` where it
 * is of another rank or changes other layers than `lora`.
 */
export async function fromPeft(lora: LoraLayout, read: Adapter): Promise<Float32Array<ArrayBuffer>> {
  const other = () =>
    new JoulewiseError(
      'checkpoint.unsupported',
      `The adapter has rank ${read.rank} and changes ${read.count} linear layers; rank ${lora.rank} and ${lora.parts.length} are asked for. Ask for what it has, or begin anew.`,
    );
  if (read.rank !== lora.rank || read.count !== lora.parts.length) throw other();
  const out = new Float32Array(lora.size);
  for (const { layer, linear, a, b } of lora.parts) {
    const part = await read.read(layer, linear);
    if (part?.rank !== lora.rank) throw other();
    out.set(part.a, a);
    // It was read with its factor multiplied in.
    out.set(
      part.b.map((x) => x / lora.factor),
      b,
    );
  }
  return out;
}
