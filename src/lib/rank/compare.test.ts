import { describe, expect, it } from 'vitest';
import { compareDevices, comparePoints } from './compare';
import { between, exampleResult } from './example';

const device = (results: ReturnType<typeof exampleResult>[], more = {}) => ({
  results,
  checkpoint: 'm',
  dataset: 'd',
  tasks: ['rca', 'response'],
  prompts: '',
  ...more,
});
const result = (variant: string, energy: number | null, more = {}) =>
  exampleResult({ variant, energy: energy === null ? null : between(energy, energy, energy), ...more });

describe('compareDevices', () => {
  it('puts variants of all devices first, the leanest on top, and leaves gaps empty', () => {
    const { rows, warnings } = compareDevices([
      device([result('fp16', 3), result('int8', 1), result('int4', 0.1)]),
      device([result('fp16', 5), result('int8', 6)]),
    ]);
    expect(rows.map(({ variant, cells }) => [variant, ...cells.map((c) => c?.energy?.mid ?? null)])).toEqual([
      ['int8', 1, 6],
      ['fp16', 3, 5],
      ['int4', 0.1, null],
    ]);
    expect(warnings).toEqual([]);
  });

  it('says what makes a comparison unfair', () => {
    const { warnings, energyKinds } = compareDevices([
      device([result('a', 1)]),
      device([result('a', 1, { tier: 'counter' })], { dataset: 'other' }),
      device([result('b', 1)]),
    ]);
    expect(warnings.join(' ')).toMatch(/the tickets \(d, other\)/);
    expect(energyKinds).toEqual([
      { tier: 'profile', boundary: 'package', devices: [0, 2] },
      { tier: 'counter', boundary: 'package', devices: [1] },
    ]);
  });

  it('draws models with a front for each device, and joins a variant where its joules compare', () => {
    const comparison = compareDevices([
      device([result('a', 1), result('b', 2), result('c', 3, { engine: 'classical' })]),
      device([result('a', 5), result('b', 4), result('d', null)]),
      device([result('a', 1, { boundary: 'gpu' })]),
    ]);
    const { points, joined } = comparePoints(comparison);
    expect(points.filter((p) => p.onFront).map((p) => [p.device, p.variant])).toEqual([
      [0, 'a'],
      [2, 'a'],
      [1, 'b'],
    ]);
    expect(points).toHaveLength(5);
    expect(joined.map((group) => group.map((p) => [p.variant, p.device]))).toEqual([
      [['a', 0], ['a', 1]],
      [['b', 0], ['b', 1]],
    ]); // prettier-ignore
  });

  it('joins nothing across another model, other tickets, tasks or prompts, and says what differs', () => {
    const one = () => [result('a', 1)];
    for (const [more, said] of [
      [{ checkpoint: 'other' }, /the model \(m, other\)/],
      [{ dataset: 'other' }, /the tickets \(d, other\)/],
      [{ tasks: ['rca'] }, /the tasks \(rca and response, rca\)/],
      [{ prompts: '{"rca":1}' }, /the prompts, so their rows are not the same work\.$/],
    ] as const) {
      const comparison = compareDevices([device(one()), device(one(), more)]);
      expect(comparison.warnings.join(' ')).toMatch(said);
      expect(comparePoints(comparison).joined).toEqual([]);
    }
    // The same work in another order of tasks, and in a link that does not tell its prompts.
    const same = compareDevices([
      device(one()),
      device(one(), { tasks: ['response', 'rca'] }),
      device(one(), { prompts: null }),
    ]);
    expect(same.warnings).toEqual([]);
    expect(comparePoints(same).joined).toHaveLength(1);
    // Two of three did the same: these two are joined.
    const mixed = compareDevices([device(one()), device(one(), { dataset: 'x' }), device(one())]);
    expect(comparePoints(mixed).joined.map((group) => group.map((p) => p.device))).toEqual([[0, 2]]);
    const told = compareDevices([device(one(), { prompts: 'own' }), device(one(), { prompts: null })]);
    expect(told.warnings.join(' ')).toMatch(/taken for the usual ones/);
  });

  it('lets the leaner engine speak, and puts the unknown last', () => {
    const { rows } = compareDevices([
      device([result('x', null), result('a', 2, { engine: 'ort-cpu' }), result('a', 1, { engine: 'cpu' })]),
    ]);
    expect(rows.map(({ variant, cells }) => [variant, cells[0]?.engine])).toEqual([
      ['a', 'cpu'],
      ['x', rows[1]?.cells[0]?.engine],
    ]);
  });
});
