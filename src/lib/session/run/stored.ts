export { planHash } from '../../plan/execute';
import { JoulewiseError } from '../../core/errors';
import { planHash } from '../../plan/execute';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { PlanRecord } from '../../schema/plan';
import { getSummary } from '../../store/datasets';
import { getPlan, markedRunning, markEnded, markRunning, removePlan, runsOfPlan } from '../../store/db';
import { RUN } from '../../texts/run';
import { isRunning } from '../tab/tabs';
import { foldStored } from '../threads/workers';

/** An experiment to run. */
export interface Start {
  plan: PlanRecord;
  /** Its tickets are stored. */
  dataset: DatasetSummaryRecord;
  name: string;
}

/** An experiment as the store has it, or will. */
export interface Opened {
  hash: string;
  plan: PlanRecord;
  name: string;
  createdAt: string;
}

/** How an experiment to run stands in the store: one that goes on is as old as it was. */
export async function openedOf({ plan, name }: Start): Promise<Opened> {
  const hash = await planHash(plan);
  return { hash, plan, name, createdAt: (await getPlan(hash))?.createdAt ?? new Date().toISOString() };
}

async function storedPlan(hash: string): Promise<Opened> {
  const stored = await getPlan(hash);
  if (!stored) throw new JoulewiseError('store.unavailable', RUN.noPlan);
  return stored;
}

/** A stored experiment with its runs and what they fold to. Throws `store.unavailable` where it is gone. */
export async function storedRuns(hash: string) {
  const opened = await storedPlan(hash);
  const [runs, { folded }] = await Promise.all([runsOfPlan(hash), foldStored(hash)]);
  return { opened, runs, folded };
}

/** What it takes to go on with a stored plan. Throws `store.unavailable` where it or its tickets are gone. */
export async function startOf(hash: string): Promise<Start> {
  const { plan, name } = await storedPlan(hash);
  const dataset = await getSummary(plan.dataset.hash);
  if (!dataset) throw new JoulewiseError('store.unavailable', RUN.noTickets(plan.dataset.name));
  return { plan, dataset, name };
}

/** The experiment whose tab was closed while it ran, with its finished runs; null where there is none. */
export async function leftBehind(): Promise<{ hash: string; kept: number } | null> {
  for (const hash of await markedRunning()) {
    if (await isRunning(hash)) continue;
    await markEnded(hash);
    return { hash, kept: (await runsOfPlan(hash)).length };
  }
  return null;
}

/** Tells the store that a plan runs, so that a tab that is closed meanwhile leaves it behind (`leftBehind`). */
export class Mark {
  #set = false;

  constructor(private readonly hash: string) {}

  async set(): Promise<void> {
    this.#set = true;
    await markRunning(this.hash);
  }

  /** Does nothing where it was never set. */
  async clear(): Promise<void> {
    if (this.#set) await markEnded(this.hash);
  }
}

/** Forgets what an earlier run of this plan left. */
export async function forget(plan: PlanRecord): Promise<void> {
  await removePlan(await planHash(plan));
}
