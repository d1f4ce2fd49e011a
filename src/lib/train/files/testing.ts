import type { BuildHost } from './build';
import { oneThread } from '../../tune/testing';

/** A folder in memory. */
export function memoryFolder() {
  const files: Record<string, Uint8Array> = {};
  return {
    files,
    open: (name: string) => {
      const pieces: Uint8Array[] = [];
      return Promise.resolve({
        append: (data: Uint8Array) => {
          pieces.push(data.slice());
          return Promise.resolve();
        },
        close: () => {
          files[name] = new Uint8Array(Buffer.concat(pieces));
          return Promise.resolve();
        },
      });
    },
  };
}

/** One thread's engine, which nothing has to end. */
const openThreads: BuildHost['openThreads'] = async (model, layout, arithmetic) => ({
  ...(await oneThread(model, layout, arithmetic)),
  end: () => undefined,
});

/** What a training takes beside its own: one thread, a folder in memory, nothing kept, and its events. */
export function memoryHost<Event>() {
  const folder = memoryFolder();
  const events: Event[] = [];
  const own = {
    openThreads,
    threads: 1,
    folder,
    keeping: null,
    fresh: false,
    emit: (event: Event) => void events.push(event),
    signal: new AbortController().signal,
  };
  return { own, folder, events };
}
