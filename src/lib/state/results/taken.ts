import { decide, type Decision } from '../../rank/decide';
import { nextStep, type NextStep } from '../../rank/next';
import { rankVariants, splitBaseline } from '../../rank/rank';
import type { PlanRecord } from '../../schema/plan';
import type { RunRecord } from '../../schema/run';
import { planWithoutTexts, runWithoutTexts } from '../../schema/without-texts';
import { encodeLink, encodeShort, toRecipe, toShared } from '../../link/codec';
import type { ResultSet } from './results';

/** What results of this device come to, and what of them is taken along. */

/** The answer, and what would tell more; null where nothing says how results compare. */
export function answerOf({ results, evidence }: ResultSet): { decision: Decision; step: NextStep } | null {
  if (!evidence) return null;
  const decision = decide(results, evidence);
  return { decision, step: nextStep(results, evidence, decision) };
}

/** What a link says of a set. */
const sharedMeta = ({ createdAt, device, checkpoint, dataset, tasks, evidence }: ResultSet, w: number) => ({
  evidence,
  createdAt,
  device,
  checkpoint,
  dataset,
  tasks,
  w,
});

const sharedOf = (set: ResultSet, w: number) => toShared(set.results, sharedMeta(set, w));

/** The link of a result, with as many of its metrics as that length holds. @param longest characters */
export const resultLink = (set: ResultSet, w: number, longest: number) => encodeShort(sharedOf(set, w), longest);

/** @param prompts whether the user's own go along */
export const recipeLink = (plan: PlanRecord, prompts: boolean) => encodeLink(toRecipe(plan, { prompts }));

/** Runs as a file holds them. @param texts whether what tickets say goes along */
export const savedRuns = (runs: readonly RunRecord[], texts: boolean) => (texts ? runs : runs.map(runWithoutTexts));

/** What a saved file says of a run, beside its records. @param texts whether the user's own prompts go along */
export function savedOf(plan: PlanRecord, set: ResultSet, w: number, texts: boolean) {
  const { models, baseline } = splitBaseline(set.results);
  return {
    plan: texts ? plan : planWithoutTexts(plan),
    results: set.results,
    evidence: set.evidence,
    ranking: rankVariants(models, w),
    baseline,
    shared: sharedOf(set, w),
    failures: set.failures,
  };
}
