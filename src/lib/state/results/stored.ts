import { foldStored } from '../../session/threads/workers';
import { getPlan } from '../../store/db';
import { localResults, type ResultSet } from './results';

/** Results of a stored experiment; null where it is gone, or nothing ran. */
export async function resultsOf(hash: string): Promise<ResultSet | null> {
  const [stored, { runs, folded }] = await Promise.all([getPlan(hash), foldStored(hash)]);
  if (!stored || runs.length === 0) return null;
  const { plan, createdAt } = stored;
  return localResults(plan, runs, folded, { createdAt, profileWhy: null, failures: [] });
}
