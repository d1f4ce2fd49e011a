/** Which experiments run in this browser, so that one goes on when its tab was closed. */
const PREFIX = 'running:';

export const markRunning = (hash: string) => localStorage.setItem(PREFIX + hash, '');
export const markEnded = (hash: string) => localStorage.removeItem(PREFIX + hash);

/** An experiment whose tab was closed while it ran; null where there is none, or another tab still runs it. */
export async function interrupted(): Promise<string | null> {
  const hashes = Object.keys(localStorage).flatMap((key) => (key.startsWith(PREFIX) ? key.slice(PREFIX.length) : []));
  if (hashes.length === 0) return null;
  const { held = [] } = await navigator.locks.query();
  return hashes.find((hash) => !held.some((lock) => lock.name === `plan:${hash}`)) ?? null;
}
