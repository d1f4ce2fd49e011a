import { describe, expect, it } from 'vitest';
import { compareDevices } from './compare';
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
    const { warnings } = compareDevices([
      device([result('a', 1)]),
      device([result('a', 1, { tier: 'counter' })], { dataset: 'other' }),
    ]);
    expect(warnings.join(' ')).toMatch(/the tickets \(d, other\).*the tier.*profile, counter/);
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
