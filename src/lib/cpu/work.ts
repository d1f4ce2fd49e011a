import { attentionWork, headName, names } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import type { Work } from '../core/cost';
import { FORMATS } from './formats';
import type { KernelMs } from './model';
import type { PackedMatrix } from './size';

/**
 * Work of each kernel in one pass over `fresh` tokens behind `past` ones, with logits of `logits` of them. Multiply-adds
 * count two. Weights are read as packed (2:4: values and places), once a pass; embeddings by the row; a cached value takes `cachedBytes`. Norms, rope and
 * gates take no operations here: they are thousandths of a matrix.
 */
export function passWork(
  config: ModelConfig,
  matrices: ReadonlyMap<string, PackedMatrix>,
  cachedBytes: number,
  fresh: number,
  past: number,
  logits: number,
): Record<keyof KernelMs, Work> {
  const head = headName(config);
  const none = (): Work => ({ operations: 0, weightBytes: 0, activationBytes: 0 });
  const work = { embedding: none(), linear: none(), attention: none(), vectors: none(), head: none() };
  for (const [name, m] of matrices) {
    const isHead = name === head;
    const isRows = name === names.embedding;
    const used = isHead ? logits : isRows ? 0 : fresh;
    const own = work[isHead ? 'head' : 'linear'];
    own.operations += 2 * m.rows * m.columns * FORMATS[m.format].density * used;
    if (used) own.weightBytes += m.bytes;
    own.activationBytes += 4 * (m.rows + m.columns) * used;
    if (isRows) work.embedding.weightBytes += (fresh * m.bytes) / m.rows;
  }
  const attention = attentionWork(config, fresh, past);
  work.attention.operations = attention.operations * config.layers;
  work.attention.activationBytes = cachedBytes * attention.cached * config.layers;
  return work;
}
