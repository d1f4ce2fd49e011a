import { dropSetting, keepSetting, settingNames } from './settings';
import { isRunning } from './tabs';

/** Which experiments run in this browser, so that one goes on when its tab was closed. */
const PREFIX = 'running:';

export const markRunning = (hash: string) => keepSetting(PREFIX + hash, '');
export const markEnded = (hash: string) => dropSetting(PREFIX + hash);

/** An experiment whose tab was closed while it ran; null where there is none, or another tab still runs it. */
export async function interrupted(): Promise<string | null> {
  const hashes = settingNames().flatMap((key) => (key.startsWith(PREFIX) ? key.slice(PREFIX.length) : []));
  for (const hash of hashes) if (!(await isRunning(hash))) return hash;
  return null;
}
