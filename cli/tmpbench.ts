import { drive } from './browser';
import { checkpointOf } from './context';
const d = await drive({ profile: '/work/tmp/profile2' });
try {
  const cp = await checkpointOf(d, '/work/tmp/smollm2');
  for (const recipe of process.argv.slice(2)) {
    const r = await d.call<any>('speed', { checkpoint: cp, recipe, engine: 'ort-cpu', threads: 2, prefill: 256, decode: 64, labels: 8, repeats: 3 });
    const med = (x: number[]) => x.sort((a, b) => a - b)[x.length >> 1]!;
    console.log(recipe, 'open', r.openMs | 0, 'prefill tok/s', (256e3 / med(r.prefillMs)).toFixed(1), 'decode', (64e3 / med(r.decodeMs)).toFixed(1), 'score/prefill', (med(r.scoreMs) / med(r.prefillMs)).toFixed(3), 'heap MiB', r.wasmHeapBytes / 2 ** 20, 'weights', r.computedBytes / 2 ** 20, JSON.stringify(r.prefillCost));
  }
} finally { await d.close(); }
