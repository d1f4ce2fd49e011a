import { checkIds, tooLong } from '../checkpoint/config';
import { ENGINE } from '../schema/engines';
import type * as Ort from 'onnxruntime-web';
import { toHalf } from '../core/half';
import { JoulewiseError } from '../core/errors';
import type { Work } from '../core/cost';
import { encodeModel } from '../graph/encode';
import { deviceCache, hostCache, type DeviceRows, type HostRows, type KeepingCache } from './cache';
import {
  inOnePass,
  logProbability,
  oneByOne,
  type CandidateScore,
  type EngineSession,
  type ScorePasses,
} from './session';
import { KeptPrefixes, LEFT_TOKENS } from './prefixes';
import { heapBytes } from './heap';
import { loadRuntime, sessionOptions, type OrtAssets } from './runtime';
import type { GraphKernelRow } from '../variant/kernels';
import { watchLoss, type LossWatch } from './loss';
import { batchCandidates, scoreEach } from './candidates';
import type { PreparedVariant } from '../variant/prepare';

export interface OrtOptions {
  kernel: GraphKernelRow;
  fallbacks: readonly string[];
  threads: number;
  assets: OrtAssets;
  /** Only for the `ort-gpu` engine. */
  device: GPUDevice | null;
}

/** Positions evaluated in one pass by `evaluate`, so that logits [n, vocabulary] stay small. */
const EVALUATE_CHUNK = 64;

/** Opens a prepared variant in ONNX Runtime: engine `ort-gpu` (WebGPU, no node on the CPU) or `ort-cpu` (WASM). */
export async function openOrt(variant: PreparedVariant, o: OrtOptions): Promise<EngineSession> {
  const gpu = ENGINE[o.kernel.engine].device === 'gpu';
  const ort = await loadRuntime(gpu ? 'webgpu' : 'wasm', o);
  const onGpu = Object.fromEntries(
    variant.graph.outputs.filter((v) => v.name !== 'logits').map((v) => [v.name, 'gpu-buffer' as const]),
  );
  const watch = watchLoss(o.device);
  let session: Ort.InferenceSession;
  try {
    session = await watch.during(() =>
      ort.InferenceSession.create(
        encodeModel(variant.graph, (w) => ({ location: w.name, offset: 0 })),
        {
          ...sessionOptions(gpu ? o.device : null),
          // One file a weight: no buffer ever holds the whole model.
          externalData: variant.weights.map((w) => ({ path: w.name, data: w.data })),
          ...(gpu ? { preferredOutputLocation: onGpu } : {}),
        },
      ),
    );
  } catch (cause) {
    throw openError(cause, variant, gpu);
  }
  variant.weights.length = 0;
  return new OrtSession(ort, session, variant, o, watch);
}

function openError(cause: unknown, variant: PreparedVariant, gpu: boolean): JoulewiseError {
  if (cause instanceof JoulewiseError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const mib = Math.round(variant.compression.computedBytes / 2 ** 20);
  if (/memory|alloc|out of bounds|RangeError/i.test(text))
    return new JoulewiseError(
      'engine.memory',
      `The variant's ${mib} MiB of weights did not fit ${gpu ? 'the GPU' : "the browser's memory"}. Choose a smaller model or fewer bits.`,
      { cause },
    );
  return new JoulewiseError('engine.failed', `ONNX Runtime could not open the variant: ${text.slice(0, 300)}`, {
    cause,
  });
}

/** Passes of `scoreTogether`: one behind a past, and one for a past where no prefix is kept. */
const behindPast: ScorePasses = (prompt, past, read) => {
  const first = prompt - LEFT_TOKENS;
  const inLine = read.filter((n) => n > 0).length < 2;
  if (past > 0 || first < 1 || inLine) return inOnePass(prompt, past, read);
  return [[first, 0, 1], ...inOnePass(prompt, first, read)];
};

class OrtSession implements EngineSession {
  readonly engine;
  readonly kernel;
  readonly arithmetic;
  readonly threads;
  readonly maxPositions;
  readonly fallbacks;
  private readonly cache: KeepingCache<HostRows> | KeepingCache<DeviceRows>;
  readonly prefixes: KeptPrefixes<HostRows> | KeptPrefixes<DeviceRows>;
  readonly scorePasses: ScorePasses;
  /** Whether attention takes positions as they are given, if only behind a past: see `score`. */
  private readonly takesPositions: boolean;
  private length = 0;
  private readonly half: boolean;
  private zeros = new Float32Array(0);
  private readonly costs = new Map<string, Work>();

  constructor(
    private readonly ort: typeof Ort,
    private readonly session: Ort.InferenceSession,
    private readonly variant: PreparedVariant,
    private readonly o: OrtOptions,
    private readonly watch: LossWatch,
  ) {
    this.engine = o.kernel.engine;
    const { adapted, half } = variant;
    const beside = adapted > 0 ? `, an adapter beside ${adapted} matrices in ${half ? 'fp16' : 'fp32'}` : '';
    this.kernel = o.kernel.title + beside;
    this.arithmetic = o.kernel.arithmetic;
    this.threads = o.threads;
    this.fallbacks = o.fallbacks;
    this.maxPositions = variant.options.maxPositions;
    this.half = half;
    this.takesPositions = ENGINE[this.engine].device !== 'gpu';
    this.scorePasses = this.takesPositions ? behindPast : oneByOne;
    if (variant.options.presents === 'fresh') {
      const cache = hostCache(variant.options.config, ort.Tensor);
      [this.cache, this.prefixes] = [cache, this.prefixesIn(cache, false)];
    } else {
      const cache = deviceCache(variant.options.config, (dims) => this.float([], dims));
      [this.cache, this.prefixes] = [cache, this.prefixesIn(cache, true)];
    }
  }

  private prefixesIn<Kept>(cache: KeepingCache<Kept>, wholeOnly: boolean): KeptPrefixes<Kept> {
    return new KeptPrefixes({
      wholeOnly,
      // Int8's two activation terms cannot be multiplied for no position at all.
      leastLogits: 1,
      compute: async (ids) => {
        this.reset();
        await this.forward(ids, { logitPositions: [ids.length - 1], keep: true });
      },
      save: () => cache.save(),
      restore: (kept) => cache.restore(kept),
      forget: (kept) => cache.forget(kept),
    });
  }

  private reset(): void {
    this.prefixes.overwrite();
    this.cache.clear();
    this.length = 0;
  }

  /** Has the cache hold what of a prompt is kept and nothing more; its tokens. */
  private enter(prompt: readonly number[]): number {
    const past = this.prefixes.enter(prompt);
    if (past === 0) this.reset();
    this.cache.cut(past);
    this.length = past;
    return past;
  }

  /** A tensor in the graph's activation dtype. */
  private float(data: Float32Array | number[], dims: readonly number[]): Ort.Tensor {
    if (!this.half)
      return new this.ort.Tensor('float32', data instanceof Float32Array ? data : Float32Array.from(data), dims);
    return new this.ort.Tensor('float16', Uint16Array.from(data, toHalf), dims);
  }

  private int64(values: readonly number[], dims: readonly number[]): Ort.Tensor {
    return new this.ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  }

  /** One pass. Returns logits [n, vocabulary]; keeps the cache where `keep` says so. */
  private async forward(
    ids: readonly number[],
    o: { positions?: readonly number[]; bias?: Float32Array; logitPositions: readonly number[]; keep: boolean },
  ): Promise<Float32Array> {
    const fresh = ids.length;
    const total = this.length + fresh;
    if (total > this.maxPositions)
      throw new JoulewiseError('engine.failed', tooLong(this.variant.options.config, total, this.maxPositions));
    checkIds(this.variant.options.config, ids);
    if (this.zeros.length < fresh * total) this.zeros = new Float32Array(fresh * total);
    const { Tensor } = this.ort;
    const feeds: Record<string, Ort.Tensor> = {
      input_ids: this.int64(ids, [1, fresh]),
      seqlens_k: new Tensor('int32', Int32Array.of(total - 1), [1]),
      total_sequence_length: new Tensor('int32', Int32Array.of(total), []),
      position_ids: this.int64(o.positions ?? ids.map((_, i) => this.length + i), [1, fresh]),
      attention_bias: this.float(o.bias ?? this.zeros.subarray(0, fresh * total), [1, 1, fresh, total]),
      logit_positions: this.int64(o.logitPositions, [o.logitPositions.length]),
      ...this.cache.feeds(),
    };
    if (this.variant.options.presents === 'fresh')
      feeds['fresh_rows'] = this.int64(
        ids.map((_, i) => this.length + i),
        [fresh],
      );
    let out: Ort.InferenceSession.OnnxValueMapType;
    try {
      out = await this.watch.during(() => (o.keep ? this.session.run(feeds) : this.session.run(feeds, ['logits'])));
    } catch (cause) {
      if (cause instanceof JoulewiseError) throw cause;
      throw new JoulewiseError(
        'engine.failed',
        `ONNX Runtime failed: ${cause instanceof Error ? cause.message.slice(0, 300) : String(cause)}`,
        {
          cause,
        },
      );
    }
    if (o.keep) {
      this.cache.extend(out, fresh);
      this.length = total;
    }
    return out['logits']?.data as Float32Array;
  }

  async prefill(ids: readonly number[]): Promise<Float32Array> {
    const fresh = ids.slice(this.enter(ids));
    return this.forward(fresh, { logitPositions: [fresh.length - 1], keep: true });
  }

  decode(id: number): Promise<Float32Array> {
    return this.forward([id], { logitPositions: [0], keep: true });
  }

  async score(prompt: readonly number[], candidates: readonly (readonly number[])[]): Promise<CandidateScore[]> {
    if (this.takesPositions) return this.scoreTogether(prompt, candidates);
    // On WebGPU GroupQueryAttention of 1.31 never reads positions: it counts on from the past, behind one as well. So
    // each candidate is a pass of its own behind the prompt, whose buffers a pass that is not kept leaves alone.
    const first = await this.prefill(prompt);
    const behind = (ids: readonly number[]) => this.forward(ids, { logitPositions: ids.map((_, i) => i), keep: false });
    return scoreEach(first, candidates, behind);
  }

  /** All candidates in one pass, side by side. */
  private async scoreTogether(
    prompt: readonly number[],
    candidates: readonly (readonly number[])[],
  ): Promise<CandidateScore[]> {
    let past = this.enter(prompt);
    const packed = batchCandidates(prompt, candidates);
    const inLine = packed.positions.every((position, i) => position === i);
    if (past === 0 && !inLine && prompt.length > LEFT_TOKENS) {
      // GroupQueryAttention of 1.31 on a processor takes positions as they are only behind a past; in a first pass it
      // counts on from the first one, and every candidate but the first would stand too far back.
      past = prompt.length - LEFT_TOKENS;
      await this.forward(prompt.slice(0, past), { logitPositions: [past - 1], keep: true });
    }
    const logits = await this.forward(packed.ids.slice(past), {
      positions: packed.positions.slice(past),
      bias: packed.bias.subarray(past * packed.ids.length),
      logitPositions: packed.logitPositions.map((at) => at - past),
      keep: false,
    });
    const vocabulary = logits.length / packed.logitPositions.length;
    return packed.lookups.map((tokens) => ({
      logProb: tokens.reduce(
        (sum, [row, id]) => sum + logProbability(logits.subarray(row * vocabulary, (row + 1) * vocabulary), id),
        0,
      ),
      tokens: tokens.length,
    }));
  }

  async evaluate(ids: readonly number[]): Promise<{ logProbs: Float64Array; last: Float32Array }> {
    this.reset();
    const logProbs = new Float64Array(Math.max(0, ids.length - 1));
    let last = new Float32Array(0);
    for (let start = 0; start < ids.length; start += EVALUATE_CHUNK) {
      const chunk = ids.slice(start, start + EVALUATE_CHUNK);
      const logits = await this.forward(chunk, { logitPositions: chunk.map((_, i) => i), keep: true });
      const vocabulary = logits.length / chunk.length;
      chunk.forEach((_, i) => {
        const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
        const next = ids[start + i + 1];
        if (next === undefined) last = row.slice();
        else logProbs[start + i] = logProbability(row, next);
      });
    }
    return { logProbs, last };
  }

  /** Costs are exact polynomials of the past length, so each shape is walked once and decode steps interpolated. */
  work(fresh: number, past: number, logits: number): Work {
    const at = (p: number): Work => {
      const key = `${fresh},${p},${logits}`;
      let known = this.costs.get(key);
      if (!known) {
        known = this.variant.cost(fresh, p, logits);
        this.costs.set(key, known);
      }
      return known;
    };
    if (fresh > 1) return at(past);
    const zero = at(0);
    const far = at(this.maxPositions);
    const mix = (key: keyof Work) => zero[key] + ((far[key] - zero[key]) * past) / this.maxPositions;
    return { operations: mix('operations'), weightBytes: mix('weightBytes'), activationBytes: mix('activationBytes') };
  }

  async fence(): Promise<void> {
    const { device } = this.o;
    if (device) await this.watch.during(() => device.queue.onSubmittedWorkDone());
  }

  heapBytes = heapBytes;

  takeKernels(): null {
    return null;
  }

  async close(): Promise<void> {
    // Of a lost device there is nothing to release, and asking for it fails.
    if (this.watch.lost) return;
    this.watch.end();
    this.prefixes.release();
    this.cache.clear();
    await this.session.release();
  }
}
