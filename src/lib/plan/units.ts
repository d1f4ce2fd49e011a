import { canonicalRecipe, formatRecipe, parsePruning, parseRecipe } from '../compress/recipe';
import { JoulewiseError, quote } from '../core/errors';
import { createRandom } from '../core/random';
import { bestK } from '../rank/rank';
import { foldRuns } from '../rank/fold';
import type { PlanRecord } from '../schema/plan';
import type { VariantResult } from '../schema/result';
import type { EngineName, RunRecord, TaskName } from '../schema/run';

/** The smallest thing that is run, stored and resumed: one variant, one task, one repeat. */
export interface Unit {
  variant: string;
  task: TaskName;
  repeat: number;
  stage: number;
  engine: EngineName;
}

/** Name of the TF-IDF + logistic regression baseline among the variants. */
export const BASELINE = 'tf-idf';

export const unitKey = (u: Unit) => `${u.stage}/${u.task}/${u.variant}/${u.repeat}`;
export const runId = (planHash: string, u: Unit) => `${planHash}/${unitKey(u)}`;

/**
 * Units of one stage, in the order they run: repeats outside, and within each repeat variants and tasks shuffled by the
 * plan's seed, so that drift of the device's clock or temperature falls on all variants alike.
 */
export function stageUnits(plan: PlanRecord, stage: number, variants: readonly string[]): Unit[] {
  const random = createRandom(plan.seed).fork(`order of stage ${stage}`);
  const units: Unit[] = [];
  for (let repeat = 0; repeat < plan.repeats; repeat++) {
    const round = variants.flatMap((variant) =>
      plan.tasks.map((task): Unit => ({
        variant,
        task,
        repeat,
        stage,
        engine: variant === BASELINE ? 'classical' : plan.engine,
      })),
    );
    units.push(...random.shuffle(round));
  }
  return units;
}

/** Runs that the best of a stage are chosen by. */
export const ofModels = (runs: readonly RunRecord[]) => runs.filter((run) => run.variant !== BASELINE);

/**
 * Variants of a stage that no stage before it has run: as listed, or the best of what was run so far crossed with
 * prunings (the paper's second stage).
 *
 * @param results of `ofModels(runs)`; folded here where they are not given
 */
export function stageVariants(
  plan: PlanRecord,
  stage: number,
  runs: readonly RunRecord[],
  results: readonly VariantResult[] | null = null,
): string[] {
  const s = plan.stages[stage];
  if (!s) return [];
  const done = new Set(runs.filter((r) => r.stage < stage).map((r) => r.variant));
  const fresh = (variants: string[]) => [...new Set(variants)].filter((v) => !done.has(v));
  if (s.kind === 'variants') {
    const own = s.variants.map((v) => (plan.engine === 'hub' ? v : canonicalRecipe(v)));
    return fresh(stage === 0 && plan.baseline ? [...own, BASELINE] : own);
  }
  const ranked = bestK(results ?? foldRuns(ofModels(runs)), plan.w, s.k);
  const crossed = ranked.flatMap((best) =>
    s.prunings.map((text) => {
      const pruning = parsePruning(text);
      if (!pruning) throw new JoulewiseError('recipe.unknown', `Pruning ${quote(text)} is not known.`);
      const recipe = parseRecipe(best.variant);
      return canonicalRecipe(formatRecipe({ ...recipe, prunings: [...recipe.prunings, pruning] }));
    }),
  );
  return fresh(crossed);
}

/** Refuses what cannot run before anything is spent: unknown recipes, several masks. */
export function checkPlan(plan: PlanRecord): void {
  for (const stage of plan.stages) {
    if (stage.kind === 'variants' && plan.engine !== 'hub') stage.variants.forEach(parseRecipe);
    if (stage.kind === 'best')
      for (const p of stage.prunings)
        if (!parsePruning(p))
          throw new JoulewiseError('recipe.unknown', `Pruning ${quote(p)} is not known. Examples: 2:4, mag50, ffn50.`);
  }
}
