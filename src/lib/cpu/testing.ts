/** Our kernels in plain Node: modules from src/kernels/build, threads as worker_threads. For tests only. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { Spawn } from './module';
import type { BuildName } from '../core/dot';

// Node 20 knows relaxed SIMD behind a flag; later ones know it anyway.
setFlagsFromString('--experimental-wasm-relaxed-simd');

export const loadModule = (build: BuildName): Promise<WebAssembly.Module> =>
  WebAssembly.compile(readFileSync(new URL(`../../kernels/build/${build}.wasm`, import.meta.url)));

/** thread.worker.ts in plain JavaScript, since Node's threads load no TypeScript. */
const THREAD = `
  const { parentPort, workerData: { module, memory, thread, threads } } = require('node:worker_threads');
  require('node:v8').setFlagsFromString('--experimental-wasm-relaxed-simd');
  const { exports } = new WebAssembly.Instance(module, { env: { memory, now: () => performance.now() } });
  parentPort.postMessage('ready');
  exports.serve(thread, threads);
`;

export const spawnThread: Spawn = (seat) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(THREAD, { eval: true, workerData: seat });
    worker.once('message', () => resolve({ end: () => void worker.terminate() }));
    worker.once('error', reject);
  });
