import type { EngineName } from '../schema/engines';
import { HANDED } from '../variant/engines';
import type { Checkpoint } from '../checkpoint/checkpoint';
import { configToJson } from '../checkpoint/config';
import type { PrecisionName } from '../tensor/precisions';
import { formatRecipe, type Recipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import { buildDecoder, type DecoderOptions } from '../decoder/decoder';
import { encodeModel } from '../graph/encode';
import { byteSize } from '../graph/graph';
import type { Compression } from '../schema/run';
import { targetOf, type Calibration, type RatesOf } from '../variant/compress';
import { chooseKernel, type GraphKernelRow } from '../variant/kernels';
import { decoderOptions, prepareVariant } from '../variant/prepare';
import { smallerShape } from '../compress/shape';

/** File name endings that Transformers.js looks for, by its dtype (transformers.js: DEFAULT_DTYPE_SUFFIX_MAPPING). */
const SUFFIX: Readonly<Record<PrecisionName, { suffix: string; dtype: string }>> = {
  fp32: { suffix: '', dtype: 'fp32' },
  fp16: { suffix: '_fp16', dtype: 'fp16' },
  int8: { suffix: '_quantized', dtype: 'q8' },
  int4: { suffix: '_q4', dtype: 'q4' },
};

/** Protobuf and browsers hold at most 2 GiB in one piece. */
const MAX_DATA_BYTES = 2 ** 31 - 2 ** 20;
/** Weights start at multiples of this, so that runtimes can map the file. */
const ALIGNMENT = 64;

export interface ExportTarget {
  open(name: string): Promise<{ append(data: Uint8Array<ArrayBuffer>): Promise<void>; close(): Promise<void> }>;
}

/** What is exported for a recipe of an engine, and how its files are called. */
function exportRow(recipe: Recipe, engine: EngineName) {
  // A graph for WebGPU is exported without half-precision activations: it must open on any adapter.
  // Our own kernels read no graph; what they run is exported as ONNX Runtime's CPU graph.
  const { kernel } = chooseKernel(HANDED[engine].exportsAs, recipe, []);
  const { suffix, dtype } = SUFFIX[recipe.precision];
  return { kernel, suffix, dtype, dataName: `model${suffix}.onnx_data` };
}

const paddingTo = (at: number) => -at & (ALIGNMENT - 1);

/** Configuration and tokenizer beside the graph, by their names. */
function sideFiles(
  checkpoint: Checkpoint,
  recipe: Recipe,
  kernel: GraphKernelRow,
  { config, ffnSizes }: Pick<DecoderOptions, 'config' | 'ffnSizes'>,
): [name: string, content: Uint8Array<ArrayBuffer>][] {
  const { suffix, dtype } = SUFFIX[recipe.precision];
  const json = (content: object) => new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`);
  return [
    [
      'config.json',
      json({
        ...configToJson(
          config,
          { intermediateSize: ffnSizes[0] ?? config.intermediateSize, layers: config.layers },
          checkpoint.source,
        ),
        'transformers.js_config': { dtype, use_external_data_format: { [`model${suffix}.onnx`]: 1 } },
        joulewise: { recipe: formatRecipe(recipe), kernel: kernel.title, checkpoint: checkpoint.name },
      }),
    ],
    [
      'generation_config.json',
      json({
        do_sample: false,
        bos_token_id: config.bosTokenId,
        eos_token_id: config.eosTokenIds,
        pad_token_id: config.eosTokenIds[0] ?? null,
      }),
    ],
    ['tokenizer.json', json(checkpoint.tokenizer.tokenizer)],
    ['tokenizer_config.json', json(checkpoint.tokenizer.config)],
  ];
}

/**
 * Bytes of the files that `exportVariant` writes, by name, before a weight is read. Under a budget linear layers have one
 * form, that of 8 bits: what it chooses is known when it has chosen.
 */
export function exportSizes(checkpoint: Checkpoint, recipe: Recipe, engine: EngineName): Map<string, number> {
  const { kernel, suffix, dataName } = exportRow(recipe, engine);
  const shape = smallerShape(checkpoint.config, recipe);
  const graph = buildDecoder(decoderOptions({ ...shape, recipeOf: null }, kernel, 'export'));
  let data = 0;
  for (const i of graph.initializers) if (!i.data) data += paddingTo(data) + byteSize(i);
  return new Map([
    // Offsets are texts of some digits; those of the longest are counted.
    [`onnx/model${suffix}.onnx`, encodeModel(graph, () => ({ location: dataName, offset: data })).byteLength],
    [`onnx/${dataName}`, data],
    ...sideFiles(checkpoint, recipe, kernel, shape).map(([name, content]) => [name, content.byteLength] as const),
  ]);
}

export interface ExportReport {
  compression: Compression;
  kernel: string;
  dtype: string;
  dataBytes: number;
}

/** Writes a variant as a folder that Transformers.js and Python onnxruntime load, weights streamed layer by layer. */
export async function exportVariant(
  checkpoint: Checkpoint,
  recipe: Recipe,
  engine: EngineName,
  target: ExportTarget,
  o: {
    onProgress?: (done: number, of: number) => void;
    signal?: AbortSignal;
    calibration?: Calibration | null;
    /** What a budget of joules counts with. */
    rates: RatesOf;
  },
): Promise<ExportReport> {
  const { kernel, suffix, dtype, dataName } = exportRow(recipe, engine);
  const data = await target.open(`onnx/${dataName}`);
  const offsets = new Map<string, number>();
  let at = 0;
  const variant = await prepareVariant(checkpoint, recipe, kernel, {
    use: 'export',
    ...o,
    target: targetOf(kernel, o.rates),
    inPhase: (_, work) => work(),
    async onWeights(weights) {
      for (const w of weights) {
        const padding = paddingTo(at);
        if (padding) await data.append(new Uint8Array(padding));
        offsets.set(w.name, at + padding);
        await data.append(w.data);
        at += padding + w.data.byteLength;
        if (at > MAX_DATA_BYTES)
          throw new JoulewiseError(
            'recipe.impossible',
            'The exported weights exceed 2 GiB, which one file cannot hold here. Choose fewer bits or a smaller model.',
          );
      }
    },
  });
  await data.close();
  const write = async (name: string, content: Uint8Array<ArrayBuffer>) => {
    const file = await target.open(name);
    await file.append(content);
    await file.close();
  };
  await write(
    `onnx/model${suffix}.onnx`,
    encodeModel(variant.graph, (w) => ({ location: dataName, offset: offsets.get(w.name) ?? 0 })),
  );
  for (const [name, content] of sideFiles(checkpoint, recipe, kernel, variant.options)) await write(name, content);
  return { compression: variant.compression, kernel: kernel.title, dtype, dataBytes: at };
}
