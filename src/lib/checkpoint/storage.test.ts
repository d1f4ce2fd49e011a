import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STORAGE, type StorageType } from './storage';

const BLOCKS = JSON.parse(readFileSync('tests/fixtures/checkpoint/blocks.json', 'utf8')) as Record<
  string,
  { raw: string; values: string }
>;
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));

describe('storage types', () => {
  it('has a reference for every type but F32', () => {
    expect(Object.keys(BLOCKS).sort()).toEqual(
      Object.keys(STORAGE)
        .filter((t) => t !== 'F32')
        .sort(),
    );
  });

  it.each(Object.keys(BLOCKS) as StorageType[])('%s decodes as the gguf package does', (type) => {
    const { raw, values } = BLOCKS[type] as { raw: string; values: string };
    const source = bytes(raw);
    const expected = new Float32Array(bytes(values).buffer);
    const count = source.length / STORAGE[type].bytes;
    expect(count * STORAGE[type].block).toBe(expected.length);
    // Blocks lie at any byte offset.
    const shifted = new Uint8Array(source.length + 3);
    shifted.set(source, 3);
    const got = new Float32Array(expected.length);
    STORAGE[type].decode(shifted.subarray(3), got, count);
    got.forEach((v, i) => {
      // The reference rounds each step to float32, we once.
      const tolerance = 4e-7 * Math.max(1, Math.abs(expected[i] as number)) * 64;
      if (!(Math.abs(v - (expected[i] as number)) <= tolerance)) throw new Error(`${i}: ${v}, not ${expected[i]}`);
    });
  });

  it('F32 copies from any byte offset', () => {
    const from = new Uint8Array(4 * 3 + 1);
    from.set(new Uint8Array(Float32Array.of(1.5, -2, 3e-5).buffer), 1);
    const got = new Float32Array(3);
    STORAGE.F32.decode(from.subarray(1), got, 3);
    expect(got).toEqual(Float32Array.of(1.5, -2, 3e-5));
  });
});
