import type { ModelOutput, PreTrainedModel, Tensor as HubTensor } from '@huggingface/transformers';
import { checkTokens } from '../checkpoint/checkpoint';
import { createTokenizer, type Tokenizer } from '../checkpoint/tokenizer';
import { readJson, type FileSet } from '../checkpoint/source';
import { JoulewiseError, quote } from '../core/errors';
import { summarizeOnnx } from '../graph/decode';
import type { Compression } from '../schema/run';
import { scoreEach } from './candidates';
import { logProbability, oneByOne, type CandidateScore, type EngineSession } from './session';
import { heapBytes, watchHeap } from './heap';
import type { OrtAssets } from './runtime';

/** Ready-made exports and the endings Transformers.js gives them (DEFAULT_DTYPE_SUFFIX_MAPPING), one row each. */
export const HUB_DTYPES = {
  fp32: { suffix: '', title: 'fp32' },
  fp16: { suffix: '_fp16', title: 'fp16' },
  int8: { suffix: '_int8', title: 'int8' },
  uint8: { suffix: '_uint8', title: 'uint8' },
  q8: { suffix: '_quantized', title: '8-bit' },
  q4: { suffix: '_q4', title: '4-bit' },
  q4f16: { suffix: '_q4f16', title: '4-bit, fp16 activations' },
  bnb4: { suffix: '_bnb4', title: '4-bit (bitsandbytes)' },
} as const;
export type HubDtype = keyof typeof HUB_DTYPES;

/** Our recipe names for what such exports hold. */
const ALIASES: Readonly<Record<string, HubDtype>> = { int8: 'q8', int4: 'q4' };

export function hubDtype(text: string): HubDtype {
  const name = Object.hasOwn(ALIASES, text) ? ALIASES[text] : text;
  if (!name || !Object.hasOwn(HUB_DTYPES, name))
    throw new JoulewiseError(
      'recipe.unknown',
      `Variant ${quote(text)} is not a ready-made export. Known: ${Object.keys(HUB_DTYPES).join(', ')}.`,
    );
  return name as HubDtype;
}

export interface HubOptions {
  /** Files of the export: local or of a Hub repository. */
  files: FileSet;
  dtype: HubDtype;
  device: 'wasm' | 'webgpu';
  threads: number;
  fallbacks: readonly string[];
  assets: OrtAssets;
}

export interface HubVariant {
  session: EngineSession;
  tokenizer: Tokenizer;
  stopIds: number[];
  family: string;
  /** Null: the graph is not ours, so nothing was counted. */
  compression: Compression | null;
}

/** A name under which the library asks for files; our cache answers, so no request leaves by itself. */
const LOCAL = 'joulewise-local';
/** Context that is assumed where config.json names none. */
const DEFAULT_POSITIONS = 2048;

/** Opens a ready-made ONNX export through Transformers.js, as people use it today. */
export async function openHub(o: HubOptions): Promise<HubVariant> {
  const suffix = HUB_DTYPES[o.dtype].suffix;
  const onnxName = `onnx/model${suffix}.onnx`;
  const onnx = await o.files.open(onnxName);
  if (!onnx) {
    const have = (await o.files.list())?.filter((f) => f.endsWith('.onnx')) ?? [];
    throw new JoulewiseError(
      'checkpoint.format',
      `${quote(o.files.name)} has no ${onnxName}${have.length ? `; it has ${have.join(', ')}` : ''}. Choose another variant.`,
    );
  }
  // Graphs with weights inside are large; the summary is for those that keep them outside.
  if (onnx.byteLength < 64 * 2 ** 20) summarizeOnnx(onnxName, await onnx.slice(0, onnx.byteLength));
  const need = async (name: string) => {
    const source = await o.files.open(name);
    if (!source) throw new JoulewiseError('checkpoint.format', `${name} is missing from ${quote(o.files.name)}.`);
    return readJson(source);
  };
  const config = await need('config.json');
  const files = { tokenizer: await need('tokenizer.json'), config: await need('tokenizer_config.json') };
  const rows = config['vocab_size'];
  if (typeof rows === 'number') checkTokens({ vocabSize: rows }, files);
  const tokenizer = createTokenizer(files);

  watchHeap();
  const hub = await import('@huggingface/transformers');
  const { env } = hub;
  env.allowLocalModels = true;
  env.allowRemoteModels = false;
  env.localModelPath = `/${LOCAL}/`;
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.useCustomCache = true;
  env.customCache = {
    async match(request) {
      const name = new URL(request, 'http://local').pathname.split(`/${LOCAL}/model/`)[1];
      const source = name === undefined ? null : await o.files.open(decodeURIComponent(name));
      if (!source) return undefined;
      return new Response(await source.slice(0, source.byteLength), {
        headers: { 'Content-Length': String(source.byteLength) },
      });
    },
    put: () => Promise.resolve(),
  };
  const wasm = env.backends.onnx.wasm as { wasmPaths?: unknown; numThreads?: number } | undefined;
  if (!wasm) throw new JoulewiseError('engine.unavailable', 'Transformers.js has no WebAssembly backend here.');
  wasm.wasmPaths = { mjs: o.assets.mjs, wasm: o.assets.wasm };
  wasm.numThreads = o.threads;
  let model: PreTrainedModel;
  try {
    model = await hub.AutoModelForCausalLM.from_pretrained('model', { dtype: o.dtype, device: o.device });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new JoulewiseError('engine.failed', `Transformers.js could not open the export: ${text.slice(0, 300)}`, {
      cause,
    });
  }
  const positions = config['max_position_embeddings'];
  const eos = config['eos_token_id'];
  return {
    session: new HubSession(hub.Tensor, model, o, typeof positions === 'number' ? positions : DEFAULT_POSITIONS),
    tokenizer,
    stopIds: (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === 'number'),
    family: typeof config['model_type'] === 'string' ? config['model_type'] : 'unknown',
    compression: null,
  };
}

type Cache = Record<string, HubTensor>;

class HubSession implements EngineSession {
  readonly engine = 'hub' as const;
  readonly kernel;
  /** Its work is counted by nobody, so this prices nothing. */
  readonly arithmetic = 'f32' as const;
  readonly threads;
  readonly fallbacks;
  readonly maxPositions;
  /** A ready-made export is run as people run it today. */
  readonly prefixes = null;
  private past: Cache = {};
  private length = 0;

  constructor(
    private readonly Tensor: typeof HubTensor,
    private readonly model: PreTrainedModel,
    o: HubOptions,
    positions: number,
  ) {
    this.kernel = `ready-made ${HUB_DTYPES[o.dtype].title} export through Transformers.js (${o.device === 'wasm' ? 'WASM' : 'WebGPU'})`;
    this.threads = o.threads;
    this.fallbacks = o.fallbacks;
    this.maxPositions = positions;
  }

  /** One pass after the cache; all logits [n, vocabulary]. The new cache comes back; the old one stays valid. */
  private async forward(
    ids: readonly number[],
    past: Cache,
    length: number,
  ): Promise<{ logits: Float32Array; past: Cache }> {
    const int64 = (values: readonly number[]) =>
      new this.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
    let out: ModelOutput & Record<string, HubTensor>;
    try {
      out = (await this.model({
        input_ids: int64(ids),
        attention_mask: int64(Array.from({ length: length + ids.length }, () => 1)),
        ...(length ? { past_key_values: past } : {}),
      })) as typeof out;
    } catch (cause) {
      const text = cause instanceof Error ? cause.message.slice(0, 300) : String(cause);
      throw new JoulewiseError('engine.failed', `Transformers.js could not run the export: ${text}`, { cause });
    }
    const next: Cache = {};
    for (const [name, value] of Object.entries(out))
      if (name.startsWith('present')) next[name.replace('present', 'past_key_values')] = value;
    const logits = out['logits'] as HubTensor;
    return { logits: Float32Array.from(logits.data as Float32Array), past: next };
  }

  private row(logits: Float32Array, n: number, i: number): Float32Array {
    const vocabulary = logits.length / n;
    return logits.subarray(i * vocabulary, (i + 1) * vocabulary);
  }

  async prefill(ids: readonly number[]): Promise<Float32Array> {
    const { logits, past } = await this.forward(ids, {}, 0);
    this.past = past;
    this.length = ids.length;
    return this.row(logits, ids.length, ids.length - 1);
  }

  async decode(id: number): Promise<Float32Array> {
    const { logits, past } = await this.forward([id], this.past, this.length);
    this.past = past;
    this.length++;
    return logits;
  }

  /** One by one from the shared cache: a ready-made graph has no block mask. */
  async score(prompt: readonly number[], candidates: readonly (readonly number[])[]): Promise<CandidateScore[]> {
    const first = (await this.prefill(prompt)).slice();
    return scoreEach(first, candidates, async (ids) => (await this.forward(ids, this.past, this.length)).logits);
  }

  async evaluate(ids: readonly number[]): Promise<{ logProbs: Float64Array; last: Float32Array }> {
    const { logits } = await this.forward(ids, {}, 0);
    const logProbs = Float64Array.from(ids.slice(1), (next, i) =>
      logProbability(this.row(logits, ids.length, i), next),
    );
    return { logProbs, last: this.row(logits, ids.length, ids.length - 1).slice() };
  }

  scorePasses = oneByOne;
  work = () => null;
  /** The library reads logits back on every pass, so work is done when a pass returns. */
  fence = () => Promise.resolve();
  heapBytes = heapBytes;

  takeKernels(): null {
    return null;
  }

  async close(): Promise<void> {
    await this.model.dispose();
  }
}
