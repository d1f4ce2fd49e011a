import { contentHash, sha256 } from '../core/canonical';
import type { BuildName, ByteDot } from '../core/dot';
import { JoulewiseError } from '../core/errors';
import {
  candidatesOf,
  chooseForm,
  choiceOf,
  formatOfKind,
  timeForms,
  type KernelChoice,
  type KernelKind,
  type TimedForm,
} from '../cpu/choice';
import { gainOf } from '../core/gain';
import type { Spawn } from '../cpu/module';
import { modelBytes } from '../cpu/size';
import type { ModelConfig } from '../checkpoint/config';
import type { Recipe } from '../variant/compress';
import type { TimingStore } from '../variant/kept';
import { kindsOf } from '../variant/kinds';

/**
 * Models smaller than this lie in a processor's caches, where the order of reading does not matter, and open in less time
 * than their kernels would be timed in.
 */
export const LEAST_TIMED_BYTES = 32 * 2 ** 20;

export interface ChoiceOptions {
  module: WebAssembly.Module;
  /** Bytes of the module: its hash is part of what timings are known by. */
  moduleHash: string;
  build: BuildName;
  /** Cores and browser: the rest of that name. */
  processor: string;
  threads: number;
  spawn: Spawn;
  /** Null = nowhere. */
  timings: TimingStore | null;
}

/** What was chosen for a model on this device, and what is to be said of it. */
export interface Chosen extends KernelChoice {
  notes: string[];
}

/** The products and streams that are fastest for a recipe on this device: as they were timed before, or timed now. */
export async function chosenHere(config: ModelConfig, recipe: Recipe, dot: ByteDot, o: ChoiceOptions): Promise<Chosen> {
  const usual: Chosen = { dot, streams: {}, notes: [] };
  const kinds = kindsOf(recipe);
  const inner = formatOfKind(kinds[0] as KernelKind, dot);
  const ffnSizes = Array<number>(config.layers).fill(config.intermediateSize);
  if (modelBytes(config, ffnSizes, inner, inner) < LEAST_TIMED_BYTES) return usual;
  const all: TimedForm[][] = [];
  try {
    for (const kind of kinds) if (candidatesOf(kind, dot).length > 1) all.push(await timingsOf(kind, dot, o));
  } catch (error) {
    // A device that has no room to time kernels in may have room for the model.
    if (!(error instanceof JoulewiseError) || error.code !== 'engine.memory') throw error;
    return { ...usual, notes: ['There was no memory to time kernels in, so the usual ones are used.'] };
  }
  const choice = choiceOf(all, dot);
  const main = all[0];
  if (choice.dot === dot || !main) return { ...choice, notes: [] };
  const { usual: bytes, chosen } = chooseForm(main);
  return {
    ...choice,
    notes: [
      `Timed on this device, 16-bit products take ${gainOf(chosen.one, bytes.one).toFixed(1)} times less for one token and ${gainOf(chosen.many, bytes.many).toFixed(1)} times less for many than the byte products that its processor offers, so they are used.`,
    ],
  };
}

/** Seconds of a kind's candidates on this device, as they were kept or timed now. */
export async function timingsOf(kind: KernelKind, dot: ByteDot, o: ChoiceOptions): Promise<TimedForm[]> {
  const { build, threads, moduleHash, processor } = o;
  const key = await contentHash({ kernels: moduleHash, kind: { ...kind }, dot, build, threads, processor });
  const kept = asTimed(await o.timings?.read(key), candidatesOf(kind, dot));
  if (kept) return kept;
  const timed = await timeForms(kind, { ...o, dot });
  await o.timings?.write(key, timed);
  return timed;
}

const isSeconds = (x: unknown): x is number[] =>
  Array.isArray(x) && x.length > 0 && x.every((s) => typeof s === 'number' && s > 0);

/** What was kept, if it tells of these candidates; else null, and they are timed again. */
export function asTimed(
  kept: unknown,
  candidates: readonly Pick<TimedForm, 'format' | 'dot' | 'streams'>[],
): TimedForm[] | null {
  if (!Array.isArray(kept) || kept.length !== candidates.length) return null;
  const timed = candidates.flatMap((c, i) => {
    const { format, dot, streams, one, many } = (kept[i] ?? {}) as Partial<TimedForm>;
    const same = format === c.format && dot === c.dot && streams === c.streams;
    return same && isSeconds(one) && isSeconds(many) ? [{ ...c, one, many }] : [];
  });
  return timed.length === candidates.length ? timed : null;
}

/** SHA-256 of the bytes behind an address. */
export const hashOf = async (url: string): Promise<string> =>
  sha256(new Uint8Array(await (await fetch(url)).arrayBuffer()));
