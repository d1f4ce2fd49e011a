import type { Spawn, ThreadSeat } from './module';

/** Milliseconds within which a thread's script must begin. Seen in Firefox ESR 153: it never did, with no error event. */
const START_MS = 5000;
/** Times that a thread is started before the engine goes on with fewer. */
const TRIES = 2;

const startOnce = (seat: ThreadSeat): Promise<{ end: () => void }> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./thread.worker.ts', import.meta.url), { type: 'module' });
    const end = () => worker.terminate();
    const fail = (why: string) => {
      clearTimeout(guard);
      end();
      reject(new Error(why));
    };
    const guard = setTimeout(() => fail(`the thread did not start within ${START_MS / 1000} s`), START_MS);
    worker.addEventListener(
      'message',
      () => {
        clearTimeout(guard);
        resolve({ end });
      },
      { once: true },
    );
    worker.addEventListener('error', (event) => fail(event.message || 'the worker could not be loaded'));
    worker.postMessage(seat);
  });

/** Kernel threads as workers of the worker that runs the engine; one that does not start is tried once more. */
export const spawnWorker: Spawn = async (seat) => {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(seat);
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
};
