/** Which experiment runs in this browser, so that it goes on when its tab was closed. */
const KEY = 'running';

export const markRunning = (hash: string) => localStorage.setItem(KEY, hash);
export const markEnded = () => localStorage.removeItem(KEY);

/** The experiment whose tab was closed while it ran; null where there is none, or another tab still runs it. */
export async function interrupted(): Promise<string | null> {
  const hash = localStorage.getItem(KEY);
  if (hash === null) return null;
  const { held = [] } = await navigator.locks.query();
  return held.some((lock) => lock.name === `plan:${hash}`) ? null : hash;
}
