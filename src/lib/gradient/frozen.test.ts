import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { describe as describeStored, packedA } from '../matrix/matrix';
import { nodeMatrix } from '../matrix/testing';
import { PRECISIONS, quantizeBlocks, type PrecisionName } from '../tensor/precisions';
import { dequantize, halves, sliceRows, type StoredTensor } from '../tensor/stored';
import { lay, unpack } from './frozen';

const m = await nodeMatrix();
const random = createRandom(3);

const stored = (name: PrecisionName, w: Float32Array, rows: number, columns: number) =>
  PRECISIONS[name].store(w, rows, columns);

describe('a frozen model', () => {
  it.each(['fp16', 'int8', 'int4'] as const)('of %s has the numbers that dequantizing gives', (name) => {
    for (const columns of [32, 64, 40, 7]) {
      const rows = 5;
      const w = Float32Array.from({ length: rows * columns }, random.normal);
      w.set([0, -0, 6e-8, -1e-5, 65000]);
      const t: StoredTensor =
        name === 'fp16'
          ? { format: 'fp16', rows, columns, data: halves(w) }
          : quantizeBlocks(w, rows, columns, name === 'int8' ? 8 : 4);
      m.within(() => {
        const laid = lay(m, t);
        expect([...m.f32(unpack(m, laid), rows * columns)]).toEqual([...dequantize(t)]);
        expect([...m.f32(unpack(m, laid, 2, 4), 2 * columns)]).toEqual([...dequantize(sliceRows(t, 2, 4))]);
      });
    }
  });

  it.each(['fp32', 'fp16', 'int8', 'int4'] as const)('of %s multiplies both ways as float64 does', (name) => {
    for (const [rows, columns] of [
      [5, 64],
      [19, 40],
      [8, 300],
      [310, 12],
    ] as const) {
      const tokens = 13;
      const t = stored(name, Float32Array.from({ length: rows * columns }, random.normal), rows, columns);
      const w = dequantize(t);
      const x = Float32Array.from({ length: tokens * Math.max(rows, columns) }, random.normal);
      m.within(() => {
        const at = describeStored(m, lay(m, t));
        for (const back of [false, true]) {
          const [n, depth] = back ? [columns, rows] : [rows, columns];
          const left = m.take(packedA(tokens, depth) * 4);
          const y = m.take(tokens * n * 4);
          m.f32(y, tokens * n).fill(1);
          m.k.packA(m.put(x), depth, tokens, depth, left, 1);
          m.k.timesStored(at, left, y, n, tokens, back, true);
          for (let i = 0; i < tokens; i++)
            for (let j = 0; j < n; j++) {
              let s = 1;
              for (let q = 0; q < depth; q++)
                s += (x[i * depth + q] as number) * (w[back ? q * columns + j : j * columns + q] as number);
              expect(Math.abs((m.f32(y, tokens * n)[i * n + j] as number) - s)).toBeLessThan(4e-5 * Math.sqrt(depth));
            }
        }
      });
    }
  });

  /** x in blocks of 32 of 8 bits, as float32: what products in levels multiply. */
  const rounded = (x: Float32Array, at: (block: number, i: number) => number, depth: number) => {
    const out = x.slice();
    for (let d = 0; d < depth; d += 32) {
      const places = Array.from({ length: Math.min(32, depth - d) }, (_, i) => at(d, i));
      const most = places.reduce((n, p) => Math.max(n, Math.abs(x[p] as number)), 0);
      for (const p of places) out[p] = most && (Math.round(((x[p] as number) * 127) / most) * most) / 127;
    }
    return out;
  };

  it.each(['int8', 'int4'] as const)(
    'of %s multiplies levels both ways, the same however a device does',
    async (name) => {
      const machines = [await nodeMatrix(false, 'pairs'), await nodeMatrix(false, 'unsigned'), m];
      for (const [rows, columns] of [
        [5, 64],
        [19, 40],
        [8, 300],
        [808, 12],
        [40, 800],
      ] as const) {
        const tokens = 13;
        const t = stored(name, Float32Array.from({ length: rows * columns }, random.normal), rows, columns);
        const w = dequantize(t);
        const x = Float32Array.from({ length: tokens * Math.max(rows, columns) }, random.normal);
        for (const back of [false, true]) {
          const [n, depth] = back ? [columns, rows] : [rows, columns];
          const levels = x.slice(0, tokens * depth);
          for (let i = 0; i < tokens; i++) levels.set(rounded(levels, (d, j) => i * depth + d + j, depth));
          let weights = w;
          if (back) for (let c = 0; c < n; c++) weights = rounded(weights, (d, i) => (d + i) * n + c, depth);
          const [pairs, unsigned, own] = machines.map((machine) => {
            const { k, dot } = machine;
            return machine.within(() => {
              const at = describeStored(machine, lay(machine, t));
              const packed = machine.take(k.levelBytes(tokens, depth, dot));
              const y = machine.take(tokens * n * 4);
              machine.f32(y, tokens * n).fill(1);
              k.packLevels(machine.put(x), depth, tokens, depth, dot, packed);
              k.timesLevels(at, packed, y, n, tokens, back, true, dot);
              return machine.f32(y, tokens * n).slice();
            });
          }) as [Float32Array, Float32Array, Float32Array];
          expect(unsigned).toEqual(pairs);
          for (let i = 0; i < tokens; i++)
            for (let j = 0; j < n; j++) {
              let [exact, s] = [1, 1];
              for (let q = 0; q < depth; q++) {
                const at = back ? q * n + j : j * depth + q;
                s += (levels[i * depth + q] as number) * (weights[at] as number);
                exact += (x[i * depth + q] as number) * (w[at] as number);
              }
              const scale = Math.sqrt(depth);
              for (const y of [pairs, own]) {
                expect(Math.abs((y[i * n + j] as number) - s)).toBeLessThan(1e-4 * scale);
                expect(Math.abs((y[i * n + j] as number) - exact)).toBeLessThan(0.06 * scale);
              }
            }
        }
      }
    },
  );
});
