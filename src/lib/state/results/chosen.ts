import { JoulewiseError } from '../../core/errors';
import { decide } from '../../rank/decide';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { PlanRecord } from '../../schema/plan';
import type { VariantResult } from '../../schema/result';
import { fitConfidence } from '../../score/fitted';
import { foldStored } from '../../session/threads/workers';
import { getSummary } from '../../store/datasets';
import { getPlan, runsOfPlan } from '../../store/db';
import { ASSISTANT } from '../../texts/assistant';
import { localResults, type ResultSet } from './results';

/** A stored experiment with its variants, any of which may answer or be taken along. */
export interface Chosen {
  hash: string;
  name: string;
  plan: PlanRecord;
  /** Null where its tickets are no longer stored: answers need them only for recipes that calibrate. */
  dataset: DatasetSummaryRecord | null;
  causes: string[];
  /** Best first. */
  variants: VariantResult[];
  /** Of the variant whose confidence was calibrated; null where none was. */
  confidence: { variant: string; temperature: number; threshold: number | null } | null;
  set: ResultSet;
}

/** Throws `store.unavailable` where it is gone, `input.empty` where nothing ran. */
export async function chosenOf(hash: string): Promise<Chosen> {
  const stored = await getPlan(hash);
  if (!stored) throw new JoulewiseError('store.unavailable', ASSISTANT.noExperiment);
  const { plan, name, createdAt } = stored;
  const { runs, folded } = await foldStored(hash);
  const variants = decide(folded.results, folded.evidence).rows.map((row) => row.result);
  if (variants.length === 0) throw new JoulewiseError('input.empty', ASSISTANT.noRun(name));
  return {
    hash,
    name,
    plan,
    dataset: await getSummary(plan.dataset.hash),
    causes: runs.find((run) => run.causes.length > 0)?.causes ?? [],
    variants,
    confidence: fitConfidence(await runsOfPlan(hash)),
    set: localResults(plan, runs, folded, { createdAt, profileWhy: null, failures: [] }),
  };
}
