import { DEFAULT_PROMPTS } from '../calibrate/prompts';
import { GROUPS, INPUT_GROUPS, linearShapes } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { calibrationLevel, type Recipe } from '../compress/recipe';
import { smallerShape } from '../compress/shape';
import { TUNE } from '../tune/trainer';
import { LEVELS, type Collected } from '../compress/statistics';

/** Inputs that linear layers of one decoder layer share, and how many outputs are computed from each. */
const groupsOf = (c: ModelConfig) => {
  const shapes = linearShapes(c, c.intermediateSize);
  return GROUPS.map((group) => ({
    inputs: shapes[INPUT_GROUPS[group][0]][1],
    outputs: INPUT_GROUPS[group].reduce((n, linear) => n + shapes[linear][0], 0),
  }));
};

/** The most that any of these recipes reads of the dense model; null where none calibrates, or each behind its own layers. */
export function highestLevel(recipes: readonly Recipe[]): Collected | null {
  const levels = recipes.filter((r) => !r.seq).map(calibrationLevel);
  return LEVELS.findLast((level) => levels.includes(level)) ?? null;
}

/**
 * Operations (a multiply-add is two) of one pass of the dense model over the calibration tokens: its linear layers, causal
 * attention, and for `gram` the upper triangle of x^T x of every shared input.
 */
export function calibrationOperations(config: ModelConfig, level: Collected): number {
  const { sequences, length } = DEFAULT_PROMPTS;
  const tokens = sequences * length;
  const attention = 2 * 2 * length * config.heads * config.headDim;
  const perLayer = groupsOf(config).reduce(
    (n, g) => n + 2 * g.inputs * g.outputs + (level === 'gram' ? g.inputs ** 2 : 0),
    attention,
  );
  return tokens * config.layers * perLayer;
}

/**
 * Operations of calibrating a recipe behind its own layers, which serves no other: what looks at each dense layer that remains,
 * and what passes it as it was compressed, all shapes counted. 0 for recipes that the dense model's pass serves.
 */
export function behindOperations(config: ModelConfig, recipe: Recipe): number {
  const level = recipe.seq ? calibrationLevel(recipe) : null;
  if (level === null) return 0;
  const { config: smaller } = smallerShape(config, recipe);
  return (
    calibrationOperations({ ...config, layers: smaller.layers }, level) + calibrationOperations(smaller, 'squares')
  );
}

/** Share of a batch's tokens that are left where what its prompts begin with alike is computed once, about. */
const SHARED_LEAVES = 0.7;

/**
 * Operations of training an adapter: the products of all linear layers there and, for the gradient by their inputs, back, for
 * each answer of each step, down to the lowest layer that it changes; those of the adapter itself, of attention and of judging are a small share. 0 for other recipes.
 *
 * @param tokens of a mean example, prompt and answer
 */
export function tuningOperations(config: ModelConfig, { tuning }: Recipe, tokens: number): number {
  if (!tuning) return 0;
  const weights = config.layers * groupsOf(config).reduce((n, g) => n + g.inputs * g.outputs, 0);
  // Two operations a weight there, and two back.
  const ways = 2 * (2 - Math.min(1, (tuning.layers?.first ?? 0) / config.layers));
  return (tuning.steps ?? TUNE.steps) * TUNE.batch * tokens * SHARED_LEAVES * ways * weights;
}

/**
 * Operations of solving a recipe's layers where it hands errors on from column to column (SparseGPT, GPTQ): the inverse of
 * each x^T x by Cholesky factors (n^3 multiply-adds) and the update of all later columns (m n^2 / 2). 0 for other recipes.
 */
export function solveOperations(config: ModelConfig, recipe: Recipe): number {
  if (calibrationLevel(recipe) !== 'gram') return 0;
  // A recipe under a budget solves each layer in two or three ways before it chooses.
  const ways = recipe.budget === null ? 1 : 3;
  return ways * config.layers * groupsOf(config).reduce((n, g) => n + 2 * g.inputs ** 3 + g.outputs * g.inputs ** 2, 0);
}
