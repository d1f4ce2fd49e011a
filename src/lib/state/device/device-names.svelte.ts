import { getKept, putKept } from '../../store/db';
import type { SharedResultRecord } from '../../schema/result';
import { hasRecords } from '../../store/present';
import { sentence } from '../../texts/sentence';

/** A device as results tell of it. */
type Device = Pick<SharedResultRecord['device'], 'name' | 'profile'>;

const KEY = 'device-names';
const MAX_LETTERS = 60;

/** A device as results know it: what it calls itself, and the profile its energy was estimated by. */
const keyOf = ({ name, profile }: Device) => JSON.stringify([name, profile]);

/** Names that the user gave to devices, kept in this browser: two laptops with one processor read alike else. */
class DeviceNames {
  error = $state<string | null>(null);
  #names = $state.raw<Readonly<Record<string, string>>>({});

  async load(): Promise<void> {
    try {
      const found = (await hasRecords()) ? await getKept(KEY) : undefined;
      if (typeof found !== 'object' || found === null) return;
      this.#names = Object.fromEntries(
        Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      );
    } catch (error) {
      this.error = sentence(error);
    }
  }

  /** Null where the device has no name of its own. */
  of(device: Device): string | null {
    const key = keyOf(device);
    return Object.hasOwn(this.#names, key) ? (this.#names[key] ?? null) : null;
  }

  /** An empty name takes the device's own again. */
  async rename(device: Device, text: string): Promise<void> {
    const name = text.replace(/\s+/g, ' ').trim().slice(0, MAX_LETTERS);
    const { [keyOf(device)]: _, ...others } = this.#names;
    this.#names = name === '' ? others : { ...others, [keyOf(device)]: name };
    this.error = null;
    try {
      await putKept(KEY, this.#names);
    } catch (error) {
      this.error = sentence(error);
    }
  }
}

export const deviceNames = new DeviceNames();
