import { JoulewiseError, quote } from '../core/errors';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import { PRUNERS, type PrunerName } from './pruners';
import { LEVELS, type Collected } from './statistics';
import { formatTuning, parseTuning, TUNING_USAGE, type Tuning } from './tuning';

/** One pruner of a recipe. */
export interface Pruning {
  pruner: PrunerName;
  /** Share removed, 0..1; null where the pruner has a fixed pattern. */
  share: number | null;
}

/**
 * How bits are chosen: by rounding each weight to the nearest level; so that errors cancel on calibration text (GPTQ);
 * or the same with the columns of the strongest inputs first (act-order).
 */
export type QuantizerName = 'nearest' | 'gptq' | 'gptqact';

export interface Quantizer {
  /** Runs the column loop, and so needs calibration. */
  loop: boolean;
  /** Columns by falling input power, all scales fixed beforehand so that blocks stay where they are. */
  ordered: boolean;
  /** Scales tried for each block of 32 within the column loop: 1 = the largest weight maps to the last level. */
  candidates: number;
}

/** GPTQ rows fit their scales, from 1 down to 1 - 8/32. */
export const QUANTIZERS: Readonly<Record<QuantizerName, Quantizer>> = {
  nearest: { loop: false, ordered: false, candidates: 1 },
  gptq: { loop: true, ordered: false, candidates: 9 },
  gptqact: { loop: true, ordered: true, candidates: 9 },
};

/** Methods that may follow a precision's name. */
const METHODS = (Object.keys(QUANTIZERS) as QuantizerName[]).filter((q) => QUANTIZERS[q].loop);
const isMethod = (name: string): name is QuantizerName => (METHODS as string[]).includes(name);

/** What is done to a checkpoint: one precision, and prunings in the order they are applied. */
export interface Recipe {
  precision: PrecisionName;
  quantizer: QuantizerName;
  prunings: readonly Pruning[];
  /** Factors move from activations into the weights that read them before anything is rounded (smooth.ts). */
  smooth: boolean;
  /** Calibrated layer by layer, each behind the layers before it as they were compressed (calibrate/behind.ts). */
  seq: boolean;
  /** Keys and values are kept in int8 while the model runs; only our own kernels do that. */
  kv8: boolean;
  /** Causes are mixed with those of the classical baseline, by a weight that validation tickets choose. */
  blend: boolean;
  /**
   * `auto@`: precision and pruning are chosen for each linear layer, and `precision` is that of embedding and output
   * projection. Null = one recipe for all layers.
   */
  budget: Budget | null;
  /** An adapter is trained over what the rest makes, on a plan's own training tickets, and stays beside it. Null = none. */
  tuning: Tuning | null;
}

/**
 * The most bytes that all weights may take, or the most joules a ticket may take (budget.ts), in whole steps of the unit's
 * name: 100 kB, 1 mJ.
 */
export interface Budget {
  unit: BudgetUnit;
  amount: number;
}
export type BudgetUnit = 'MB' | 'J';

/** What is done to one linear layer. */
export interface LinearRecipe {
  precision: PrecisionName;
  quantizer: QuantizerName;
  mask: Pruning | null;
}

const keys = <T extends string>(table: Readonly<Record<T, unknown>>) => Object.keys(table) as T[];

/** How a budget is written: `inOne` bytes or joules in one of the unit, `steps` of it are told apart. */
const BUDGET_UNITS: Readonly<Record<BudgetUnit, { inOne: number; steps: number; pattern: RegExp }>> = {
  MB: { inOne: 1e6, steps: 10, pattern: /^auto@(\d{1,6}(?:\.\d)?)mb$/ },
  J: { inOne: 1, steps: 1000, pattern: /^auto@(\d{1,6}(?:\.\d{1,3})?)j$/ },
};

/** A budget by its name, or null where it is none. */
function parseBudget(part: string): Budget | null {
  for (const unit of keys(BUDGET_UNITS)) {
    const { inOne, steps, pattern } = BUDGET_UNITS[unit];
    const written = Number(pattern.exec(part)?.[1]);
    if (written > 0) return { unit, amount: (Math.round(written * steps) * inOne) / steps };
  }
  return null;
}

/** `60MB`, `0.3J`; rounded up to the unit's step, so that what is named is enough. */
export function formatBudget({ unit, amount }: Budget): string {
  const { inOne, steps } = BUDGET_UNITS[unit];
  // A millionth of a step forgives what division by ten leaves over.
  return `${Math.ceil((amount / inOne) * steps - 1e-6) / steps}${unit}`;
}

/** The precisions that GPTQ rounds to. */
const LOOPED: readonly PrecisionName[] = ['int4', 'int8'];

/** Parts that are switched on by their name alone, in the order they are written. */
const SWITCHES = ['smooth', 'seq', 'kv8', 'blend'] as const;
type Switch = (typeof SWITCHES)[number];
const isSwitch = (part: string): part is Switch => (SWITCHES as readonly string[]).includes(part);

const EXAMPLES = 'Examples: int8+ffn50, int4.gptq, int4.gptqact, int8+sparsegpt2:4, auto@60MB, auto@0.3J, int4+lora8.';

/**
 * `precision[.gptq|.gptqact][+pruning...][+smooth][+seq][+kv8][+loraR[...]][+blend]`, e.g. `int4.gptq`, `fp16+2:4`,
 * `int8+ffn50`, `fp32+wanda50`, `int4+lora8`, or `auto@60MB`, `auto@0.3J`; a pruning or an adapter alone means fp32. Structured prunings
 * come first, masks after, whatever the order written, so that equal recipes have equal names. How an adapter is written stands in `tuning.ts`.
 */
export function parseRecipe(text: string): Recipe {
  const parts = text.trim().toLowerCase().split('+');
  const fault = (sentence: string) => new JoulewiseError('recipe.unknown', sentence);
  const unknown = (part: string) =>
    fault(
      `Recipe part ${quote(part)} is not known. Precisions: ${keys(PRECISIONS).join(', ')}, ${LOOPED.flatMap((p) => METHODS.map((m) => `${p}.${m}`)).join(', ')}; prunings: ${keys(
        PRUNERS,
      )
        .map((p) => PRUNERS[p].usage)
        .join(', ')}; ${SWITCHES.join(', ')}; fine-tuning: ${TUNING_USAGE}; or auto@NMB, auto@NJ. ${EXAMPLES}`,
    );
  let precision: PrecisionName | null = null;
  let quantizer: QuantizerName = 'nearest';
  let budget: Budget | null = null;
  let tuning: Tuning | null = null;
  const on = new Set<Switch>();
  const prunings: Pruning[] = [];
  for (const part of parts) {
    const named = parseBudget(part);
    if (named) {
      if (budget !== null) throw fault(`Recipe ${quote(text)} names two budgets; give one.`);
      budget = named;
      continue;
    }
    const tuned = parseTuning(part);
    if (tuned) {
      if (tuning) throw fault(`Recipe ${quote(text)} names two adapters; give one.`);
      tuning = tuned;
      continue;
    }
    const [name, method, ...more] = part.split('.') as [string, ...string[]];
    if (Object.hasOwn(PRECISIONS, name)) {
      if (precision) throw fault(`Recipe ${quote(text)} names two precisions; give one.`);
      precision = name as PrecisionName;
      if (method === undefined) continue;
      if (more.length > 0 || !isMethod(method) || !LOOPED.includes(precision)) throw unknown(part);
      quantizer = method;
      continue;
    }
    if (isSwitch(part)) {
      if (on.has(part)) throw fault(`Recipe ${quote(text)} names ${quote(part)} twice; give it once.`);
      on.add(part);
      continue;
    }
    const pruning = parsePruning(part);
    if (!pruning) throw unknown(part);
    if (prunings.some((p) => p.pruner === pruning.pruner))
      throw fault(`Recipe ${quote(text)} names ${quote(pruning.pruner)} twice; give it once.`);
    prunings.push(pruning);
  }
  const count = (...kinds: string[]) => prunings.filter((p) => kinds.includes(PRUNERS[p.pruner].kind)).length;
  if (count('mask', 'columns') > 1)
    throw fault(`Recipe ${quote(text)} asks for two masks of the same weights; give one.`);
  if (QUANTIZERS[quantizer].ordered && count('columns'))
    throw fault(
      `Recipe ${quote(text)} orders columns by their inputs, and its mask chooses from neighbours. Write .gptq, or another mask.`,
    );
  for (const kind of ['layers', 'neurons', 'groups'])
    if (count(kind) > 1) throw fault(`Recipe ${quote(text)} asks to remove ${kind} in two ways; give one.`);
  if (budget !== null && (precision || count('mask', 'columns')))
    throw fault(
      `Recipe ${quote(text)} names a budget and what it should choose itself. Write auto@NMB or auto@NJ alone, or with layersN, blocksN, ffnN, neuronsN or kvgroupsN.`,
    );
  const order = keys(PRUNERS);
  prunings.sort((a, b) => order.indexOf(a.pruner) - order.indexOf(b.pruner));
  const recipe: Recipe = {
    precision: budget !== null ? 'int8' : (precision ?? 'fp32'),
    quantizer,
    prunings,
    smooth: on.has('smooth'),
    seq: on.has('seq'),
    kv8: on.has('kv8'),
    blend: on.has('blend'),
    budget,
    tuning,
  };
  const sentence = recipe.seq ? refusedBehind(recipe) : null;
  if (sentence) throw fault(`Recipe ${quote(text)} ${sentence}`);
  return recipe;
}

/** Why a recipe cannot be calibrated behind its own layers, as the end of a sentence; null where it can. */
function refusedBehind(recipe: Recipe): string | null {
  if (calibrationLevel(recipe) === null)
    return 'calibrates nothing that "seq" could put behind compressed layers. Leave out "seq", or add .gptq, sparsegptN, wandaN, smooth, neuronsN or kvgroupsN.';
  // Both look at all layers before the first is compressed.
  if (recipe.budget !== null)
    return 'names a budget, which chooses for all layers before the first is compressed. Leave out "seq", or name a precision.';
  if (recipe.prunings.some(({ pruner }) => PRUNERS[pruner].kind === 'layers' && PRUNERS[pruner].needs))
    return 'asks to remove layers by calibration, which is done before the first is compressed. Leave out "seq", or write layersN.';
  return null;
}

/** The calibration statistics that a recipe reads; null where it reads none. */
export function calibrationLevel(recipe: Recipe): Collected | null {
  if (QUANTIZERS[recipe.quantizer].loop || recipe.budget !== null) return 'gram';
  const needs = recipe.prunings.map((p) => PRUNERS[p.pruner].needs);
  if (recipe.smooth) needs.push('squares');
  return LEVELS.findLast((level) => needs.includes(level)) ?? null;
}

/** What a recipe without budget does to every linear layer. */
export const linearRecipe = (recipe: Recipe): LinearRecipe => ({
  precision: recipe.precision,
  quantizer: recipe.quantizer,
  mask: recipe.prunings.find((p) => ['mask', 'columns'].includes(PRUNERS[p.pruner].kind)) ?? null,
});

/** Whether a recipe's mask keeps two of each four inputs of each output, which 2:4 kernels skip. */
export const asks2of4 = (recipe: Pick<LinearRecipe, 'mask'>): boolean => recipe.mask?.pruner.includes('2:4') ?? false;

/** One pruning: a fixed pattern by name, or a name followed by a percentage. Null where it is neither. */
export function parsePruning(part: string): Pruning | null {
  if (Object.hasOwn(PRUNERS, part) && !PRUNERS[part as PrunerName].takesShare)
    return { pruner: part as PrunerName, share: null };
  const m = /^([a-z]+)(\d{1,2}(?:\.\d)?)$/.exec(part);
  const name = m?.[1];
  const percent = Number(m?.[2]);
  if (!name || !Object.hasOwn(PRUNERS, name) || !PRUNERS[name as PrunerName].takesShare || !(percent > 0)) return null;
  return { pruner: name as PrunerName, share: percent / 100 };
}

const nameOf = (p: Pruning) => p.pruner + (p.share === null ? '' : String(Math.round(p.share * 1000) / 10));
const precisionName = (r: { precision: PrecisionName; quantizer: QuantizerName }) =>
  r.precision + (r.quantizer === 'nearest' ? '' : `.${r.quantizer}`);

/** The canonical name: `parseRecipe(formatRecipe(r))` equals r. */
export function formatRecipe(recipe: Recipe): string {
  const head = recipe.budget === null ? precisionName(recipe) : `auto@${formatBudget(recipe.budget)}`;
  return [
    head,
    ...recipe.prunings.map(nameOf),
    ...SWITCHES.filter((s) => s !== 'blend' && recipe[s]),
    ...(recipe.tuning ? [formatTuning(recipe.tuning)] : []),
    // What is mixed comes last: it reads what the rest makes.
    ...(recipe.blend ? ['blend'] : []),
  ].join('+');
}

/** What an adapter is trained over, and stays beside. */
export const untuned = (recipe: Recipe): Recipe => ({ ...recipe, tuning: null });

/** What of a recipe makes weights: how keys and values are kept, and what causes are mixed with, changes none. */
export const weightsOf = (recipe: Recipe): Recipe => ({ ...recipe, kv8: false, blend: false });

/** Recipe with one more part of those that a plan crosses with its best: a pruning or an adapter. Null where it is neither. */
export function withPart(recipe: Recipe, part: string): Recipe | null {
  const pruning = parsePruning(part);
  if (pruning) return { ...recipe, prunings: [...recipe.prunings, pruning] };
  const tuning = parseTuning(part);
  return tuning && { ...recipe, tuning };
}

/** Whether a plan may cross its best with this part. */
export const isPart = (part: string): boolean => parsePruning(part) !== null || parseTuning(part) !== null;

export const formatLinear = (r: LinearRecipe): string =>
  [precisionName(r), ...(r.mask ? [nameOf(r.mask)] : [])].join('+');

export const canonicalRecipe = (text: string) => formatRecipe(parseRecipe(text));
