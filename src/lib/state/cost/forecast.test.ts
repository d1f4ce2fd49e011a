import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configFromJson } from '../../checkpoint/config';
import { profileByName } from '../../meter/profiles';
import type { CountedEngine } from '../../schema/engines';
import { buildPlan } from '../choices/build-plan';
import { DEFAULT_CHOICES } from '../choices/choices';
import { DEFAULT_WORK } from './default-work';
import { forecast, GENERATED_LENGTHS } from '../../forecast/forecast';
import { NO_WORK, priceOf, type PlanWork } from '../../forecast/price';

const builtin = configFromJson(
  JSON.parse(readFileSync('static/builtin/config.json', 'utf8')) as Record<string, unknown>,
);
const plan = (more = {}) =>
  buildPlan({ ...DEFAULT_CHOICES, ...more }, { hash: 'h', name: 'n' }, { kind: 'builtin' }, 'cpu');
const count = (engine: CountedEngine, more = {}, config = builtin) =>
  forecast(plan(more), config, engine, ['shader-f16'], GENERATED_LENGTHS, Infinity);
const figures = (work: PlanWork): number[] => [
  work.bytes,
  ...Object.values(work.operations),
  work.passes,
  work.openings,
  work.parameters,
  work.calibration,
];
/** Largest relative difference of any figure. */
const differences = (a: PlanWork, b: PlanWork) =>
  Math.max(...figures(a).map((x, i) => Math.abs(x - (figures(b)[i] ?? NaN)) / Math.max(1, x)));

describe('forecast', () => {
  it('is what the first page says of the default experiment', () => {
    for (const engine of ['cpu', 'ort-cpu', 'ort-gpu'] as const)
      // "About" on the page: it may drift by a few percent as kernels change.
      expect(differences(count(engine).work, DEFAULT_WORK[engine])).toBeLessThan(0.05);
    expect(count('cpu').units).toBe(198);
  });

  it('counts what a recorded run of the built-in model counted', () => {
    // Three more warm it up. 24 tickets of 3812 tokens, candidates included, took 24.99 GFLOP in fp32 (npm run demo).
    const { variants } = count('cpu', { tasks: ['rca'], precisions: ['fp32'], prunings: [], limit: 24, slices: 1 });
    const answered = (variants[0]?.work.operations.f32 ?? NaN) * (24 / 27);
    expect(answered / 24.99e9).toBeCloseTo(1, 1);
  });

  it('counts one calibration for all variants, and the solving of each', () => {
    const of = (...precisions: string[]) => count('cpu', { precisions, prunings: [] });
    const sum = (f: ReturnType<typeof of>) => f.variants.reduce((n, v) => n + v.work.calibration, 0);
    expect(of('int8', 'int4').work.calibration).toBe(0);
    const wanda = of('fp16+wanda2:4');
    expect(sum(wanda)).toBe(0);
    expect(wanda.work.calibration).toBeGreaterThan(0);
    const [one, two] = [of('int4.gptq'), of('int4.gptq', 'int8.gptq')];
    expect(two.work.calibration - sum(two)).toBe(one.work.calibration - sum(one));
    expect(sum(two)).toBe(2 * sum(one));
    expect(one.work.calibration - sum(one)).toBeGreaterThan(wanda.work.calibration);
    // A later stage's prunings calibrate too.
    const later = count('cpu', { precisions: ['int8'], prunings: ['sparsegpt2:4'] });
    expect(later.work.calibration).toBeGreaterThan(wanda.work.calibration);
  });

  it('counts a calibration behind its own layers for each recipe that asks, beside the one for all others', () => {
    const of = (...precisions: string[]) => count('cpu', { precisions, prunings: [] });
    const [plain, behind] = [of('int4.gptq'), of('int4.gptq+seq')];
    // Looked at as often, and passed once more without x^T x.
    const pass = of('fp16+wanda2:4').work.calibration;
    expect(behind.work.calibration).toBe(plain.work.calibration + pass);
    expect(behind.variants[0]?.work.calibration).toBe(behind.work.calibration);
    expect(of('int4.gptq+seq', 'int8.gptq+seq').work.calibration).toBe(2 * behind.work.calibration);
    expect(of('int4.gptq', 'int4.gptq+seq').work.calibration).toBe(plain.work.calibration + behind.work.calibration);
    const smaller = of('int8+neurons25+layers25+seq').work.calibration;
    expect(smaller).toBeLessThan(2 * pass);
    expect(smaller).toBeGreaterThan(pass);
  });

  it('expects of calibrating SmolLM2-135M what the bench measured', () => {
    const smollm2 = {
      ...builtin,
      hiddenSize: 576,
      intermediateSize: 1536,
      layers: 30,
      heads: 9,
      kvHeads: 3,
      headDim: 64,
      vocabSize: 49_152,
    };
    // Seconds on two x86 threads, calibration included (npm run bench -- --part calibrated).
    const profile = profileByName('cpu-laptop');
    for (const [variant, seconds] of [
      ['fp16+wanda50', 43],
      ['fp16+sparsegpt2:4', 99],
      ['int4.gptq', 113],
    ] as const) {
      const { calibration } = count('cpu', { precisions: [variant], prunings: [] }, smollm2).work;
      const price = priceOf({ ...NO_WORK, calibration }, { engine: 'cpu', threads: 2, profile, correction: null });
      expect(price.seconds.mid / seconds).toBeGreaterThan(0.5);
      expect(price.seconds.mid / seconds).toBeLessThan(2);
    }
  });

  it('counts fine-tuning once, by its steps, and more for larger models', () => {
    const of = (variant: string) =>
      count('cpu', { precisions: [], prunings: [], extra: [variant] }).variants[0]?.work.calibration ?? NaN;
    expect(of('int8')).toBe(0);
    expect(of('int8+lora8.100steps')).toBeGreaterThan(0);
    expect(of('int8+lora8.200steps') / of('int8+lora8.100steps')).toBeCloseTo(2, 6);
    expect(of('int8+lora8')).toBe(of('int8+lora8.200steps'));
  });

  it('sees what pruning saves, and what an engine cannot hold', () => {
    const of = (variant: string) => count('cpu', { precisions: [variant], prunings: [] }).variants[0];
    expect(of('int8+2:4')?.work.operations.i16).toBeLessThan(of('int8')?.work.operations.i16 ?? 0);
    expect(of('int8+ffn50')?.shape.weightBytes).toBeLessThan(of('int8')?.shape.weightBytes ?? 0);
    const large = {
      ...builtin,
      hiddenSize: 3072,
      intermediateSize: 8192,
      layers: 28,
      heads: 24,
      kvHeads: 8,
      headDim: 128,
      vocabSize: 128_256,
    };
    const fits = count('cpu', { prunings: [] }, large).variants.map((v) => [v.variant, v.shape.fits]);
    expect(fits).toEqual([
      ['fp32', false],
      ['fp16', false],
      ['int8', true],
      ['int4', true],
    ]);
  });

  it('opens each variant anew for every slice where they do not fit side by side, with fewer and larger slices', () => {
    const of = (memory: number, slices: number | null) =>
      forecast({ ...plan({ prunings: [] }), slices }, builtin, 'cpu', [], GENERATED_LENGTHS, memory);
    expect(of(2 ** 30, null)).toMatchObject({ reopened: false, units: 2 * 9 * 5, work: { openings: 5 } });
    const narrow = of(2 ** 27, null);
    expect(narrow).toMatchObject({ reopened: true, units: 2 * 6 * 5, work: { openings: 4 * 6 + 1 } });
    expect(of(2 ** 27, 9).work.openings).toBe(4 * 9 + 1);
    expect(narrow.work.operations.f32).toBeGreaterThan(of(2 ** 30, null).work.operations.f32);
  });

  it('prices with an interval that narrows once this device has run', () => {
    const o = { engine: 'cpu', threads: 2, profile: profileByName('cpu-laptop'), correction: null } as const;
    const { work } = count('cpu');
    const first = priceOf(work, o);
    const later = priceOf(work, { ...o, correction: 2 });
    expect(first.joules.low).toBeLessThan(first.joules.mid);
    expect(first.joules.mid).toBeLessThan(first.joules.high);
    expect(later.seconds.mid).toBeCloseTo(2 * first.seconds.mid, 6);
    expect(later.seconds.high / later.seconds.low).toBeLessThan(first.seconds.high / first.seconds.low);
    expect(priceOf(work, { ...o, threads: 4 }).seconds.mid).toBeLessThan(first.seconds.mid);
  });
});
