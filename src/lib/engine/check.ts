import { ENGINE } from '../schema/engines';
import type { CheckRecord } from '../schema/run';

import { JoulewiseError, quote } from '../core/errors';
import { mean } from '../core/stats';
import { parseRecipe } from '../variant/compress';
import { openVariant, type OpenOptions, type OpenVariant } from './open';
import { logProbability, type EngineSession } from './session';

/** Tokens of a prompt that are asked one by one. */
const ONE_BY_ONE = 6;
/** Tokens by which two answers to one token are compared. */
const LIKELIEST = 20;

/** What is compared: log-probabilities (nats) of a prompt's tokens in one pass, and logits of every pass over one token. */
interface Trace {
  many: number[];
  single: Float32Array[];
}

/**
 * What a session makes of prompts by both ways that a run takes, many tokens in one pass and one by one: engines have other
 * kernels for each.
 */
export async function traceOf(
  session: Pick<EngineSession, 'evaluate' | 'prefill' | 'decode'>,
  prompts: readonly (readonly number[])[],
): Promise<Trace> {
  const [many, single]: [number[], Float32Array[]] = [[], []];
  for (const ids of prompts) {
    many.push(...(await session.evaluate(ids)).logProbs);
    const first = Math.max(1, ids.length - ONE_BY_ONE);
    await session.prefill(ids.slice(0, first));
    for (const id of ids.slice(first)) single.push((await session.decode(id)).slice());
  }
  return { many, single };
}

/**
 * Nats a token by which two right implementations of a format may differ in the mean: they round activations to 8 or 16
 * bits or not at all, and store scales by row or by block. Four times what was seen between our own kernels and ONNX
 * Runtime, or more; faults were 0.7 and above (decision 60).
 */
export const SPREAD = { fp32: 0.01, fp16: 0.05, int8: 0.15, int4: 0.15 } as const;

/** Mean distance of two lists. */
const distance = (own: readonly number[], found: readonly number[]) =>
  mean(own.map((v, i) => Math.abs(v - (found[i] ?? NaN))));

/** Log-probabilities of the tokens that are likeliest by `own`, by it and by `found`: the rest of a vocabulary is noise. */
function likeliest(own: Float32Array, found: Float32Array): [own: number[], found: number[]] {
  const ids = Array.from(own.keys())
    .sort((a, b) => (own[b] as number) - (own[a] as number))
    .slice(0, LIKELIEST);
  return [ids.map((id) => logProbability(own, id)), ids.map((id) => logProbability(found, id))];
}

/** Mean distance, nats a token, of the way that is further off; infinite where a value is no number. */
export function apartOf(own: Trace, found: Trace): number {
  const pairs = own.single.map((logits, i) => likeliest(logits, found.single[i] ?? new Float32Array(logits.length)));
  const apart = [
    distance(own.many, found.many),
    distance(
      pairs.flatMap(([a]) => a),
      pairs.flatMap(([, b]) => b),
    ),
  ];
  return apart.every(Number.isFinite) ? Math.max(...apart) : Infinity;
}

/** What a record says of a check, for people. */
export const checkNote = ({ tokens, apart, allowed, unchecked }: CheckRecord): string =>
  apart === null
    ? `Not checked against our own kernels: ${unchecked}`
    : `Checked against our own kernels before it was ranked: ${apart.toPrecision(1)} nats a token apart over ${tokens} tokens; this format explains up to ${allowed}.`;

/** What a variant is opened with once more on our own kernels, and the prompts that both are asked. */
export interface CheckOptions extends OpenOptions {
  prompts: readonly (readonly number[])[];
}

/**
 * How far a variant that is open on a GPU is from our own kernels, which are opened for it and closed again; null where
 * the engine computes on the processor or brings weights of others. Throws `engine.wrong` where it is further than its
 * format's spread: shipped stacks have been silently wrong there. What our kernels cannot hold stays unchecked, and the
 * record says so.
 */
export async function checkAgainstOwn(
  { session }: Pick<OpenVariant, 'session'>,
  { prompts, ...o }: CheckOptions,
  open: typeof openVariant = openVariant,
): Promise<CheckRecord | null> {
  const { device, takes } = ENGINE[o.engine];
  if (device !== 'gpu' || takes !== 'recipe') return null;
  const found = await traceOf(session, prompts);
  const allowed = SPREAD[parseRecipe(o.variant).precision];
  let own: Trace;
  try {
    const { session: reference } = await open({ ...o, engine: 'cpu' });
    try {
      own = await traceOf(reference, prompts);
    } finally {
      await reference.close();
    }
  } catch (error) {
    if (!(error instanceof JoulewiseError) || error.code === 'cancelled') throw error;
    return { tokens: 0, apart: null, allowed, unchecked: error.message };
  }
  const apart = apartOf(own, found);
  if (apart > allowed)
    throw new JoulewiseError(
      'engine.wrong',
      `${quote(o.variant)} on the engine "${o.engine}" is not what it should be: its log-probabilities are ${Number.isFinite(apart) ? `${apart.toPrecision(2)} nats a token` : 'infinitely far'} from those of our own kernels, and ${allowed} is the most that this format explains. It is not ranked. Choose the engine "cpu", or try another browser or a newer graphics driver.`,
    );
  return { tokens: own.many.length + own.single.length, apart, allowed, unchecked: null };
}
