import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeMatrix } from '../matrix/testing';
import { factorOf, outputError } from './columns';
import { compressGroup } from './group';
import { chooseMixed } from './mixed';
import { dequantize } from '../tensor/stored';
import { calibrationLevel, linearRecipe, parseRecipe } from './recipe';
import { selectInputs, type InputStatistics } from './statistics';
import { kthSmallest } from './wanda';
import { pruneTiles2of4 } from '../tensor/masks';

const fixture = JSON.parse(readFileSync('tests/fixtures/compress.json', 'utf8')) as {
  rows: number;
  columns: number;
  weights: string;
  gram: string;
  results: Record<string, string>;
};
const floats = (text: string) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);
const { rows, columns: n } = fixture;
const gram = floats(fixture.gram);
const squares = Float64Array.from({ length: n }, (_, i) => gram[i * n - (i * (i - 1)) / 2] as number);
const statistics: InputStatistics = { size: n, squares, gram };
const m = await nodeMatrix();

const compress = (recipe: string, data = floats(fixture.weights)) =>
  compressGroup(m, {
    matrices: [{ linear: 'q_proj', data, rows }],
    columns: n,
    recipes: [linearRecipe(parseRecipe(recipe))],
    statistics,
    outputSquares: [m.within(() => outputError(m, statistics, floats(fixture.weights), rows))],
  });

describe('calibrated compression', () => {
  it.each(Object.keys(fixture.results))('%s equals the reference in PyTorch', (recipe) => {
    const expected = floats(fixture.results[recipe] as string);
    const made = compress(recipe);
    const got = dequantize(made.tensors[0] as Parameters<typeof dequantize>[0]);
    // A weight on the very edge of two levels, or of being removed, may fall either way in float32; it moves its row.
    let apart = 0;
    for (let r = 0; r < rows; r++) {
      const own = [...got.subarray(r * n, (r + 1) * n)];
      if (own.some((v, i) => Math.abs(v - (expected[r * n + i] as number)) > 1e-3)) apart++;
    }
    expect(apart).toBeLessThanOrEqual(1);
    expect(made.reports[0]?.error).toBeGreaterThan(0);
  });

  it('mending beats masking, and GPTQ beats rounding, on the output', () => {
    const error = (recipe: string) => compress(recipe).reports[0]?.error as number;
    expect(error('fp32+sparsegpt2:4')).toBeLessThan(error('fp32+wanda2:4'));
    expect(error('fp32+wanda2:4')).toBeLessThan(error('fp32+2:4'));
    expect(error('fp32+sparsegpt50')).toBeLessThan(error('fp32+wanda50'));
    expect(error('int4.gptq')).toBeLessThan(error('int4'));
    expect(error('int4.gptqact')).toBeLessThan(error('int4'));
    expect(error('int4.gptqact+2:4')).toBeLessThan(error('int4+2:4'));
    expect(error('int4.gptq+sparsegpt2:4')).toBeLessThan(error('int4+wanda2:4'));
  });

  it('2:4 holds in what is stored, alone and with bits; tiles share it', () => {
    for (const recipe of [
      'fp32+wanda2:4',
      'fp16+sparsegpt2:4',
      'int8+sparsegpt2:4',
      'int4.gptq+sparsegpt2:4',
      'int4.gptq+2:4',
      'int4.gptqact+2:4',
    ]) {
      const w = dequantize(compress(recipe).tensors[0] as Parameters<typeof dequantize>[0]);
      for (let i = 0; i < w.length; i += 4)
        expect(w.subarray(i, i + 4).filter((v) => v !== 0).length, recipe).toBeLessThan(3);
    }
    const tiles = dequantize(compress('fp32+sparsegpt2:4t').tensors[0] as Parameters<typeof dequantize>[0]);
    const plain = floats(fixture.weights);
    pruneTiles2of4(plain, rows, n);
    for (const w of [tiles, plain])
      for (let c = 0; c < n; c++) {
        const zeros = Array.from({ length: rows }, (_, r) => w[r * n + c]).filter((v) => v === 0).length;
        expect([0, rows]).toContain(zeros);
      }
  });

  it('says what was damped and which inputs were dead', () => {
    const report = compress('int4.gptq').reports[0];
    expect(report).toMatchObject({ damping: 0.01, deadInputs: 1 });
    m.within(() => expect(factorOf(m, statistics).dead).toEqual([5]));
    // Fewer tokens than features: singular without damping.
    const one = Float32Array.from({ length: n }, (_, i) => 1 + i);
    const rank1 = Float32Array.from(
      Array.from({ length: n }, (_, i) => [...one.subarray(i)].map((v) => v * (one[i] as number))).flat(),
    );
    m.within(() => expect(factorOf(m, { size: n, squares, gram: rank1 }).damping).toBe(0.01));
  });

  it('statistics of kept inputs are those of the kept inputs', () => {
    const keep = Int32Array.of(0, 3, 7);
    const small = selectInputs(statistics, keep);
    expect(small.squares).toEqual(Float64Array.from(keep, (i) => squares[i] as number));
    const at = (i: number, j: number) => gram[i * n - (i * (i - 1)) / 2 + j - i];
    expect([...(small.gram ?? [])]).toEqual([at(0, 0), at(0, 3), at(0, 7), at(3, 3), at(3, 7), at(7, 7)]);
  });

  it('selection finds the k-th smallest', () => {
    const a = Float32Array.of(3, 1, 2, 2, 5, 0, 2);
    for (let k = 0; k < a.length; k++) expect(kthSmallest(a.slice(), k)).toBe([...a].sort()[k]);
  });

  it('a budget buys what removes most error for its cost', () => {
    const layer = (e8: number, e4: number) => [
      { cost: 8, error: e8, candidate: 0 },
      { cost: 4, error: e4, candidate: 1 },
    ];
    const layers = [layer(0, 1), layer(0, 3), layer(0, 2)];
    expect(chooseMixed(layers, 12)).toEqual([1, 1, 1]);
    expect(chooseMixed(layers, 17)).toEqual([1, 0, 1]);
    expect(chooseMixed(layers, 24)).toEqual([0, 0, 0]);
    expect(chooseMixed(layers, 11)).toBeNull();
    // A third choice is taken where it pays, and never where another is as cheap and better.
    const withSparse = (cost: number) => [...layer(0, 1), { cost, error: 2, candidate: 2 }];
    expect(chooseMixed([withSparse(1), withSparse(1)], 5)).toEqual([1, 2]);
    expect(chooseMixed([withSparse(4), withSparse(5)], 8)).toEqual([1, 1]);
  });

  it('knows what each recipe needs', () => {
    const level = (text: string) => calibrationLevel(parseRecipe(text));
    expect(['int8', 'fp32+mag50', 'fp32+ffn25'].map(level)).toEqual([null, null, null]);
    expect(['fp32+wanda50', 'fp32+blocks10', 'int8+neurons25'].map(level)).toEqual(['squares', 'squares', 'squares']);
    expect(['int4.gptq', 'int8+neurons25+sparsegpt2:4', 'auto@60mb'].map(level)).toEqual(['gram', 'gram', 'gram']);
  });
});
