import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { nodeMatrix } from '../matrix/testing';
import { quantizeBlocks } from '../tensor/precisions';
import { dequantize, halves, sliceRows, type StoredTensor } from '../tensor/stored';
import { lay, unpack } from './frozen';

const m = await nodeMatrix();
const random = createRandom(3);

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
});
