import * as L from '../../kernels/layout';
import type { ByteDot } from '../core/dot';
import { gainOf, isFaster, LEAST_GAIN } from '../core/gain';
import { median } from '../core/stats';
import type { PrecisionName } from '../tensor/precisions';
import { FORMATS, layoutsOf, type FormatName } from './formats';
import type { Streams } from './model';
import { Scratch, type ScratchOptions } from './scratch';

/**
 * Which form a matrix takes on this device is asked of the clock, not of what its processor can do: an instruction that a
 * probe finds may be slow, and memory may be read faster in fewer streams.
 */

/** What is in use of a model: a precision, dense or 2:4. */
export interface KernelKind {
  precision: PrecisionName;
  sparse: boolean;
}

/** One way to multiply a kind, and the seconds that it took in each round. */
export interface TimedForm {
  format: FormatName;
  /** What of the device's byte dot it uses; null = 16-bit products. */
  dot: ByteDot;
  streams: number;
  /** One token, a matrix from memory. */
  one: readonly number[];
  /** Many tokens; alike for all streams of a format, which do not matter there. */
  many: readonly number[];
}

/** The form that is taken, beside the one that is taken where nothing was timed. */
export interface FormChoice {
  usual: TimedForm;
  chosen: TimedForm;
}

/** Streams that are tried, the usual number first. */
export const STREAMS_TRIED = [L.STREAMS, 4, 2, 1] as const;
/** Formats whose panels are read in the number of streams that they are told. */
const STREAMED: ReadonlySet<FormatName> = new Set(['f16', 'f16 2:4', 'byte8', 'byte8 2:4', 'int4'] as const);

const ROUNDS = 5;
/** Until the optimizing compiler has taken over. */
const WARM_MS = 60;
/** More than most last-level caches hold. */
const REGION_BYTES = 48 * 2 ** 20;

const fastest = (forms: readonly TimedForm[]) =>
  forms.reduce((a, b) => (median([...b.one]) < median([...a.one]) ? b : a));

/**
 * The form for all of `timed`, the first of which is the usual one. Of one format's streams the fastest for one token that
 * is LEAST_GAIN times as fast as the usual number in every round; another format where it is that for one token or for many
 * and no slower than 1 / LEAST_GAIN at the other, since both read the same panels.
 */
export function chooseForm(timed: readonly TimedForm[]): FormChoice {
  const usual = timed[0] as TimedForm;
  const sameFormat = (t: TimedForm) => timed.filter((u) => u.format === t.format && u.dot === t.dot);
  const best = (t: TimedForm) => {
    const better = sameFormat(t).filter((u) => isFaster(u.one, t.one));
    return better.length ? fastest(better) : t;
  };
  const own = best(usual);
  const firsts = timed.filter((t) => sameFormat(t)[0] === t && t.dot !== usual.dot).map(best);
  const others = firsts.filter(
    (t) =>
      (isFaster(t.one, own.one) || isFaster(t.many, own.many)) &&
      gainOf(t.one, own.one) * LEAST_GAIN >= 1 &&
      gainOf(t.many, own.many) * LEAST_GAIN >= 1,
  );
  return { usual, chosen: others.length ? fastest(others) : own };
}

/** Format of a kind on a device with this byte dot. */
export function formatOfKind({ precision, sparse }: KernelKind, dot: ByteDot): FormatName {
  const layouts = layoutsOf(precision, dot);
  return (sparse && layouts.sparse) || layouts.dense;
}

/** Candidates of a kind on a device with this byte dot, the usual one first; of floats alone there is nothing to choose but streams. */
export function candidatesOf(kind: KernelKind, dot: ByteDot): Pick<TimedForm, 'format' | 'dot' | 'streams'>[] {
  const dots = dot && FORMATS[formatOfKind(kind, dot)].operand === L.OPERAND_BYTES ? [dot, null] : [dot];
  return dots.flatMap((dot) => {
    const format = formatOfKind(kind, dot);
    return (STREAMED.has(format) ? STREAMS_TRIED : [L.STREAMS]).map((streams) => ({ format, dot, streams }));
  });
}

/** Seconds of all candidates of a kind, in rounds of all one after another. Takes about a second, and 100 MB meanwhile. */
export async function timeForms(kind: KernelKind, o: ScratchOptions): Promise<TimedForm[]> {
  const scratch = await Scratch.open(o);
  try {
    const placed = new Map<FormatName, { matrix: ReturnType<Scratch['place']>; region: number; copies: number }>();
    const forms = candidatesOf(kind, o.dot).map((c) => {
      let at = placed.get(c.format);
      if (!at) {
        const matrix = scratch.place(kind.precision, c.format);
        const region = scratch.memory.take(REGION_BYTES);
        placed.set(c.format, (at = { matrix, region, copies: scratch.copy(matrix, region, REGION_BYTES) }));
      }
      return { ...c, ...at, one: [] as number[], many: [] as number[] };
    });
    const oneOf = (f: (typeof forms)[number]) => {
      scratch.model.useDot(f.dot);
      return scratch.one(f.matrix, f.region, f.copies, f.streams);
    };
    const manyOf = (f: (typeof forms)[number]) => {
      scratch.model.useDot(f.dot);
      scratch.packTokens(f.matrix);
      return scratch.many(f.matrix);
    };
    const warm = (once: () => number) => {
      const end = performance.now() + WARM_MS;
      do once();
      while (performance.now() < end);
    };
    /** The first of each format and dot: what many tokens take does not hang on streams. */
    const firsts = forms.filter((f) => f === forms.find((g) => g.format === f.format && g.dot === f.dot));
    for (const f of firsts) {
      warm(() => oneOf(f));
      warm(() => manyOf(f));
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const f of forms) f.one.push(oneOf(f));
      for (const f of firsts) f.many.push(manyOf(f));
    }
    return forms.map(({ format, dot, streams, one }) => {
      const { many } = firsts.find((f) => f.format === format && f.dot === dot) as (typeof forms)[number];
      return { format, dot, streams, one, many };
    });
  } finally {
    scratch.close();
  }
}

/** What of a model's kinds was chosen: the byte dot that it uses, and streams by format. */
export interface KernelChoice {
  dot: ByteDot;
  streams: Streams;
}

/** The choice for a model from those of its kinds, the linear layers' first: which products it uses follows from these. */
export function choiceOf(kinds: readonly (readonly TimedForm[])[], dot: ByteDot): KernelChoice {
  const chosen = kinds.filter((k) => k.length).map((k) => ({ timed: k, ...chooseForm(k) }));
  const used = chosen[0] ? chosen[0].chosen.dot : dot;
  const streams = chosen.flatMap(({ timed }) => {
    const own = timed.filter((t) => t.dot === used);
    if (!own.length) return [];
    const { chosen: best } = chooseForm(own);
    return best.streams === L.STREAMS ? [] : [[best.format, best.streams] as const];
  });
  return { dot: used, streams: Object.fromEntries(streams) };
}
