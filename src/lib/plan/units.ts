import { BASELINE, BASELINE_ENGINE, takesRecipes, type EngineName } from '../schema/engines';
import { calibrationLevel, canonicalRecipe, formatRecipe, isPart, parseRecipe, withPart } from '../compress/recipe';
import { JoulewiseError, quote } from '../core/errors';
import type { PlanRecord } from '../schema/plan';
import type { RunRecord, TaskName } from '../schema/run';

/** The smallest thing that is measured, stored and resumed: one variant, one task, one slice of tickets. */
export interface Unit {
  variant: string;
  task: TaskName;
  slice: number;
  /** Number of the time in which it runs side by side with others; not part of its name. */
  block: number;
  /** A short slice of the reference where it is not needed for its own sake: links this block with the others. */
  anchor: boolean;
  /** Tickets of the test set, or all of the validation set. */
  part: RunRecord['part'];
  stage: number;
  engine: EngineName;
}

export const unitKey = (u: Unit) =>
  `${u.stage}/${u.task}/${u.variant}/${u.part === 'validation' ? 'validation' : u.slice}${u.anchor ? `/anchor ${u.block}` : ''}`;
export const runId = (planHash: string, u: Unit) => `${planHash}/${unitKey(u)}`;

/** Slices that a plan asks its tickets in: no more than there are tickets. */
export const slicesOf = (plan: Pick<PlanRecord, 'slices' | 'limit'>) => Math.max(1, Math.min(plan.slices, plan.limit));

/**
 * The tickets of a unit's slice: new ones as long as there are any, then the first again, none twice in a slice. An
 * anchor asks half of them.
 */
export function ticketsOf<T>(
  { slice, anchor }: Pick<Unit, 'slice' | 'anchor'>,
  tickets: readonly T[],
  plan: Pick<PlanRecord, 'slices' | 'limit'>,
): T[] {
  const all = slicesOf(plan);
  const from = Math.floor((slice * plan.limit) / all);
  const to = Math.floor(((slice + 1) * plan.limit) / all);
  const n = Math.min(to - from, tickets.length);
  return Array.from({ length: anchor ? Math.ceil(n / 2) : n }, (_, i) => tickets[(from + i) % tickets.length] as T);
}

/** A variant of a plan, with the stage that asks for it. */
export interface Member {
  variant: string;
  stage: number;
}

/** Units of a slice for these members, tasks beside each other; blocks number when they ran. */
export const unitsOf = (
  plan: PlanRecord,
  members: readonly Member[],
  slice: number,
  block: number,
  anchor = false,
): Unit[] =>
  members.flatMap(({ variant, stage }) =>
    plan.tasks.map((task): Unit => ({
      variant,
      task,
      slice,
      block,
      anchor,
      part: 'test',
      stage,
      engine: variant === BASELINE ? BASELINE_ENGINE : plan.engine,
    })),
  );

/** Runs that the best of a stage are chosen by. */
export const ofModels = (runs: readonly RunRecord[]) => runs.filter((run) => run.variant !== BASELINE);

/** Variants that a plan lists, of all its stages, each with the first stage that does; the baseline last of the first. */
export function listedMembers(plan: PlanRecord): Member[] {
  const seen = new Set<string>();
  return plan.stages.flatMap((s, stage) => {
    if (s.kind !== 'variants') return [];
    const own = s.variants.map((v) => (takesRecipes(plan.engine) ? canonicalRecipe(v) : v));
    return (stage === 0 && plan.baseline ? [...own, BASELINE] : own).flatMap((variant) => {
      if (seen.has(variant)) return [];
      seen.add(variant);
      return [{ variant, stage }];
    });
  });
}

/** Variants of a `best` stage: the chosen ones of the stages before it, crossed with its prunings (the paper's second stage). */
export function crossedMembers(
  plan: PlanRecord,
  stage: number,
  chosen: readonly string[],
  known: readonly Member[],
): Member[] {
  const s = plan.stages[stage];
  if (s?.kind !== 'best') return [];
  const seen = new Set(known.map(({ variant }) => variant));
  return chosen.flatMap((best) =>
    s.prunings.flatMap((text) => {
      const recipe = withPart(parseRecipe(best), text);
      if (!recipe) throw new JoulewiseError('recipe.unknown', `Part ${quote(text)} is not known.`);
      const variant = canonicalRecipe(formatRecipe(recipe));
      if (seen.has(variant)) return [];
      seen.add(variant);
      return [{ variant, stage }];
    }),
  );
}

/** Whether a variant's recipe reads calibration text; ready-made exports and the baseline have no recipe. */
export const calibrates = (plan: Pick<PlanRecord, 'engine'>, variant: string): boolean =>
  takesRecipes(plan.engine) && variant !== BASELINE && calibrationLevel(parseRecipe(variant)) !== null;

/** Whether an adapter is trained for a variant, on the plan's training tickets. */
export const tunes = (plan: Pick<PlanRecord, 'engine'>, variant: string): boolean =>
  takesRecipes(plan.engine) && variant !== BASELINE && parseRecipe(variant).tuning !== null;

/** The engine that trains a variant's adapter: our own kernels, unless its recipe names another. */
export const trainedOn = (variant: string) => parseRecipe(variant).tuning?.engine ?? 'cpu';

/** Whether a variant mixes the classical baseline in, which learns from the training tickets. */
export const blends = (plan: Pick<PlanRecord, 'engine'>, variant: string): boolean =>
  takesRecipes(plan.engine) && variant !== BASELINE && parseRecipe(variant).blend;

/** Whether a variant reads training tickets beside what calibrates it. */
export const learns = (plan: Pick<PlanRecord, 'engine'>, variant: string): boolean =>
  variant === BASELINE || tunes(plan, variant) || blends(plan, variant);

/** Whether a variant takes long to prepare, so that others answer a few slices before it joins. */
export const joinsLate = (plan: Pick<PlanRecord, 'engine'>, variant: string): boolean =>
  calibrates(plan, variant) || tunes(plan, variant);

/** Refuses what cannot run before anything is spent: unknown recipes, several masks. */
export function checkPlan(plan: PlanRecord): void {
  for (const stage of plan.stages) {
    if (stage.kind === 'variants' && takesRecipes(plan.engine)) stage.variants.forEach(parseRecipe);
    if (stage.kind === 'best')
      for (const p of stage.prunings)
        if (!isPart(p))
          throw new JoulewiseError(
            'recipe.unknown',
            `Part ${quote(p)} is not known. Examples: 2:4, mag50, ffn50, lora8.`,
          );
  }
}
