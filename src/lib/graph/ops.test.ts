import { afterEach, describe, expect, it } from 'vitest';
import { faultsOf, isFunction, isOneOf, namesMissing, open } from '../core/testing';
import { GraphBuilder } from './builder';
import { graphCost } from './cost';
import { OPS, type OpRow } from './ops';

const COLUMNS = { domain: isOneOf('', 'com.microsoft'), shape: isFunction };

afterEach(() => delete open<OpRow>(OPS)['Twice']);

describe('the table of operators', () => {
  it('is whole, and a column that a row lacks is named', () => {
    expect(faultsOf(OPS, COLUMNS)).toEqual([]);
    expect(namesMissing(OPS['MatMul'] as OpRow, COLUMNS)).toBe(true);
  });

  it('takes a further row: its nodes are written and counted', () => {
    open<OpRow>(OPS)['Twice'] = { domain: '', shape: (c) => [c.inputs[0] ?? []], operations: () => 7 };
    const g = new GraphBuilder('test');
    const y = g.op('Twice', [g.input('x', 'float32', [2, 3])]);
    g.output({ name: y, dtype: 'float32', shape: [2, 3] });
    expect(graphCost(g.graph, {}).operations).toBe(7);
  });
});
