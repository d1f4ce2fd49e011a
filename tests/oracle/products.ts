#!/usr/bin/env -S npx tsx
/**
 * How fast src/matrix multiplies rows with frozen weights of SmolLM2-135M's shapes, in Node, one thread, beside what
 * registers give in the same minute (src/kernels/limits.ts):
 *
 *     npx tsx tests/oracle/products.ts [recipes=fp32,int8] [rows=128,256,512]
 *
 * Times are those of the processor for this thread (Node 24 or later): other work on the machine does not count, though it
 * shares caches.
 */
import * as L from '../../src/kernels/layout';
import { createRandom } from '../../src/lib/core/random';
import { bestBuild, instantiate } from '../../src/lib/cpu/module';
import { loadModule } from '../../src/lib/cpu/testing';
import { lay } from '../../src/lib/gradient/frozen';
import { describe, packedA } from '../../src/lib/matrix/matrix';
import { nodeMatrix } from '../../src/lib/matrix/testing';
import { PRECISIONS, type PrecisionName } from '../../src/lib/tensor/precisions';

const [recipes = 'fp32,int8', rowCounts = '128,256,512'] = process.argv.slice(2);
const SHAPES = [
  [576, 576],
  [192, 576],
  [1536, 576],
  [576, 1536],
] as const;
const WARM_UP = 3;
const WINDOWS = 5;
/** Seconds: this clock ticks every four milliseconds. */
const WINDOW = 0.1;
const ROUNDS = 1_000_000;

const clock = process as unknown as { threadCpuUsage(): { user: number; system: number } };
function spent(): number {
  const { user, system } = clock.threadCpuUsage();
  return (user + system) / 1e6;
}
/** Seconds of the processor that a call takes, once it is compiled: the least of several means. */
function seconds(work: () => void): number {
  for (let i = 0; i < WARM_UP; i++) work();
  const means = Array.from({ length: WINDOWS }, () => {
    const start = spent();
    let calls = 0;
    for (; spent() - start < WINDOW; calls++) work();
    return (spent() - start) / calls;
  });
  return Math.min(...means);
}

const memory = new WebAssembly.Memory({ initial: 64, maximum: 65_536, shared: true });
const kernels = instantiate(await loadModule(bestBuild()), memory);
/** Operations a second of a GEMM tile's inner step on registers alone; a multiply-add is two. */
function peak(command: number, inputs: number): number {
  new Uint32Array(memory.buffer, L.BENCH, 1)[0] = ROUNDS;
  return (2 * L.TILE * L.TILE_COLUMNS * inputs * ROUNDS) / seconds(() => kernels.run(command, 1));
}

const m = await nodeMatrix();
const random = createRandom(1);
const normal = (n: number) => Float32Array.from({ length: n }, random.normal);
const giga = (x: number) => (x / 1e9).toFixed(1);
console.log(`${m.relaxed ? 'relaxed' : 'baseline'} build; products of levels: way ${m.dot}`);
for (const recipe of recipes.split(',') as PrecisionName[])
  for (const [out, into] of SHAPES)
    for (const rows of rowCounts.split(',').map(Number))
      m.within(() => {
        const { k } = m;
        const widest = Math.max(out, into);
        const stored = PRECISIONS[recipe].store(normal(out * into), out, into);
        const w = describe(m, lay(m, stored));
        const x = m.put(normal(rows * widest));
        const y = m.take(rows * widest * 4);
        const left = m.take(packedA(rows, widest) * 4);
        const levels = m.take(k.levelBytes(rows, widest, m.dot));
        const limits = [peak(L.COMMAND_PEAK_FLOAT, 1), peak(L.COMMAND_PEAK_INT, 2)];
        const shown = [false, true].flatMap((back) => {
          const [n, depth] = back ? [into, out] : [out, into];
          k.packA(x, depth, rows, depth, left, 1);
          k.packLevels(x, depth, rows, depth, m.dot, levels);
          const operations = 2 * rows * out * into;
          const float = operations / seconds(() => k.timesStored(w, left, y, n, rows, back, false));
          const text = `${giga(float)} (${(float / (limits[0] as number)).toFixed(2)})`;
          if (stored.format !== 'blocks') return [`${back ? 'back' : 'forward'} ${text}`];
          const whole = operations / seconds(() => k.timesLevels(w, levels, y, n, rows, back, false, m.dot));
          return [`${back ? 'back' : 'forward'} ${text}, levels ${giga(whole)} (${(whole / float).toFixed(2)}x)`];
        });
        const names = `${recipe} ${out}x${into}, ${rows} rows`;
        console.log(`${names}: ${shown.join('; ')}; registers ${limits.map(giga).join(' float, ')} pairs`);
      });
