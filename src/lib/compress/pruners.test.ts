import { afterEach, describe, expect, it } from 'vitest';
import {
  faultsOf,
  isFlag,
  isFunction,
  isOneOf,
  isText,
  namesMissing,
  open,
  orNull,
  type Column,
} from '../core/testing';
import { dequantize } from '../tensor/stored';
import { compressGroup } from './group';
import { PRUNERS, type Pruner } from './pruners';
import { formatRecipe, linearRecipe, parseRecipe } from './recipe';

const COLUMNS = {
  usage: isText,
  title: isText,
  takesShare: isFlag,
  needs: orNull(isOneOf('squares', 'gram')),
  kind: isOneOf('layers', 'groups', 'neurons', 'mask', 'columns'),
};
/** The column of each kind that does its work. */
const DOES: Readonly<Record<Pruner['kind'], Record<string, Column>>> = {
  layers: { keep: isFunction },
  groups: { keep: isFunction },
  neurons: { keep: isFunction },
  mask: { apply: isFunction },
  columns: { pattern: isFunction },
};

afterEach(() => delete open<Pruner>(PRUNERS)['first']);

describe('the table of pruners', () => {
  it('is whole, and a column that a row lacks is named', () => {
    expect(faultsOf(PRUNERS, COLUMNS)).toEqual([]);
    for (const [name, row] of Object.entries(PRUNERS)) {
      expect(faultsOf({ [name]: row }, DOES[row.kind])).toEqual([]);
      expect(namesMissing(row, { ...COLUMNS, ...DOES[row.kind] }), name).toBe(true);
    }
  });

  it('takes a further row: recipes name it, and weights are pruned by it', () => {
    open<Pruner>(PRUNERS)['first'] = {
      usage: 'first',
      title: 'the first input of each output',
      takesShare: false,
      needs: null,
      kind: 'mask',
      apply: (w, rows, columns) => {
        for (let r = 0; r < rows; r++) w[r * columns] = 0;
      },
    };
    const recipe = parseRecipe('fp32+first');
    expect(formatRecipe(recipe)).toBe('fp32+first');
    const { tensors } = compressGroup(null, {
      matrices: [{ linear: 'o_proj', data: Float32Array.of(1, 2, 3, 4), rows: 2 }],
      columns: 2,
      recipes: [linearRecipe(recipe)],
      statistics: null,
      outputSquares: null,
    });
    expect(tensors.map((t) => [...dequantize(t)])).toEqual([[0, 2, 0, 4]]);
  });
});
