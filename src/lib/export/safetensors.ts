import type { Checkpoint } from '../checkpoint/checkpoint';
import { configToJson } from '../checkpoint/config';
import { LINEARS, names, vectorNames } from '../checkpoint/block';
import { safetensorsHead } from '../checkpoint/safetensors';
import { bytesOf, dequantize, type StoredTensor } from '../tensor/stored';
import { formatRecipe, type Recipe } from '../compress/recipe';
import type { LayerReport } from '../compress/books';
import type { Compression } from '../schema/run';
import { compressVariant, footprintHere, type CompressVariantOptions } from '../variant/compress';
import type { ExportTarget } from './onnx';

type Piece = { name: string; dtype: 'F32' | 'F16' | 'U8'; shape: number[]; data: Uint8Array<ArrayBuffer> };

/**
 * A stored tensor as safetensors pieces: `name` holds the weights as they are computed with (fp16 as stored, else
 * float32), and blocks add `name.blocks` (uint8 [rows, blocks, 32 * bits / 8]) and `name.scales` (float32 [rows, blocks]):
 * value = (q - 2^(bits-1)) * scale, 4-bit element 2i in the low nibble.
 */
function pieces(name: string, t: StoredTensor): Piece[] {
  const shape = [t.rows, t.columns];
  if (t.format === 'fp16') return [{ name, dtype: 'F16', shape, data: bytesOf(t.data) }];
  const whole: Piece = { name, dtype: 'F32', shape, data: bytesOf(dequantize(t)) };
  if (t.format === 'fp32') return [whole];
  const blocks = t.scales.length / t.rows;
  return [
    whole,
    {
      name: `${name}.blocks`,
      dtype: 'U8',
      shape: [t.rows, blocks, t.data.length / t.scales.length],
      data: t.data as Uint8Array<ArrayBuffer>,
    },
    { name: `${name}.scales`, dtype: 'F32', shape: [t.rows, blocks], data: bytesOf(t.scales) },
  ];
}

export interface WeightsReport {
  recipe: string;
  compression: Omit<Compression, 'computedBytes'>;
  layers: readonly LayerReport[];
}

/** Writes compressed weights as a sharded safetensors checkpoint, one file per layer, with `report.json`. */
export async function writeWeights(
  checkpoint: Checkpoint,
  recipe: Recipe,
  target: ExportTarget,
  o: CompressVariantOptions & { onProgress?: (done: number, of: number) => void },
): Promise<WeightsReport> {
  const { model, close } = await compressVariant(checkpoint, recipe, { ...o, footprint: footprintHere() });
  try {
    const { config } = model;
    const files = config.layers + 1;
    const where: Record<string, string> = {};
    // Blocks lie in files of their own that the index does not name: readers of the weights never meet them.
    const write = async (index: number, all: Piece[]) => {
      const blocks = all.filter((p) => /\.(?:blocks|scales)$/.test(p.name));
      await writeFile(
        'model',
        index,
        all.filter((p) => !blocks.includes(p)),
      );
      if (blocks.length) await writeFile('blocks', index, blocks);
      o.onProgress?.(index + 1, files);
    };
    const writeFile = async (kind: 'model' | 'blocks', index: number, list: Piece[]) => {
      const name = `${kind}-${String(index + 1).padStart(5, '0')}-of-${String(files).padStart(5, '0')}.safetensors`;
      if (kind === 'model') for (const p of list) where[p.name] = name;
      const file = await target.open(name);
      await file.append(safetensorsHead(list));
      for (const p of list) await file.append(p.data);
      await file.close();
    };
    for (let layer = 0; layer < config.layers; layer++) {
      const stored = await o.inPhase('compress', () => model.layer(layer));
      await write(
        layer,
        LINEARS.flatMap((l) => pieces(names.linear(layer, l), stored[l])),
      );
    }
    const head = await model.head();
    const rest = [...pieces(names.embedding, await model.embedding()), ...(head ? pieces(names.head, head) : [])];
    for (const name of vectorNames(config)) {
      const data = await model.vector(name);
      rest.push({ name, dtype: 'F32', shape: [data.length], data: bytesOf(data) });
    }
    await write(config.layers, rest);
    const report = { recipe: formatRecipe(recipe), compression: model.counted(), layers: model.reports() };
    const json = async (name: string, content: unknown) => {
      const file = await target.open(name);
      await file.append(new TextEncoder().encode(`${JSON.stringify(content, null, 1)}\n`));
      await file.close();
    };
    await json('model.safetensors.index.json', { metadata: {}, weight_map: where });
    await json(
      'config.json',
      configToJson(
        config,
        { intermediateSize: model.ffnSizes[0] ?? config.intermediateSize, layers: config.layers },
        checkpoint.source,
      ),
    );
    await json('tokenizer.json', checkpoint.tokenizer.tokenizer);
    await json('tokenizer_config.json', checkpoint.tokenizer.config);
    await json('report.json', report);
    return report;
  } finally {
    close();
  }
}
