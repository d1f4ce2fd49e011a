import { askToPersist } from '../../store/opfs';

/**
 * Keeps the screen on until the returned function is called; a hidden tab loses the lock and takes it again. What a run
 * stores is asked to be kept as well.
 */
export async function keepAwake(): Promise<() => Promise<void>> {
  void askToPersist();
  let sentinel: WakeLockSentinel | null = null;
  let wanted = true;
  const take = async () => {
    if (!wanted || document.visibilityState !== 'visible') return;
    // Refused on low battery or by policy: the run goes on, only the screen may dim.
    sentinel = (await (navigator as Partial<Navigator>).wakeLock?.request('screen').catch(() => null)) ?? null;
    if (!wanted) await sentinel?.release().catch(() => undefined);
  };
  const again = () => void take();
  document.addEventListener('visibilitychange', again);
  await take();
  return async () => {
    wanted = false;
    document.removeEventListener('visibilitychange', again);
    await sentinel?.release().catch(() => undefined);
  };
}
