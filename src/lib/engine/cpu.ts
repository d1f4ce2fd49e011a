import type { Checkpoint } from '../checkpoint/checkpoint';
import { tooLong } from '../checkpoint/config';
import { addWork, totalBytes, type Work } from '../core/cost';
import { JoulewiseError } from '../core/errors';
import { groupBy } from '../core/group';
import type { KernelChoice } from '../cpu/choice';
import { FORMATS } from '../cpu/formats';
import type { CpuModel, KernelMs, OnLogits, PassRequest, Streams } from '../cpu/model';
import { bestBuild, byteDotOf, type Spawn } from '../cpu/module';
import type { BuildName } from '../core/dot';
import { passWork } from '../cpu/work';
import type { Compression, KernelReading } from '../schema/run';
import { inOnePass, type CandidateScore, type EngineSession, type NamedAdapters } from './session';
import { batchCandidates } from './candidates';
import { KeptPrefixes } from './prefixes';
import type { CpuKernelRow } from '../variant/kernels';
import type { Recipe } from '../variant/compress';
import { packVariant, type PackOptions } from '../variant/panels';

export interface CpuOptions extends PackOptions {
  kernel: CpuKernelRow;
  fallbacks: readonly string[];
  threads: number;
  /** Compiles one of the two builds. */
  loadModule: (build: BuildName) => Promise<WebAssembly.Module>;
  /** Products and streams that were chosen; none = what the build finds on this device, in the usual streams. */
  choice?: KernelChoice;
  spawn: Spawn;
  /** Null = the best that the browser runs. */
  build?: BuildName | null;
}

/** Checkpoint + recipe -> an open session of our own kernels. */
export async function openCpu(
  checkpoint: Checkpoint,
  recipe: Recipe,
  o: CpuOptions,
): Promise<{ session: CpuSession; compression: Compression }> {
  const build = o.build ?? bestBuild();
  const module = await o.inPhase('load', () => o.loadModule(build));
  const { dot, streams } = o.choice ?? { dot: byteDotOf(build), streams: {} };
  const { model, compression, notes } = await packVariant(checkpoint, recipe, dot, o);
  await o.inPhase('load', () => model.start(module, o.threads, o.spawn, recipe.kv8 ? 'int8' : 'f32', streams));
  return {
    session: new CpuSession(model, build, { ...o, fallbacks: [...o.fallbacks, ...checkpoint.notes, ...notes] }),
    compression,
  };
}

const BUILD_TITLES: Readonly<Record<BuildName, string>> = { relaxed: 'relaxed SIMD', plain: 'baseline SIMD' };

/** Formats of a model that are read in other streams than the usual number, in words. */
const streamsRead = (model: CpuModel, streams: Streams): string[] =>
  [...new Set([...model.matrices.values()].map((m) => m.format))]
    .filter((format) => streams[format] !== undefined)
    .map(
      (format) =>
        `${format.replace('byte', 'int').replace(/^f/, 'fp')} read in ${streams[format]} ${streams[format] === 1 ? 'stream' : 'streams'}`,
    );

/** One sequence at a time, on this thread and its helpers: every call blocks until its pass is done. */
export class CpuSession implements EngineSession {
  readonly engine = 'cpu';
  readonly kernel: string;
  readonly arithmetic;
  readonly threads: number;
  readonly maxPositions: number;
  readonly fallbacks: readonly string[];
  /** Copies of the cache's first chunks: float32 or int8, whatever it keeps. */
  readonly prefixes = new KeptPrefixes<Uint8Array>({
    leastLogits: 0,
    compute: (ids) => {
      this.length = 0;
      this.append(ids, [], false, () => undefined);
    },
    save: (tokens) => this.model.saveSlots(tokens),
    restore: (kept) => this.model.restoreSlots(kept),
  });
  readonly adapters: NamedAdapters | null;
  private length = 0;
  /** Work since the last `takeKernels`. */
  private done = new Map<keyof KernelMs, Work>();

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
    const names = model.adapterNames;
    this.adapters =
      names.length > 0
        ? {
            names,
            use: (name) => {
              model.useAdapter(name);
              this.length = 0;
              this.prefixes.enterScope(name);
            },
          }
        : null;
    const sparse = [...model.matrices.values()].filter((m) => FORMATS[m.format].density < 1).length;
    const four = [...model.matrices.values()].filter((m) => m.format.startsWith('int4')).length;
    this.kernel = [
      o.kernel.title,
      BUILD_TITLES[build],
      ...(o.kernel.mixed ? [`${four} matrices in 4 bits`] : []),
      ...(names.length > 0
        ? [`an adapter each of ${names.join(', ')} beside ${model.changedBy(names[0] as string)} matrices in fp32`]
        : []),
      ...(model.adapters ? [`an adapter beside ${model.adapters} matrices in fp32`] : []),
      ...(model.cache === 'int8' ? ['keys and values kept in int8'] : []),
      ...(sparse ? [`${sparse} matrices as 2:4 values and places`] : []),
      ...streamsRead(model, o.choice?.streams ?? {}),
    ].join(', ');
  }

  private checkLength(total: number): void {
    if (total > this.maxPositions)
      throw new JoulewiseError('engine.failed', tooLong(this.model.config, total, this.maxPositions));
  }

  /** A pass, and its work in the books. */
  private forward(start: number, request: PassRequest, onLogits: OnLogits): void {
    this.model.forward(start, request, onLogits);
    const work = this.workByName(request.ids.length, start, request.logitRows.length);
    for (const name of Object.keys(work) as (keyof KernelMs)[]) {
      const [before, cost] = [this.done.get(name), work[name]];
      this.done.set(name, before ? addWork(before, cost) : cost);
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
    this.length = this.prefixes.enter(ids);
    return this.last(ids.slice(this.length));
  }

  async decode(id: number): Promise<Float32Array> {
    return this.last([id]);
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async score(prompt: readonly number[], candidates: readonly (readonly number[])[]): Promise<CandidateScore[]> {
    this.length = 0;
    const { ids, positions, logitPositions, lookups } = batchCandidates(prompt, candidates);
    this.checkLength(ids.length);
    const past = this.prefixes.enter(prompt);
    // A candidate's tokens see the prompt and their own span.
    const spans = prompt.map(() => 0);
    for (const c of candidates) {
      const from = spans.length;
      for (let i = 1; i < c.length; i++) spans.push(from);
    }
    const sums = candidates.map(() => 0);
    const wanted = lookups.flatMap((tokens, candidate) => tokens.map(([row, id]) => ({ row, candidate, id })));
    const byRow = groupBy(wanted, ({ row }) => row);
    const request = {
      ids: ids.slice(past),
      positions: positions.slice(past),
      spans: spans.slice(past),
      prefix: prompt.length,
      logitRows: logitPositions.map((at) => at - past),
      probabilities: true,
    };
    this.forward(past, request, (row, logits, logSum) => {
      for (const { candidate, id } of byRow.get(row) ?? [])
        sums[candidate] = (sums[candidate] as number) + (logits[id] as number) - logSum;
    });
    return candidates.map((c, i) => ({ logProb: sums[i] as number, tokens: c.length }));
  }

  scorePasses = inOnePass;

  // eslint-disable-next-line @typescript-eslint/require-await
  async evaluate(ids: readonly number[]): Promise<{ logProbs: Float64Array; last: Float32Array }> {
    this.prefixes.overwrite();
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

  private workByName(fresh: number, past: number, logits: number): Record<keyof KernelMs, Work> {
    const { config, matrices, cachedBytes } = this.model;
    return passWork(config, matrices, cachedBytes, fresh, past, logits);
  }

  work(fresh: number, past: number, logits: number): Work {
    return Object.values(this.workByName(fresh, past, logits)).reduce(addWork);
  }

  takeKernels(): KernelReading[] {
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
        operations: counted && name !== 'embedding' ? cost.operations : null,
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
