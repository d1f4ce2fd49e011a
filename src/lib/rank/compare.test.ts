import { describe, expect, it } from 'vitest';
import { compareDevices, comparePoints } from './compare';
import { between, exampleResult } from './example';

const device = (results: ReturnType<typeof exampleResult>[], more = {}) => ({
  results,
  checkpoint: 'm',
  dataset: 'd',
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
    const { rows } = compareDevices([
      device([result('a', 1), result('b', 2), result('c', 3, { engine: 'classical' })]),
      device([result('a', 5), result('b', 4), result('d', null)]),
      device([result('a', 1, { boundary: 'gpu' })]),
    ]);
    const { points, joined } = comparePoints(rows);
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
