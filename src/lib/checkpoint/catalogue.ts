import type { ModelConfig } from './config';

/** Shape of a model, as far as its size follows from it. */
export type Shape = Pick<
  ModelConfig,
  | 'hiddenSize'
  | 'intermediateSize'
  | 'layers'
  | 'heads'
  | 'kvHeads'
  | 'headDim'
  | 'vocabSize'
  | 'tiedEmbeddings'
  | 'qkvBias'
  | 'qkNorm'
>;

/** A repository of the Hub that runs here, from its own config.json. */
export interface CatalogueRow {
  repo: string;
  title: string;
  licence: string;
  shape: Shape;
  /** Bytes of the weights to download: 2 a parameter, and the output projection again where the file repeats it. */
  downloadBytes: number;
  /** Repository with ready-made ONNX exports; null where there is none. */
  exports: string | null;
}

const shape = (
  [hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, vocabSize]: readonly [
    number, number, number, number, number, number, number,
  ], // prettier-ignore
  more: Partial<Pick<Shape, 'tiedEmbeddings' | 'qkvBias' | 'qkNorm'>> = {},
): Shape => ({
  hiddenSize,
  intermediateSize,
  layers,
  heads,
  kvHeads,
  headDim,
  vocabSize,
  tiedEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  ...more,
});

/** Parameters of embedding and output projection, of linear layers, and of vectors (norms, biases). */
export function parametersOf(s: Shape): { outer: number; linear: number; vectors: number; total: number } {
  const [q, kv] = [s.heads * s.headDim, s.kvHeads * s.headDim];
  const outer = s.vocabSize * s.hiddenSize * (s.tiedEmbeddings ? 1 : 2);
  const linear = s.layers * (s.hiddenSize * (2 * q + 2 * kv) + 3 * s.hiddenSize * s.intermediateSize);
  const vectors =
    s.hiddenSize + s.layers * (2 * s.hiddenSize + (s.qkvBias ? q + 2 * kv : 0) + (s.qkNorm ? 2 * s.headDim : 0));
  return { outer, linear, vectors, total: outer + linear + vectors };
}

/** Bits a weight takes with its share of a scale per 32: linear layers, and embedding and output projection. */
const BITS = { fp32: [32, 32], fp16: [16, 16], int8: [9, 9], int4: [5, 9] } as const;
export type SizedPrecision = keyof typeof BITS;
export const SIZED_PRECISIONS = Object.keys(BITS) as SizedPrecision[];

/** Bytes of the KV cache at 32 bits for a context of so many tokens. */
export const cacheBytes = (s: Shape, tokens: number) => 2 * s.layers * s.kvHeads * s.headDim * tokens * 4;

/** Tokens of a ticket with its answer, generously. */
const CONTEXT = 1024;

/** Bytes that a variant takes in memory while it runs: weights and cache; the runtime comes on top. */
export function memoryBytes(s: Shape, precision: SizedPrecision): number {
  const { outer, linear, vectors } = parametersOf(s);
  const [inner, outside] = BITS[precision];
  return Math.round((linear * inner + outer * outside) / 8 + vectors * 4 + cacheBytes(s, CONTEXT));
}

/** Whether a device holds so many bytes. `unknown` where the browser does not tell its memory. */
export type Fit = 'fits' | 'tight' | 'too large' | 'unknown';

/** 32-bit WebAssembly addresses 4 GiB; some of it is the runtime's. */
const WASM_BYTES = 3.8 * 2 ** 30;

/** @param memoryGiB navigator.deviceMemory: rounded down by the browser and capped, so a device may have more */
export function fitOf(
  bytes: number,
  device: { memoryGiB: number | null; gpu: { maxBufferBytes: number } | null },
  kind: 'cpu' | 'gpu',
): Fit {
  if (kind === 'cpu' && bytes > WASM_BYTES) return 'too large';
  if (device.memoryGiB === null) return 'unknown';
  const share = bytes / (device.memoryGiB * 2 ** 30);
  return share < 0.4 ? 'fits' : share < 0.8 ? 'tight' : 'too large';
}

const row = (
  repo: string,
  title: string,
  licence: string,
  s: Shape,
  exports: string | null,
  repeatsOutput = false,
): CatalogueRow => ({
  repo,
  title,
  licence,
  shape: s,
  downloadBytes: 2 * (parametersOf(s).total + (repeatsOutput ? s.vocabSize * s.hiddenSize : 0)),
  exports,
});

/** Small first. Shapes are those of each repository's config.json. */
export const CATALOGUE: readonly CatalogueRow[] = [
  row(
    'HuggingFaceTB/SmolLM2-135M-Instruct',
    'SmolLM2 135M',
    'Apache-2.0',
    shape([576, 1536, 30, 9, 3, 64, 49152]),
    'HuggingFaceTB/SmolLM2-135M-Instruct',
  ),
  row(
    'HuggingFaceTB/SmolLM2-360M-Instruct',
    'SmolLM2 360M',
    'Apache-2.0',
    shape([960, 2560, 32, 15, 5, 64, 49152]),
    'HuggingFaceTB/SmolLM2-360M-Instruct',
  ),
  row(
    'Qwen/Qwen2.5-0.5B-Instruct',
    'Qwen2.5 0.5B',
    'Apache-2.0',
    shape([896, 4864, 24, 14, 2, 64, 151936], { qkvBias: true }),
    'onnx-community/Qwen2.5-0.5B-Instruct',
  ),
  row(
    'Qwen/Qwen3-0.6B',
    'Qwen3 0.6B',
    'Apache-2.0',
    shape([1024, 3072, 28, 16, 8, 128, 151936], { qkNorm: true }),
    'onnx-community/Qwen3-0.6B-ONNX',
    true,
  ),
  row(
    'TinyLlama/TinyLlama-1.1B-Chat-v1.0',
    'TinyLlama 1.1B',
    'Apache-2.0',
    shape([2048, 5632, 22, 32, 4, 64, 32000], { tiedEmbeddings: false }),
    null,
  ),
  row(
    'unsloth/Llama-3.2-1B-Instruct',
    'Llama 3.2 1B (copy that needs no login)',
    'Llama 3.2 Community License',
    shape([2048, 8192, 16, 32, 8, 64, 128256]),
    'onnx-community/Llama-3.2-1B-Instruct',
  ),
  row(
    'Qwen/Qwen2.5-1.5B-Instruct',
    'Qwen2.5 1.5B',
    'Apache-2.0',
    shape([1536, 8960, 28, 12, 2, 128, 151936], { qkvBias: true }),
    'onnx-community/Qwen2.5-1.5B-Instruct',
  ),
];

/**
 * A configuration to count with before anything is downloaded; null for a repository that is not in the catalogue. Bytes
 * and operations follow from the shape alone: all else stands for itself, and no model must be opened with it.
 */
export function configOf(repo: string): ModelConfig | null {
  const s = CATALOGUE.find((row) => row.repo === repo)?.shape;
  if (!s) return null;
  return {
    ...s,
    family: s.qkNorm ? 'Qwen3' : s.qkvBias ? 'Qwen2' : 'Llama',
    normEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: null,
    maxPositions: 8192,
    bosTokenId: null,
    eosTokenIds: [],
  };
}
