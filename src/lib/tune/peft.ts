import type { LoraLayout } from '../block/lora';
import { ADAPTER_FILES, partName, type Adapter } from '../checkpoint/adapter';
import { LINEARS } from '../checkpoint/block';
import { JoulewiseError } from '../core/errors';
import { bytesOf } from '../tensor/stored';
import type { LoraOptions } from './lora';

/** An adapter as PEFT saves it: the two files by name. `base` names the model that it was trained on. */
export function toPeft(
  lora: LoraLayout,
  adapter: Float32Array<ArrayBuffer>,
  o: LoraOptions,
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
    lora_dropout: 0,
    target_modules: LINEARS.filter((l) => o.targets.includes(l)),
    layers_to_transform: o.layers === null ? null : [...lora.layers],
    bias: 'none',
    fan_in_fan_out: false,
    modules_to_save: null,
    inference_mode: true,
  };
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  const put = (name: string, shape: [number, number], from: number) => {
    const data = bytesOf(adapter.subarray(from, from + shape[0] * shape[1]));
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
    pieces.push(data);
  };
  for (const { layer, linear, outputs, inputs, a, b } of lora.parts) {
    put(partName(layer, linear, 'A'), [lora.rank, inputs], a);
    put(partName(layer, linear, 'B'), [outputs, lora.rank], b);
  }
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text + ' '.repeat(-text.length & 7));
  const weights = new Uint8Array(8 + json.length + at);
  new DataView(weights.buffer).setBigUint64(0, BigInt(json.length), true);
  weights.set(json, 8);
  let to = 8 + json.length;
  for (const piece of pieces) {
    weights.set(piece, to);
    to += piece.length;
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
    if (!part) throw other();
    out.set(part.a, a);
    // It was read with its factor multiplied in.
    out.set(
      part.b.map((x) => x / lora.factor),
      b,
    );
  }
  return out;
}
