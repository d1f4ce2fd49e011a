import { checkConfig, type ModelConfig } from '../checkpoint/config';
import { type LinearName, LINEARS, linearShapes, vectorNames } from '../checkpoint/block';
import { BLOCK, type StoredTensor } from '../tensor/stored';
import { median } from '../core/stats';
import { createRandom } from '../core/random';
import { CpuModel } from './model';
import { byteDotOf, type Spawn } from './module';
import type { BuildName } from '../core/dot';

/** A decode step of a model of some size with random weights: what size costs, whatever the weights say. */
export interface ScaleResult {
  parameters: number;
  weightBytes: number;
  /** Median milliseconds of one decode step. */
  decodeMs: number;
}

export interface ScaleShape {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  vocabSize: number;
}

/** Random bytes that blocks are cut from: making each anew would take minutes. */
const POOL_BYTES = 2 ** 20;

/** int8 blocks of random levels; the same few in turn, but each at its own place in memory. */
function randomTensor(rows: number, columns: number, pool: Uint8Array): StoredTensor {
  const blocks = rows * Math.ceil(columns / BLOCK);
  const data = new Uint8Array(blocks * BLOCK);
  for (let at = 0; at < data.length; at += pool.length) data.set(pool.subarray(0, data.length - at), at);
  // Levels of up to 128 times 1e-4 are about as large as trained weights.
  return { format: 'blocks', bits: 8, rows, columns, data, scales: new Float32Array(blocks).fill(1e-4) };
}

/** Opens a model of the given shape in int8 and times single tokens. Throws where it does not fit in 4 GiB. */
export async function measureScale(
  shape: ScaleShape,
  o: { module: WebAssembly.Module; build: BuildName; threads: number; spawn: Spawn; repeats: number },
): Promise<ScaleResult> {
  const config: ModelConfig = checkConfig({
    ...shape,
    family: 'Llama',
    headDim: shape.hiddenSize / shape.heads,
    normEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: null,
    maxPositions: 256,
    tiedEmbeddings: true,
    qkvBias: false,
    qkNorm: false,
    bosTokenId: null,
    eosTokenIds: [],
  });
  const { hiddenSize: h, intermediateSize: ffn, layers, vocabSize } = config;
  const random = createRandom(1);
  const pool = Uint8Array.from({ length: POOL_BYTES }, () => random.int(256));
  const model = new CpuModel(config, Array<number>(layers).fill(ffn), config.maxPositions, byteDotOf(o.build));
  try {
    const shapes = linearShapes(config, ffn);
    const layer = Object.fromEntries(LINEARS.map((l) => [l, randomTensor(...shapes[l], pool)])) as Record<
      LinearName,
      StoredTensor
    >;
    for (let i = 0; i < layers; i++) model.setLayer(i, layer);
    model.setOuter(randomTensor(vocabSize, h, pool), null);
    for (const name of vectorNames(config)) model.setVector(name, new Float32Array(h).fill(1));
    await model.start(o.module, o.threads, o.spawn);
    let position = 0;
    const step = () => {
      const start = performance.now();
      model.forward(
        position,
        { ids: [position % vocabSize], positions: [position], spans: [0], prefix: position + 1, logitRows: [0] },
        () => undefined,
      );
      position++;
      return performance.now() - start;
    };
    step();
    return {
      parameters: LINEARS.reduce((n, l) => n + layers * shapes[l][0] * shapes[l][1], vocabSize * h),
      weightBytes: model.weightBytes,
      decodeMs: median(Array.from({ length: o.repeats }, step)),
    };
  } finally {
    model.close();
  }
}
