import { afterEach, describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { open } from '../core/testing';
import { GraphBuilder } from './builder';
import { elementCount } from './graph';
import { differentiate, GRADIENTS } from './gradient';
import { OPS, type OpRow } from './ops';
import { computeGraph, values, type Values } from './testing';

/** A node by its inputs: floats that are trained, with their shapes, and the graph that reads them. */
interface Case {
  inputs: Record<string, readonly number[]>;
  build: (g: GraphBuilder) => string[];
  /** Integer inputs, and what of the floats must be positive. */
  ids?: Record<string, number[]>;
  /** Shape of the ids, where they are no list. */
  column?: boolean;
  positive?: boolean;
}

const elementwise = (op: string, positive = false): Case[] => [
  { inputs: { a: [2, 3], b: [2, 3] }, build: (g) => [g.op(op, ['a', 'b'])], positive },
  { inputs: { a: [2, 3], b: [3] }, build: (g) => [g.op(op, ['a', 'b'])], positive },
  { inputs: { a: [2, 1], b: [4, 2, 3] }, build: (g) => [g.op(op, ['a', 'b'])], positive },
];
const unary = (op: string, positive = false): Case[] => [
  { inputs: { a: [3, 4] }, build: (g) => [g.op(op, ['a'])], positive },
];
const reduction = (op: string): Case[] => [
  { inputs: { a: [3, 4] }, build: (g) => [g.op(op, ['a', g.constant([-1])], { keepdims: 1 })] },
  { inputs: { a: [2, 3, 4] }, build: (g) => [g.op(op, ['a', g.constant([0, 2])], { keepdims: 0 })] },
];
const gemm = (transA: number, transB: number): Case => ({
  inputs: { a: transA ? [4, 3] : [3, 4], b: transB ? [5, 4] : [4, 5], c: [3, 5] },
  build: (g) => [g.op('Gemm', ['a', 'b', 'c'], { transA, transB, alpha: { float: 0.75 } })],
});

/** By operator: each has a rule and a row, and every rule is held by at least one of these. */
const CASES: Readonly<Record<string, Case[]>> = {
  Add: elementwise('Add'),
  Sub: elementwise('Sub'),
  Mul: elementwise('Mul'),
  Div: elementwise('Div', true),
  Neg: unary('Neg'),
  Exp: unary('Exp'),
  Sqrt: unary('Sqrt', true),
  Sigmoid: unary('Sigmoid'),
  Softmax: [{ inputs: { a: [2, 3, 4] }, build: (g) => [g.op('Softmax', ['a'], { axis: -1 })] }],
  ReduceSum: reduction('ReduceSum'),
  ReduceMean: reduction('ReduceMean'),
  ReduceLogSumExp: reduction('ReduceLogSumExp'),
  MatMul: [
    { inputs: { a: [3, 4], b: [4, 5] }, build: (g) => [g.op('MatMul', ['a', 'b'])] },
    { inputs: { a: [2, 3, 4], b: [4, 5] }, build: (g) => [g.op('MatMul', ['a', 'b'])] },
    { inputs: { a: [2, 3, 3, 4], b: [2, 1, 4, 2] }, build: (g) => [g.op('MatMul', ['a', 'b'])] },
  ],
  Gemm: [gemm(0, 0), gemm(0, 1), gemm(1, 0), gemm(1, 1)],
  Gather: [false, true].map((column) => ({
    inputs: { a: [4, 3] },
    ids: { ids: [2, 0, 2] },
    column,
    build: (g) => [g.op('Gather', ['a', 'ids'])],
  })),
  Split: [
    {
      inputs: { a: [2, 6] },
      build(g) {
        g.node('Split', ['a', g.constant([2, 4])], ['p', 'q'], { axis: 1 });
        return ['p', 'q'];
      },
    },
  ],
  Concat: [{ inputs: { a: [2, 3], b: [2, 1] }, build: (g) => [g.op('Concat', ['a', 'b'], { axis: 1 })] }],
  Transpose: [{ inputs: { a: [2, 3, 4] }, build: (g) => [g.op('Transpose', ['a'], { perm: [1, 2, 0] })] }],
  Reshape: [{ inputs: { a: [2, 3, 4] }, build: (g) => [g.op('Reshape', ['a', g.constant([0, -1])])] }],
  Unsqueeze: [{ inputs: { a: [2, 3] }, build: (g) => [g.op('Unsqueeze', ['a', g.constant([1])])] }],
  RotaryEmbedding: [
    {
      inputs: { a: [1, 3, 8] },
      build: (g) => [
        g.op('RotaryEmbedding', [
          'a',
          g.constant([0]),
          g.op('Reshape', [g.constant([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], 'float32'), g.constant([3, 2])]),
          g.op('Reshape', [g.constant([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 'float32'), g.constant([3, 2])]),
        ]),
      ],
    },
  ],
};

/** Gradients of sum(w y) over all outputs, by the graph and by central differences in float64. */
function gradientsOf({ inputs, ids = {}, build, positive = false, column = false }: Case) {
  const g = new GraphBuilder('test');
  const random = createRandom(7).fork('numbers');
  const numbers = (dims: readonly number[]) =>
    values(
      dims,
      Array.from({ length: elementCount(dims) }, () => (positive ? 0.5 + random.next() : 2 * random.next() - 1)),
    );
  const feeds: Record<string, Values> = {};
  for (const [name, dims] of Object.entries(inputs)) feeds[g.input(name, 'float32', dims)] = numbers(dims);
  for (const [name, list] of Object.entries(ids)) {
    const dims = column ? [list.length, 1] : [list.length];
    feeds[g.input(name, 'int64', dims)] = values(dims, list);
  }
  const outputs = build(g);
  const made = computeGraph(g.graph, feeds);
  const seeds: Record<string, string> = {};
  for (const y of outputs) {
    const dims = made.get(y)?.dims ?? [];
    feeds[g.input(`d.${y}`, 'float32', dims)] = numbers(dims);
    seeds[y] = `d.${y}`;
  }
  const names = Object.keys(inputs);
  const gradients = differentiate(g, seeds, names);
  const all = computeGraph(g.graph, feeds);
  const objective = (changed: Record<string, Values>) => {
    const found = computeGraph(g.graph, { ...feeds, ...changed });
    return outputs.reduce(
      (n, y) => n + (found.get(y)?.data.reduce((m, v, i) => m + v * (feeds[`d.${y}`]?.data[i] as number), 0) ?? NaN),
      0,
    );
  };
  const h = 1e-4;
  return names.map((name, i) => ({
    dims: inputs[name] as readonly number[],
    own: all.get(gradients[i] as string) as Values,
    slopes: Array.from(feeds[name]?.data ?? [], (x, at) => {
      const moved = (to: number) => {
        const own = feeds[name] as Values;
        const data = own.data.slice();
        data[at] = to;
        return objective({ [name]: { ...own, data } });
      };
      return (moved(x + h) - moved(x - h)) / (2 * h);
    }),
  }));
}

afterEach(() => delete open<OpRow>(OPS)['Twice']);

describe('the table of gradients', () => {
  it('has a row of operators and a case here for each of its rules', () => {
    expect(Object.keys(GRADIENTS).filter((op) => !Object.hasOwn(OPS, op))).toEqual([]);
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(GRADIENTS).sort());
  });

  it.each(Object.entries(CASES).flatMap(([op, cases]) => cases.map((one, i) => [`${op} ${i + 1}`, one] as const)))(
    'gives the slopes of %s',
    (_, one) => {
      for (const { dims, own, slopes } of gradientsOf(one)) {
        expect(own.dims).toEqual(dims);
        const scale = Math.max(...slopes.map(Math.abs));
        own.data.forEach((v, i) => expect(Math.abs(v - (slopes[i] as number))).toBeLessThanOrEqual(1e-6 * scale));
      }
    },
  );

  it('names the operator that has no rule, and what nothing depends on', () => {
    open<OpRow>(OPS)['Twice'] = { domain: '', shape: (c) => [c.inputs[0] ?? []] };
    const g = new GraphBuilder('test');
    g.input('x', 'float32', [2]);
    g.input('other', 'float32', [2]);
    const y = g.op('Twice', ['x']);
    expect(() => differentiate(g, { [y]: 'x' }, ['x'])).toThrow(/"Twice" has no gradient/);
    expect(() => differentiate(g, { x: 'x' }, ['other'])).toThrow(/Nothing depends on "other"/);
  });

  it('goes around what is held, adds up what comes together, and computes again what is asked for', () => {
    const g = new GraphBuilder('test');
    g.input('x', 'float32', ['T', 3]);
    const most = g.op('ReduceMax', ['x', g.constant([-1])], { keepdims: 1 });
    const low = g.op('Sub', ['x', most]);
    const y = g.op('Mul', [low, 'x']);
    let asked = 0;
    const [d] = differentiate(g, { [y]: g.input('d', 'float32', ['T', 3]) }, ['x'], {
      constants: [most],
      again: new Map([[low, () => (asked++, g.op('Sub', ['x', most]))]]),
    });
    const x = values([2, 3], [1, 2, 3, 6, 5, 4]);
    const found = computeGraph(g.graph, { x, d: values([2, 3], [1, 1, 1, 1, 1, 1]) }).get(d as string);
    // By x (x - m) with m held: 2 x - m.
    expect([...(found?.data ?? [])]).toEqual([-1, 1, 3, 6, 4, 2]);
    expect(asked).toBe(1);
  });

  it('refuses to reduce or cut along a dimension that is not known yet', () => {
    for (const build of [
      (g: GraphBuilder) => g.op('ReduceSum', ['x', g.constant([0])]),
      (g: GraphBuilder) => g.op('Concat', ['x', 'x'], { axis: 0 }),
    ]) {
      const g = new GraphBuilder('test');
      g.input('x', 'float32', ['T', 3]);
      const y = build(g);
      expect(() => differentiate(g, { [y]: 'x' }, ['x'])).toThrow(/open dimension has no gradient/);
    }
  });
});
