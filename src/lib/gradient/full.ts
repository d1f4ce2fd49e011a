import type { FullLayout } from '../block/weights';
import { LINEARS, names, vectorsOf } from '../checkpoint/block';
import { createRandom } from '../core/random';
import { dequantize } from '../tensor/stored';
import type { Frozen } from './frozen';

/** All weights of a model as one float32 vector, laid out as `full`. */
export function weightsOf(
  { config, layers, embedding, head, finalNorm }: Frozen,
  full: FullLayout,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(full.size);
  const put = (name: string, data: Float32Array) => out.set(data, full.at(name));
  put(names.embedding, dequantize(embedding));
  if (head) put(names.head, dequantize(head));
  layers.forEach(({ linear, vectors }, layer) => {
    for (const l of LINEARS) put(names.linear(layer, l), dequantize(linear[l]));
    for (const v of vectorsOf(config)) put(names.vector(layer, v), vectors[v] as Float32Array);
  });
  put(names.finalNorm, finalNorm);
  return out;
}

/** Weights of a new model: matrices normal with deviation `spread`, norms 1, biases 0, as transformers begins (`initializer_range`). */
export function newWeights(full: FullLayout, spread: number, seed: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(full.size);
  const root = createRandom(seed);
  for (const { name, rows, columns, at, vector } of full.parts) {
    if (vector) {
      if (!name.endsWith('bias')) out.fill(1, at, at + columns);
      continue;
    }
    const random = root.fork(name);
    for (let i = at; i < at + rows * columns; i++) out[i] = spread * random.normal();
  }
  return out;
}
