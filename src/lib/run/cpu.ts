import type { Adapter } from '../checkpoint/adapter';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { ModelConfig } from '../checkpoint/config';
import { LINEARS, vectorNames } from '../checkpoint/block';
import { createTokenizer } from '../checkpoint/tokenizer';
import type { Target } from '../compress/budget';
import type { CompressedModel } from '../compress/compress';
import { PRECISIONS } from '../tensor/precisions';
import { PRUNERS } from '../compress/pruners';
import { calibrationLevel, formatRecipe, type Recipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import { groupBy } from '../core/group';
import { FORMATS, layoutsOf } from '../cpu/formats';
import { CpuModel, type KernelMs, type OnLogits, type PassRequest } from '../cpu/model';
import { checkFits } from '../cpu/size';
import { bestBuild, byteDotOf, type BuildName, type ByteDot, type Spawn } from '../cpu/module';
import { passWork } from '../cpu/work';
import { addCosts, totalBytes, type Cost } from '../core/cost';
import type { Compression, KernelWork } from '../schema/run';
import { withCompressed, type Calibration } from './compress';
import type { CandidateScore, EngineSession } from './engine';
import type { CpuKernelRow } from './kernels';
import { packedKey, type PackedStore } from './kept';
import { packCandidates } from './packed';
import { MAX_CONTEXT, type InPhase } from './prepare';

export interface CpuOptions {
  kernel: CpuKernelRow;
  fallbacks: readonly string[];
  threads: number;
  inPhase: InPhase;
  calibration?: Calibration | null;
  target?: Target | null;
  /** Where packed models are kept; null or none = nowhere. */
  keeping?: PackedStore | null;
  /** Compiles one of the two builds. */
  loadModule: (build: BuildName) => Promise<WebAssembly.Module>;
  spawn: Spawn;
  /** Null = the best that the browser runs. */
  build?: BuildName | null;
  /** Of calibration, before compression begins. */
  onCalibrated?: (done: number, of: number) => void;
  onProgress?: (done: number, of: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Checkpoint + recipe -> an open session of our own kernels. Each layer is compressed, packed into the kernels' memory
 * and forgotten, so that no more than one layer is held twice.
 */
export async function openCpu(
  checkpoint: Checkpoint,
  recipe: Recipe,
  o: CpuOptions,
): Promise<{ session: CpuSession; compression: Compression }> {
  const build = o.build ?? bestBuild();
  const dot = byteDotOf(build);
  const module = await o.inPhase('load', () => o.loadModule(build));
  const apart = checkpoint.adapted && staysApart(recipe) ? checkpoint.adapted : null;
  const { model, compression, kept } = await keptOr(checkpoint, recipe, dot, o, () =>
    withCompressed(apart?.base ?? checkpoint, recipe, o, (compressed) =>
      packModel(compressed, recipe, apart?.adapter ?? null, dot, o),
    ),
  );
  await o.inPhase('load', () => model.start(module, o.threads, o.spawn, recipe.kv8 ? 'int8' : 'f32'));
  const session = new CpuSession(model, build, {
    ...o,
    fallbacks: [
      ...o.fallbacks,
      ...(apart ? [] : adapterMerged(checkpoint)),
      ...(kept ? ['The weights were compressed and packed in an earlier run and kept; this run read them.'] : []),
    ],
  });
  return { session, compression: { ...compression, recipe: formatRecipe(recipe) } };
}

/** The model that an earlier run kept; else what `make` makes, kept for the next time. */
async function keptOr(
  checkpoint: Checkpoint,
  recipe: Recipe,
  dot: ByteDot,
  { keeping, calibration, target, inPhase }: CpuOptions,
  make: () => Promise<PackedModel>,
): Promise<PackedModel & { kept: boolean }> {
  if (!keeping) return { ...(await make()), kept: false };
  const prompts =
    calibrationLevel(recipe) === null ? null : calibration?.prompts(createTokenizer(checkpoint.tokenizer));
  const key = await packedKey(keeping.checkpointHash, recipe, prompts ?? null, target ?? null, dot);
  const found = await keeping.read(key);
  if (found) {
    const { config, ffnSizes, compression, image } = found.header;
    const model = modelOf(config, ffnSizes, dot);
    await inPhase('load', () => model.restore(image, found.pieces));
    return { model, compression, kept: true };
  }
  const { model, compression } = await make();
  const { image, pieces } = model.image();
  await keeping.write(key, { config: model.config, ffnSizes: [...model.ffnSizes], compression, image }, pieces);
  return { model, compression, kept: false };
}

const modelOf = (config: ModelConfig, ffnSizes: readonly number[], dot: ByteDot) =>
  new CpuModel(config, ffnSizes, Math.min(config.maxPositions, MAX_CONTEXT), dot);

/** Weights in the kernels' memory, not started. */
interface PackedModel {
  model: CpuModel;
  compression: Compression;
}

/** Whether a recipe leaves every linear layer's inputs and outputs as an adapter knows them. */
const staysApart = (recipe: Recipe): boolean =>
  calibrationLevel(recipe) === null &&
  recipe.prunings.every((p) => ['mask', 'columns'].includes(PRUNERS[p.pruner].kind));

/** What is said where an adapter does not stay apart. */
export const adapterMerged = ({ adapted }: Checkpoint): string[] =>
  adapted ? ['The adapter was merged into the weights before they were compressed.'] : [];

async function packModel(
  compressed: CompressedModel,
  recipe: Recipe,
  adapter: Adapter | null,
  dot: ByteDot,
  o: CpuOptions,
): Promise<PackedModel> {
  const { config, ffnSizes } = compressed;
  const { dense, sparse } = layoutsOf(recipe.precision, dot);
  checkFits(
    config,
    ffnSizes,
    formatRecipe(recipe),
    (recipe.prunings.some((p) => p.pruner.includes('2:4')) ? sparse : null) ?? dense,
    layoutsOf(PRECISIONS[recipe.precision].outer, dot).dense,
  );
  const model = modelOf(config, ffnSizes, dot);
  const steps = config.layers + 2;
  let done = 0;
  const step = async (pack: () => void) => {
    if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'Stopped while preparing the variant.');
    await o.inPhase('load', () => Promise.resolve(pack()));
    o.onProgress?.(++done, steps);
  };
  for (let layer = 0; layer < config.layers; layer++) {
    const stored = await o.inPhase('compress', () => compressed.layer(layer));
    await step(() => model.setLayer(layer, stored));
    for (const linear of LINEARS) {
      const low = await adapter?.read(layer, linear);
      if (low) model.setAdapter(layer, linear, low);
    }
  }
  const embedding = await o.inPhase('compress', () => compressed.embedding());
  const head = await o.inPhase('compress', () => compressed.head());
  await step(() => model.setOuter(embedding, head));
  for (const name of vectorNames(config)) model.setVector(name, await compressed.vector(name));
  await step(() => undefined);
  return { model, compression: { ...compressed.counted(), computedBytes: model.weightBytes } };
}

const BUILD_TITLES: Readonly<Record<BuildName, string>> = { relaxed: 'relaxed SIMD', baseline: 'baseline SIMD' };

/** One sequence at a time, on this thread and its helpers: every call blocks until its pass is done. */
export class CpuSession implements EngineSession {
  readonly engine = 'cpu';
  readonly kernel: string;
  readonly arithmetic;
  readonly threads: number;
  readonly maxPositions: number;
  readonly fallbacks: readonly string[];
  private length = 0;
  /** Work since the last `takeKernels`. */
  private done = new Map<keyof KernelMs, Cost>();

  constructor(
    private readonly model: CpuModel,
    readonly build: BuildName,
    o: CpuOptions,
  ) {
    this.threads = model.threads;
    this.arithmetic = o.kernel.arithmetic;
    this.maxPositions = model.maxPositions;
    this.fallbacks =
      this.threads < o.threads
        ? [
            ...o.fallbacks,
            `Only ${this.threads} of ${o.threads} threads could be started; the model runs on these. Reload the page to try again.`,
          ]
        : o.fallbacks;
    const sparse = [...model.matrices.values()].filter((m) => FORMATS[m.format].density < 1).length;
    const four = [...model.matrices.values()].filter((m) => m.format.startsWith('int4')).length;
    this.kernel = [
      o.kernel.title,
      BUILD_TITLES[build],
      ...(o.kernel.mixed ? [`${four} matrices in 4 bits`] : []),
      ...(model.adapters ? [`an adapter beside ${model.adapters} matrices in fp32`] : []),
      ...(model.cache === 'int8' ? ['keys and values kept in int8'] : []),
      ...(sparse ? [`${sparse} matrices as 2:4 values and places`] : []),
    ].join(', ');
  }

  private checkLength(total: number): void {
    if (total > this.maxPositions)
      throw new JoulewiseError(
        'engine.failed',
        `The text needs ${total} tokens; this session holds ${this.maxPositions}. Shorten the ticket.`,
      );
  }

  /** A pass, and its work in the books. */
  private forward(start: number, request: PassRequest, onLogits: OnLogits): void {
    this.model.forward(start, request, onLogits);
    const work = this.work(request.ids.length, start, request.logitRows.length);
    for (const name of Object.keys(work) as (keyof KernelMs)[]) {
      const [before, cost] = [this.done.get(name), work[name]];
      this.done.set(name, before ? addCosts(before, cost) : cost);
    }
  }

  /** Runs tokens that follow what the cache holds; `onLogits` gets views that the next pass overwrites. */
  private append(
    ids: readonly number[],
    logitRows: readonly number[],
    probabilities: boolean,
    onLogits: OnLogits,
  ): void {
    const start = this.length;
    this.checkLength(start + ids.length);
    const request = {
      ids,
      positions: ids.map((_, i) => start + i),
      spans: ids.map(() => 0),
      prefix: 0,
      logitRows,
      probabilities,
    };
    this.forward(start, request, onLogits);
    this.length = start + ids.length;
  }

  private last(ids: readonly number[]): Promise<Float32Array> {
    let logits = new Float32Array(0);
    this.append(ids, [ids.length - 1], false, (_, view) => (logits = Float32Array.from(view)));
    return Promise.resolve(logits);
  }

  // Functions are async so that what they throw becomes a rejection.
  async prefill(ids: readonly number[]): Promise<Float32Array> {
    this.length = 0;
    return this.last(ids);
  }

  async decode(id: number): Promise<Float32Array> {
    return this.last([id]);
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async score(prompt: readonly number[], candidates: readonly (readonly number[])[]): Promise<CandidateScore[]> {
    this.length = 0;
    const { ids, positions, logitPositions, lookups } = packCandidates(prompt, candidates);
    this.checkLength(ids.length);
    // A candidate's tokens see the prompt and their own span.
    const spans = prompt.map(() => 0);
    for (const c of candidates) {
      const from = spans.length;
      for (let i = 1; i < c.length; i++) spans.push(from);
    }
    const sums = candidates.map(() => 0);
    const wanted = lookups.flatMap((tokens, candidate) => tokens.map(([row, id]) => ({ row, candidate, id })));
    const byRow = groupBy(wanted, ({ row }) => row);
    const request = { ids, positions, spans, prefix: prompt.length, logitRows: logitPositions, probabilities: true };
    this.forward(0, request, (row, logits, logSum) => {
      for (const { candidate, id } of byRow.get(row) ?? [])
        sums[candidate] = (sums[candidate] as number) + (logits[id] as number) - logSum;
    });
    return candidates.map((c, i) => ({ logProb: sums[i] as number, tokens: c.length }));
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async evaluate(ids: readonly number[]): Promise<{ logProbs: Float64Array; last: Float32Array }> {
    this.length = 0;
    const logProbs = new Float64Array(Math.max(0, ids.length - 1));
    let last = new Float32Array(0);
    this.append(
      ids,
      ids.map((_, i) => i),
      true,
      (row, logits, logSum) => {
        const next = ids[row + 1];
        if (next === undefined) last = Float32Array.from(logits);
        else logProbs[row] = (logits[next] as number) - logSum;
      },
    );
    return { logProbs, last };
  }

  private work(fresh: number, past: number, logits: number): Record<keyof KernelMs, Cost> {
    const { config, matrices, cachedBytes } = this.model;
    return passWork(config, matrices, cachedBytes, fresh, past, logits);
  }

  cost(fresh: number, past: number, logits: number): Cost {
    return Object.values(this.work(fresh, past, logits)).reduce(addCosts);
  }

  takeKernels(): KernelWork[] {
    const ms = this.model.counters();
    const done = this.done;
    this.done = new Map();
    this.model.clearCounters();
    return (Object.keys(ms) as (keyof KernelMs)[]).map((name) => {
      const cost = done.get(name);
      const counted = cost !== undefined && name !== 'vectors';
      return {
        name,
        bytes: counted ? totalBytes(cost) : null,
        operations: counted && name !== 'embedding' ? cost.flops : null,
        ms: ms[name],
      };
    });
  }

  fence(): Promise<void> {
    return Promise.resolve();
  }

  heapBytes(): number {
    return this.model.memory.bytes;
  }

  close(): Promise<void> {
    this.model.close();
    return Promise.resolve();
  }
}
