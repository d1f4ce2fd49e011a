import { safeParse } from 'valibot';
import { JoulewiseError } from '../core/errors';
import { KnownDeviceSchema, NOTHING_KNOWN, type KnownDevice } from '../schema/known';
import { getKept, putKept } from './db';

const KEY = 'known-device';

/** What is known of this device; nothing where this window keeps nothing, or what it kept cannot be read any more. */
export async function knownDevice(): Promise<KnownDevice> {
  try {
    const { success, output } = safeParse(KnownDeviceSchema, await getKept(KEY));
    return success ? output : NOTHING_KNOWN;
  } catch (error) {
    if (error instanceof JoulewiseError && error.code === 'store.unavailable') return NOTHING_KNOWN;
    throw error;
  }
}

/** Keeps what was found out about one kind of hardware; the rest stays. @throws store.* where it cannot be kept */
export async function keepKnown(
  hardware: keyof KnownDevice,
  change: Partial<KnownDevice[keyof KnownDevice]>,
): Promise<KnownDevice> {
  const before = await knownDevice();
  const after = { ...before, [hardware]: { ...before[hardware], ...change } };
  await putKept(KEY, after);
  return after;
}
