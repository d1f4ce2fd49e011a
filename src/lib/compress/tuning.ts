import { LINEARS, type LinearName } from '../checkpoint/block';
import { STEP_ENGINES, type StepEngineName } from '../schema/engines';

/**
 * An adapter's part of a recipe: `loraRANK[.KINDS][.layersFIRSTtoLAST][.Nsteps][.ENGINE]`, e.g. `lora8`, `lora8.400steps`,
 * `lora8.q-v.layers20to29`, `lora8.ort-gpu`. KINDS are kinds of linear layers joined by `-` (q, k, v, o, gate, up, down),
 * all of them unless named; layers count from 0, both ends belong to it, all of them unless named; ENGINE takes the steps
 * instead of our own kernels. No commas, so that lists of variants stay lists.
 */

/** A low-rank adapter. */
export interface Tuning {
  rank: number;
  /** Kinds of linear layers that it changes, in the order of `LINEARS`; null = all. */
  targets: readonly LinearName[] | null;
  /** First and last layer that it changes, from 0; null = all. */
  layers: { first: number; last: number } | null;
  /** Null = as many as training takes by default. */
  steps: number | null;
  /** What takes the steps; null = our own kernels on the processor. */
  engine: StepEngineName | null;
}

/** How it is written, for sentences that list what is known. */
export const TUNING_USAGE = 'loraRANK[.q-k-v-o-gate-up-down][.layersFIRSTtoLAST][.Nsteps][.ort-gpu]';

const RANK = /^lora([1-9]\d{0,2})$/;
const END = '_proj';

/** What a kind of linear layer is called in short: `q` of `q_proj`. */
const shortName = (linear: LinearName) => linear.slice(0, -END.length);

/** Their short names. */
export const KINDS = LINEARS.map(shortName);

/** Kinds of linear layers by their names, short or whole, in the order of `LINEARS`; null where one is not known or comes twice. */
export function parseKinds(names: readonly string[]): LinearName[] | null {
  const kinds = LINEARS.filter((l) => names.includes(l) || names.includes(shortName(l)));
  return kinds.length === names.length ? kinds : null;
}

/** First and last layer; null where the first stands behind the last. */
const parseLayers = ([, first, last]: RegExpExecArray) =>
  Number(first) <= Number(last) ? { first: Number(first), last: Number(last) } : null;

/** What may stand behind the rank, one row each: how it is read (null = not so) and how it is written. */
const DETAILS: { [K in Exclude<keyof Tuning, 'rank'>]: Detail<Exclude<Tuning[K], null>> } = {
  targets: {
    pattern: /^[a-z]+(?:-[a-z]+)*$/,
    read: ([all]) => parseKinds(all.split('-')),
    write: (targets) => targets.map(shortName).join('-'),
  },
  layers: {
    pattern: /^layers(0|[1-9]\d{0,3})to(0|[1-9]\d{0,3})$/,
    read: parseLayers,
    write: ({ first, last }) => `layers${first}to${last}`,
  },
  steps: {
    pattern: /^([1-9]\d{0,5})steps$/,
    read: ([, steps]) => Number(steps),
    write: (steps) => `${steps}steps`,
  },
  engine: {
    pattern: /^ort-[a-z]+$/,
    read: ([name]) => STEP_ENGINES.find((engine) => engine === name) ?? null,
    write: (engine) => engine,
  },
};
interface Detail<T> {
  pattern: RegExp;
  read(found: RegExpExecArray): T | null;
  write(value: T): string;
}
/** In the order they are written; they are read in any. */
const ORDER = ['targets', 'layers', 'steps', 'engine'] as const;

function detailOf<K extends (typeof ORDER)[number]>(name: K, text: string): Tuning[K] | null {
  const found = DETAILS[name].pattern.exec(text);
  return found && DETAILS[name].read(found);
}

/** An adapter by its name, or null where it is none. */
export function parseTuning(part: string): Tuning | null {
  const [head = '', ...details] = part.split('.');
  const rank = RANK.exec(head)?.[1];
  if (rank === undefined) return null;
  const tuning: Tuning = { rank: Number(rank), targets: null, layers: null, steps: null, engine: null };
  for (const text of details) {
    const name = ORDER.find((n) => tuning[n] === null && detailOf(n, text) !== null);
    if (!name) return null;
    Object.assign(tuning, { [name]: detailOf(name, text) });
  }
  // All kinds by name are what no name means.
  return tuning.targets?.length === LINEARS.length ? { ...tuning, targets: null } : tuning;
}

function write<K extends (typeof ORDER)[number]>(tuning: Tuning, name: K): string {
  const value = tuning[name];
  return value === null ? '' : `.${(DETAILS[name] as Detail<typeof value>).write(value)}`;
}

/** The canonical name: `parseTuning(formatTuning(t))` equals t. */
export const formatTuning = (tuning: Tuning): string =>
  `lora${tuning.rank}${ORDER.map((name) => write(tuning, name)).join('')}`;
