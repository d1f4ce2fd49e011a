import { JoulewiseError } from '../../core/errors';
import { RUN } from '../../texts/run';

/** Which experiments run in the tabs of this browser: each holds a lock that goes with its tab. */
const PREFIX = 'plan:';

/** Name of the lock that the tab holds which runs a plan. */
export const lockOf = (hash: string) => PREFIX + hash;

async function runningPlans(): Promise<string[]> {
  const { held = [] } = await navigator.locks.query();
  return held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
}

export const isRunning = async (hash: string) => (await runningPlans()).includes(hash);

export const anyRuns = async () => (await runningPlans()).length > 0;

/** Whether a tab runs another plan than this one. */
export const othersRun = async (hash: string) => (await runningPlans()).some((other) => other !== hash);

/** Throws `store.busy` where a tab runs an experiment, which needs what is stored. */
export async function mayDelete(): Promise<void> {
  if ((await runningPlans()).length > 0) throw new JoulewiseError('store.busy', RUN.needed);
}
