import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dequantize, is2of4, type StoredTensor } from '../tensor/stored';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import { prune2of4 } from '../tensor/masks';
import { createRandom } from '../core/random';
import { halfTable } from '../core/half';
import { blocksOf, blockWords, hasScale, packMatrix, rowOf, type ValueFormat } from './pack';

const BLOCK = 32;

/** Reads the words back as the shader does, independent of how they were written. */
function unpack({ format, sparse, rows, columns, data }: ReturnType<typeof packMatrix>): Float32Array {
  const out = new Float32Array(rows * columns);
  const words = blockWords({ format, sparse });
  const float = new Float32Array(data.buffer);
  const field = (word: number, shift: number, bits: number) =>
    ((data[word] as number) << (32 - bits - shift)) >> (32 - bits);
  const value: Record<ValueFormat, (v: number, i: number) => number> = {
    f32: (v, i) => float[v + i] as number,
    f16: (v, i) => halfTable()[((data[v + (i >> 1)] as number) >>> (16 * (i & 1))) & 0xffff] as number,
    i8: (v, i) => field(v + (i >> 2), 8 * (i & 3), 8),
    i4: (v, i) => field(v + (i >> 3), 4 * (i & 7), 4),
  };
  for (let r = 0; r < rows; r++)
    for (let b = 0; b < blocksOf(columns); b++) {
      let v = (r * blocksOf(columns) + b) * words;
      const scale = hasScale(format) ? (float[v++] as number) : 1;
      const indices = sparse ? (data[v++] as number) : 0;
      for (let i = 0; i < (sparse ? BLOCK / 2 : BLOCK); i++) {
        const group = i >> 1;
        const k = b * BLOCK + (sparse ? 4 * group + ((indices >>> (4 * group + 2 * (i & 1))) & 3) : i);
        if (k < columns) out[r * columns + k] = value[format](v, i) * scale;
      }
    }
  return out;
}

describe('WGSL packing', () => {
  const precisions = Object.keys(PRECISIONS) as PrecisionName[];
  it('keeps every weight, dense and 2:4, for any shape', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...precisions),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer(),
        (precision, sparse, rows, columns, seed) => {
          const random = createRandom(seed);
          const width = sparse ? columns * 4 : columns;
          const w = Float32Array.from({ length: rows * width }, () => random.normal());
          if (sparse) prune2of4(w);
          const t: StoredTensor = PRECISIONS[precision].store(w, rows, width);
          if (sparse) expect(is2of4(t)).toBe(true);
          const plain = dequantize(t);
          expect(unpack(packMatrix(t, sparse)).every((v, i) => v === plain[i])).toBe(true);
          expect(rowOf(t, rows - 1)).toEqual(plain.slice((rows - 1) * width));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('knows what is not 2:4, and refuses to pack it so', () => {
    const t = PRECISIONS.fp32.store(Float32Array.of(1, 2, 3, 0), 1, 4);
    expect(is2of4(t)).toBe(false);
    expect(() => packMatrix(t, true)).toThrow('more than two');
  });

  it.each(['fp32', 'fp16'] as const)('a negative zero of %s is no weight', (precision) => {
    const t = PRECISIONS[precision].store(Float32Array.of(-0, 1, -0, 2, 3, -0, -0, -0), 1, 8);
    expect(is2of4(t)).toBe(true);
    expect(unpack(packMatrix(t, true))).toEqual(Float32Array.of(0, 1, 0, 2, 3, 0, 0, 0));
  });

  it('takes the bytes that the layout says', () => {
    expect(blockWords({ format: 'f16', sparse: true })).toBe(9);
    expect(blockWords({ format: 'i8', sparse: true })).toBe(6);
    expect(blockWords({ format: 'i4', sparse: false })).toBe(5);
  });
});
