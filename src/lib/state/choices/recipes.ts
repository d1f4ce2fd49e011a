import { PRECISIONS, type PrecisionName } from '../../tensor/precisions';
import { formatRecipe, parseRecipe } from '../../compress/recipe';
import type { EngineName } from '../../schema/engines';
import type { PlanRecord } from '../../schema/plan';
import { HANDED } from '../../variant/engines';
import { LOADED } from '../../texts/loaded';
import { DEFAULT_CHOICES, TUNED_WITH, type Choices } from './choices';

/** Choices that take the recipe parser; apart from `choices.ts`, which the first page loads. */

/** Prunings offered as chips. Any other goes into the text field. */
export const PRUNING_CHIPS = ['2:4', 'mag50', 'ffn25', 'ffn50', 'layers25'] as const;

export const ALL_PRECISIONS = Object.keys(PRECISIONS) as PrecisionName[];

/** Recipes written by hand, separated by commas or spaces, in canonical form. Throws `recipe.unknown`. */
export const parseExtra = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\s,;]+/)
      .filter(Boolean)
      .map((part) => formatRecipe(parseRecipe(part))),
  ),
];

/** The name of a variant that is fine-tuned. */
export const tunedAs = (precision: string) => `${precision}+${TUNED_WITH}`;

/** Precisions that can be fine-tuned on an engine: all where an adapter stands beside the weights, else those that are not rounded. */
export const tunable = (engine: EngineName) =>
  ALL_PRECISIONS.filter((p) => HANDED[engine].adapters || PRECISIONS[p].bits >= 16);

/** Choices that build the same stages again; `lost` says what of the plan the cards cannot show. */
export function choicesOf(plan: Omit<PlanRecord, 'v' | 'checkpoint'>): { choices: Choices; lost: string[] } {
  const variants = plan.stages.flatMap((s) => (s.kind === 'variants' ? s.variants : []));
  const best = plan.stages.filter((s) => s.kind === 'best');
  const isPrecision = (v: string): v is PrecisionName => (ALL_PRECISIONS as readonly string[]).includes(v);
  const lost: string[] = [];
  const tuned = ALL_PRECISIONS.filter((p) => variants.includes(tunedAs(p)));
  const [, second, third] = plan.stages;
  const behind = third?.kind === 'variants' && second?.kind === 'best' ? 1 : 0;
  if (plan.stages.length - best.length - behind > 1 || best.length > 1 || plan.stages[0]?.kind === 'best')
    lost.push(LOADED.stages);
  return {
    lost,
    choices: {
      tasks: plan.tasks.slice(),
      templates: structuredClone(plan.templates ?? {}),
      precisions: variants.filter(isPrecision),
      tuned,
      prunings: best[0]?.prunings.slice() ?? [],
      extra: variants
        .filter((v) => !isPrecision(v) && !tuned.map(tunedAs).includes(v))
        .map((v) => formatRecipe(parseRecipe(v))),
      twoStage: best.length > 0,
      k: best[0]?.k ?? DEFAULT_CHOICES.k,
      baseline: plan.baseline,
      limit: plan.limit,
      slices: plan.slices,
      margin: plan.margin,
      untilDecided: plan.untilDecided ?? false,
      untilPercent: plan.energyBound === undefined ? null : Number((100 * plan.energyBound).toPrecision(6)),
      maxNewTokens: plan.maxNewTokens,
      threads: plan.threads,
      seed: plan.seed,
      w: plan.w,
      profile: plan.profile,
    },
  };
}
