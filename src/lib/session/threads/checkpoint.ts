import { BASELINE, takesRecipes, type EngineName } from '../../schema/engines';
import { HUB_BASE } from '../../checkpoint/source';
import type { CheckpointRef } from '../../schema/plan';
import type { DownloadProgress } from '../../store/download';
import { keepSetting, readSetting, settingNames } from '../../store/settings';
import { callData } from './workers';

/** Which stored checkpoint a Hub repository became, so that it is downloaded once. */
const key = (repo: string, revision: string, exports: readonly string[] | null) =>
  `hub:${repo}@${revision}:${exports?.join() ?? 'weights'}`;

/** The Hub's address: a setting, so that mirrors and tests serve it from elsewhere. */
export const hubBase = () => readSetting('hubBase') ?? HUB_BASE;

const exportsOf = (engine: EngineName, variants: readonly string[]) =>
  takesRecipes(engine) ? null : variants.filter((v) => v !== BASELINE).toSorted();

/** Names of Hub repositories that stored checkpoints came from, by hash. */
export function hubNames(): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of settingNames()) {
    const found = /^hub:(.+?)@([^:]*):(.*)$/.exec(name);
    const hash = readSetting(name);
    if (found && hash) names.set(hash, found[3] === 'weights' ? String(found[1]) : `${found[1]}, ${found[3]}`);
  }
  return names;
}

/** The stored copy of a Hub repository; null where there is none (or none that is still here). */
export async function storedHub(
  ref: CheckpointRef & { kind: 'hub' },
  engine: EngineName,
  variants: readonly string[],
): Promise<CheckpointRef | null> {
  const hash = readSetting(key(ref.repo, ref.revision, exportsOf(engine, variants)));
  if (!hash) return null;
  const { listCheckpoints } = await import('../../store/opfs');
  return (await listCheckpoints()).some((c) => c.hash === hash) ? { kind: 'stored', hash, name: ref.repo } : null;
}

/** A Hub repository is brought into OPFS before anything runs, so that no unit downloads it again; others stay as they are. */
export async function localCheckpoint(
  ref: CheckpointRef,
  engine: EngineName,
  variants: readonly string[],
  o: { onProgress?: (p: DownloadProgress) => void; signal?: AbortSignal } = {},
): Promise<CheckpointRef> {
  if (ref.kind !== 'hub') return ref;
  const known = await storedHub(ref, engine, variants);
  if (known) return known;
  const exports = exportsOf(engine, variants);
  const stored = await callData(
    'storeHub',
    { repo: ref.repo, revision: ref.revision, base: hubBase(), exports },
    { onEvent: o.onProgress, signal: o.signal },
  );
  if (stored.kind === 'stored') keepSetting(key(ref.repo, ref.revision, exports), stored.hash);
  return stored;
}
