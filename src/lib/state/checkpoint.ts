import { HUB_BASE } from '../checkpoint/source';
import type { CheckpointRef } from '../schema/plan';
import type { EngineName } from '../schema/run';
import { listCheckpoints } from '../store/opfs';
import { callData } from './workers';

/** Which stored checkpoint a Hub repository became, so that it is downloaded once. */
const key = (repo: string, revision: string, exports: readonly string[] | null) =>
  `hub:${repo}@${revision}:${exports?.join() ?? 'weights'}`;

/** The Hub's address: a setting, so that mirrors and tests serve it from elsewhere. */
export const hubBase = () => localStorage.getItem('hubBase') ?? HUB_BASE;

/** A Hub repository is brought into OPFS before anything runs, so that no unit downloads it again; others stay as they are. */
export async function localCheckpoint(
  ref: CheckpointRef,
  engine: EngineName,
  variants: readonly string[],
  onProgress?: (p: { bytes: number; of: number }) => void,
): Promise<CheckpointRef> {
  if (ref.kind !== 'hub') return ref;
  const exports = engine === 'hub' ? variants.toSorted() : null;
  const known = localStorage.getItem(key(ref.repo, ref.revision, exports));
  if (known && (await listCheckpoints()).some((c) => c.hash === known))
    return { kind: 'stored', hash: known, name: ref.repo };
  const stored = await callData(
    'storeHub',
    { repo: ref.repo, revision: ref.revision, base: hubBase(), exports },
    { onEvent: onProgress },
  );
  if (stored.kind === 'stored') localStorage.setItem(key(ref.repo, ref.revision, exports), stored.hash);
  return stored;
}
