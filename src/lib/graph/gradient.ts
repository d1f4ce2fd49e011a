import { JoulewiseError, quote } from '../core/errors';
import { integerValues, type GraphBuilder } from './builder';
import type { Node } from './graph';
import { opRow, type Shape } from './ops';

/**
 * Reverse mode over a graph: the way back through each node, as nodes of the same graph. One rule an operator, under its
 * row's name in `ops.ts`.
 */

/** What a rule is given: a node whose outputs' gradients are known. */
export interface RuleContext {
  g: GraphBuilder;
  node: Node;
  /** Shapes of inputs; dimensions that a graph binds when it runs stand in them as `standIns` says. */
  shapes: readonly Shape[];
  out: Shape;
  /** Integer values of constant inputs. */
  constants: readonly (readonly number[] | null)[];
  /** Gradient by each output, of its shape; null where nothing depends on it. */
  d: readonly (string | null)[];
  /** Whether the gradient by an input is asked for: rules may give null for others. */
  wants(input: number): boolean;
  /** An input's value on the way back. */
  x(input: number): string;
}

/** Gradient by each input, of its shape; null where none is asked for or none exists. */
export type GradientRule = (c: RuleContext) => (string | null)[];

/**
 * Numbers that stand for dimensions which a graph binds when it runs: primes, larger than any size, so that a dimension is
 * known only then where one of them divides it.
 */
const PRIMES = [1_000_003, 1_000_033] as const;
export function standIns(dims: readonly string[]): Record<string, number> {
  if (dims.length > PRIMES.length)
    throw new JoulewiseError('internal', 'More dimensions are open than have a stand-in.');
  return Object.fromEntries(dims.map((name, i) => [name, PRIMES[i] as number]));
}
const isOpen = (d: number) => d > 0 && PRIMES.some((p) => d % p === 0);

const f32 = (g: GraphBuilder, value: number) => g.constant(value, 'float32');
const number = (node: Node, name: string, otherwise: number): number => {
  const a = node.attributes[name];
  if (a === undefined) return otherwise;
  return typeof a === 'object' && 'float' in a ? a.float : Number(a);
};
/** The gradient by the only output. */
const only = ({ d }: RuleContext): string => d[0] as string;
const along = (a: number, rank: number) => (a < 0 ? a + rank : a);

/** Gives `x` another shape; open dimensions keep their place, or one of them follows from the rest. */
function shaped(g: GraphBuilder, x: string, from: Shape, to: Shape): string {
  if (from.length === to.length && from.every((d, i) => d === to[i])) return x;
  const target = to.map((d, i) => (!isOpen(d) ? d : from[i] === d ? 0 : -1));
  if (target.filter((d) => d === -1).length > 1)
    throw new JoulewiseError('internal', 'A shape has more open dimensions than Reshape can tell.');
  return g.op('Reshape', [x, g.constant(target)]);
}

/** Sums a gradient over what broadcasting repeated. */
function unbroadcast(g: GraphBuilder, x: string, from: Shape, to: Shape): string {
  const pad = from.length - to.length;
  const axes = from.flatMap((d, i) => (i < pad || (to[i - pad] === 1 && d !== 1) ? [i] : []));
  if (axes.length === 0) return x;
  const kept = from.map((d, i) => (axes.includes(i) ? 1 : d));
  return shaped(g, g.op('ReduceSum', [x, g.constant(axes)], { keepdims: 1 }), kept, to);
}

/** Rule of an operator that broadcasts two inputs: the gradient by each, before repetitions are summed. */
const broadcasting =
  (first: (c: RuleContext) => string, second: (c: RuleContext) => string): GradientRule =>
  (c) =>
    [first, second].map((by, i) => (c.wants(i) ? unbroadcast(c.g, by(c), c.out, c.shapes[i] as Shape) : null));

/** Rule of an operator of one input. */
const single =
  (by: (c: RuleContext) => string): GradientRule =>
  (c) => [by(c), ...c.shapes.slice(1).map(() => null)];

/** Axes of a reduction, and its output's shape with them kept as 1. */
function reduced({ node, shapes, constants }: RuleContext): { axes: number[]; kept: Shape } {
  const x = shapes[0] as Shape;
  const axes = (constants[1] ?? x.map((_, i) => i)).map((a) => along(a, x.length));
  if (axes.some((a) => isOpen(x[a] as number)))
    throw new JoulewiseError('internal', `${node.op} over an open dimension has no gradient.`);
  return { axes, kept: x.map((d, i) => (axes.includes(i) ? 1 : d)) };
}

/** d, repeated along what was reduced. */
function repeated(c: RuleContext): string {
  const { axes, kept } = reduced(c);
  const x = c.shapes[0] as Shape;
  // ONNX's Expand broadcasts both ways: where the target is 1, d's own dimension stays.
  const target = x.map((d, i) => (axes.includes(i) ? d : 1));
  return c.g.op('Expand', [shaped(c.g, only(c), c.out, kept), c.g.constant(target)]);
}

/** The last two dimensions change places. */
const turned = (g: GraphBuilder, x: string, rank: number) =>
  g.op('Transpose', [x], { perm: Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) });

const matmul: GradientRule = (c) => {
  const { g, out } = c;
  const [a, b] = c.shapes as [Shape, Shape];
  const lead = out.slice(0, -2);
  return [
    c.wants(0)
      ? unbroadcast(g, g.op('MatMul', [only(c), turned(g, c.x(1), b.length)]), [...lead, ...a.slice(-2)], a)
      : null,
    c.wants(1)
      ? unbroadcast(g, g.op('MatMul', [turned(g, c.x(0), a.length), only(c)]), [...lead, ...b.slice(-2)], b)
      : null,
  ];
};

/** Y = alpha A' B' + C, where ' turns what `transA` and `transB` say. */
const gemm: GradientRule = (c) => {
  const { g, node } = c;
  const [ta, tb] = [number(node, 'transA', 0), number(node, 'transB', 0)];
  const alpha = { float: number(node, 'alpha', 1) };
  const d = only(c);
  const times = (left: string, right: string, transA: number, transB: number) =>
    g.op('Gemm', [left, right], { transA, transB, alpha });
  return [
    c.wants(0) ? (ta ? times(c.x(1), d, tb, 1) : times(d, c.x(1), 0, 1 - tb)) : null,
    c.wants(1) ? (tb ? times(d, c.x(0), 1, ta) : times(c.x(0), d, 1 - ta, 0)) : null,
    ...(node.inputs.length > 2 ? [c.wants(2) ? unbroadcast(g, d, c.out, c.shapes[2] as Shape) : null] : []),
  ];
};

/** p = softmax(x) over the last dimension: dx = p (d - sum p d). */
const softmax = single((c) => {
  const { g, node } = c;
  if (![-1, c.out.length - 1].includes(number(node, 'axis', -1)))
    throw new JoulewiseError('internal', 'Softmax has a gradient over the last dimension alone.');
  const p = node.outputs[0] as string;
  const sum = g.op('ReduceSum', [g.op('Mul', [only(c), p]), g.constant([-1])], { keepdims: 1 });
  return g.op('Mul', [p, g.op('Sub', [only(c), sum])]);
});

/** Rows that were picked take their gradients, added up where a row was picked twice. */
const gather = single((c) => {
  const { g, node } = c;
  const ids = c.shapes[1] as Shape;
  const listed = ids.length === 1 || (ids.length === 2 && ids[1] === 1);
  if (number(node, 'axis', 0) !== 0 || !listed)
    throw new JoulewiseError('internal', 'Gather has a gradient by rows of a list of ids alone.');
  // Zeros of a shape that may be known only when the graph runs.
  const zeros = g.op('Sub', [c.x(0), c.x(0)]);
  const at = ids.length === 2 ? c.x(1) : g.op('Unsqueeze', [c.x(1), g.constant([1])]);
  const rows = [ids[0] as number, ...(c.shapes[0] as Shape).slice(1)];
  return g.op('ScatterND', [zeros, at, shaped(g, only(c), c.out, rows)], { reduction: 'add' });
});

/** Rotation by an angle turns back by its negative. */
const rotary = single((c) => {
  const [, at, cos, sin] = c.node.inputs as [string, string, string, string];
  return c.g.op('RotaryEmbedding', [only(c), at, cos, c.g.op('Neg', [sin])], c.node.attributes);
});

const split = single(({ g, node, d }) => {
  if (d.includes(null)) throw new JoulewiseError('internal', 'A part of what Split gives is not used.');
  return g.op('Concat', d as string[], { axis: number(node, 'axis', 0) });
});

const concat: GradientRule = (c) => {
  const { g, node } = c;
  const a = along(number(node, 'axis', 0), c.out.length);
  const parts = node.inputs.map(() => g.fresh('part'));
  const sizes = c.shapes.map((s) => s[a] as number);
  if (sizes.some(isOpen)) throw new JoulewiseError('internal', 'Concat over an open dimension has no gradient.');
  g.node('Split', [only(c), g.constant(sizes)], parts, { axis: a });
  return parts;
};

const reshape = single((c) => shaped(c.g, only(c), c.out, c.shapes[0] as Shape));
const value = (c: RuleContext) => c.node.outputs[0] as string;

/** Rules by operator. What is not here has no gradient, and differentiating through it is refused by name. */
export const GRADIENTS: Readonly<Record<string, GradientRule>> = {
  Add: broadcasting(only, only),
  Sub: broadcasting(only, (c) => c.g.op('Neg', [only(c)])),
  Mul: broadcasting(
    (c) => c.g.op('Mul', [only(c), c.x(1)]),
    (c) => c.g.op('Mul', [only(c), c.x(0)]),
  ),
  Div: broadcasting(
    (c) => c.g.op('Div', [only(c), c.x(1)]),
    (c) => c.g.op('Neg', [c.g.op('Div', [c.g.op('Mul', [only(c), value(c)]), c.x(1)])]),
  ),
  Neg: single((c) => c.g.op('Neg', [only(c)])),
  Exp: single((c) => c.g.op('Mul', [only(c), value(c)])),
  Sqrt: single((c) => c.g.op('Div', [c.g.op('Mul', [only(c), f32(c.g, 0.5)]), value(c)])),
  Sigmoid: single((c) => c.g.op('Mul', [only(c), c.g.op('Sub', [value(c), c.g.op('Mul', [value(c), value(c)])])])),
  Softmax: softmax,
  ReduceSum: single(repeated),
  ReduceMean: single((c) => {
    const n = reduced(c).axes.reduce((all, a) => all * ((c.shapes[0] as Shape)[a] as number), 1);
    return c.g.op('Mul', [repeated(c), f32(c.g, 1 / n)]);
  }),
  /** y = ln sum e^x: dx = d e^(x - y). */
  ReduceLogSumExp: single((c) => {
    const { kept } = reduced(c);
    const share = c.g.op('Exp', [c.g.op('Sub', [c.x(0), shaped(c.g, value(c), c.out, kept)])]);
    return c.g.op('Mul', [share, shaped(c.g, only(c), c.out, kept)]);
  }),
  MatMul: matmul,
  Gemm: gemm,
  Gather: gather,
  Split: split,
  Concat: concat,
  Transpose: single((c) => {
    const perm = c.node.attributes['perm'] as readonly number[];
    return c.g.op('Transpose', [only(c)], { perm: perm.map((_, i) => perm.indexOf(i)) });
  }),
  Reshape: reshape,
  Unsqueeze: reshape,
  RotaryEmbedding: rotary,
};

export function gradientRule(op: string): GradientRule {
  const rule = Object.hasOwn(GRADIENTS, op) ? GRADIENTS[op] : undefined;
  if (!rule) throw new JoulewiseError('internal', `Operator ${quote(op)} has no gradient in the table of gradients.`);
  return rule;
}

/** Shapes of all values of a graph, and the integers of its constants. */
function shapesOf(g: GraphBuilder, dims: Readonly<Record<string, number>>) {
  const shapes = new Map<string, Shape>();
  const constants = new Map<string, readonly number[] | null>();
  for (const i of g.graph.initializers) {
    shapes.set(i.name, i.shape);
    constants.set(i.name, integerValues(i));
  }
  for (const { name, shape } of g.graph.inputs)
    shapes.set(
      name,
      shape.map((d) => (typeof d === 'number' ? d : (dims[d] as number))),
    );
  for (const { op, inputs, outputs, attributes } of g.graph.nodes) {
    const made = opRow(op).shape({
      op,
      inputs: inputs.map((n) => shapes.get(n) ?? null),
      constants: inputs.map((n) => constants.get(n) ?? null),
      attributes,
    });
    outputs.forEach((name, i) => shapes.set(name, made[i] ?? (made[0] as Shape)));
  }
  return { shapes, constants };
}

export interface DifferentiateOptions {
  /** Values that are taken as constants, whatever they depend on. */
  constants?: readonly string[];
  /**
   * Values that are computed again on the way back instead of being kept, by name: given the gradient for which one is
   * wanted, on which it must depend, so that it is not computed earlier.
   */
  again?: ReadonlyMap<string, (after: string) => string>;
}

/**
 * Adds the way back to a graph: from `seeds`, the gradients by values of it, to those by `wanted`. Every gradient has its
 * value's shape. Throws `internal` with the operator's name where a rule is missing or `wanted` is not reached.
 */
export function differentiate(
  g: GraphBuilder,
  seeds: Readonly<Record<string, string>>,
  wanted: readonly string[],
  { constants: held = [], again = new Map() }: DifferentiateOptions = {},
): string[] {
  const open = new Set(g.graph.inputs.flatMap(({ shape }) => shape.filter((d) => typeof d === 'string')));
  const { shapes, constants } = shapesOf(g, standIns([...open]));
  const nodes = [...g.graph.nodes];
  const moving = new Set(wanted);
  for (const { inputs, outputs } of nodes)
    if (inputs.some((n) => moving.has(n))) for (const n of outputs) if (!held.includes(n)) moving.add(n);
  const gradients = new Map(Object.entries(seeds));
  for (const node of nodes.reverse()) {
    const d = node.outputs.map((n) => gradients.get(n) ?? null);
    const first = d.find((n) => n !== null);
    if (first === undefined || !node.outputs.some((n) => moving.has(n))) continue;
    const made = gradientRule(node.op)({
      g,
      node,
      d,
      shapes: node.inputs.map((n) => shapes.get(n) ?? []),
      out: shapes.get(node.outputs[0] as string) as Shape,
      constants: node.inputs.map((n) => constants.get(n) ?? null),
      wants: (i) => moving.has(node.inputs[i] as string),
      x: (i) => again.get(node.inputs[i] as string)?.(first) ?? (node.inputs[i] as string),
    });
    node.inputs.forEach((name, i) => {
      const more = made[i];
      if (!moving.has(name) || more == null) return;
      const known = gradients.get(name);
      gradients.set(name, known === undefined ? more : g.op('Add', [known, more]));
    });
  }
  return wanted.map((name) => {
    const found = gradients.get(name);
    if (found === undefined) throw new JoulewiseError('internal', `Nothing depends on ${quote(name)}.`);
    return found;
  });
}
