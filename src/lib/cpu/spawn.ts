import type { Spawn } from './module';

/** Kernel threads as workers of the worker that runs the engine. */
export const spawnWorker: Spawn = (seat) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./thread.worker.ts', import.meta.url), { type: 'module' });
    const end = () => worker.terminate();
    worker.addEventListener('message', () => resolve({ end }), { once: true });
    worker.addEventListener('error', (event) => {
      end();
      reject(new Error(event.message || 'the worker could not be loaded'));
    });
    worker.postMessage(seat);
  });
