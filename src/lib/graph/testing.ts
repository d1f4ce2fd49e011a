import { DTYPES, elementCount, type DType, type Graph, type Node } from './graph';

/** A graph computed in float64, slowly and plainly: what tests hold gradients and kernels to. */

export interface Values {
  dims: readonly number[];
  data: Float64Array;
}

export const values = (dims: readonly number[], data: ArrayLike<number>): Values => ({
  dims,
  data: Float64Array.from(data),
});

const zeros = (dims: readonly number[]): Values => ({ dims, data: new Float64Array(elementCount(dims)) });

/** Little-endian numbers of a constant. */
function decode(data: Uint8Array, dtype: DType): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = DTYPES[dtype].bytes;
  return Array.from({ length: data.byteLength / size }, (_, i) =>
    dtype === 'int64'
      ? Number(view.getBigInt64(i * 8, true))
      : dtype === 'float32'
        ? view.getFloat32(i * 4, true)
        : dtype === 'int32'
          ? view.getInt32(i * 4, true)
          : view.getUint8(i),
  );
}

const stridesOf = (dims: readonly number[]) => dims.map((_, i) => elementCount(dims.slice(i + 1)));
const broadcastDims = (all: readonly (readonly number[])[]) => {
  const rank = Math.max(...all.map((d) => d.length));
  return Array.from({ length: rank }, (_, i) => Math.max(...all.map((d) => d[i - rank + d.length] ?? 1)));
};
/** Index of an element of `dims` in a value that is broadcast to it. */
const sourceOf = (dims: readonly number[], x: readonly number[]) => {
  const [own, strides, pad] = [stridesOf(dims), stridesOf(x), dims.length - x.length];
  return (at: number) =>
    x.reduce(
      (n, d, i) => n + (d === 1 ? 0 : (Math.floor(at / (own[i + pad] as number)) % d) * (strides[i] as number)),
      0,
    );
};

const elementwise = (f: (...x: number[]) => number) => (inputs: readonly Values[]) => {
  const dims = broadcastDims(inputs.map((x) => x.dims));
  const sources = inputs.map((x) => sourceOf(dims, x.dims));
  return [
    {
      dims,
      data: zeros(dims).data.map((_, at) => f(...inputs.map((x, i) => x.data[sources[i]?.(at) ?? 0] as number))),
    },
  ];
};

const reducing = (f: (x: number[]) => number) => (inputs: readonly Values[], node: Node) => {
  const [x, axesValue] = inputs as [Values, Values | undefined];
  const axes = [...(axesValue?.data ?? x.dims.map((_, i) => i))].map((a) => (a < 0 ? a + x.dims.length : a));
  const kept = x.dims.map((d, i) => (axes.includes(i) ? 1 : d));
  const groups = Array.from({ length: elementCount(kept) }, (): number[] => []);
  const to = sourceOf(x.dims, kept);
  x.data.forEach((v, at) => groups[to(at)]?.push(v));
  const dims = node.attributes['keepdims'] === 0 ? x.dims.filter((_, i) => !axes.includes(i)) : kept;
  return [values(dims, groups.map(f))];
};

const transpose = (x: Values, perm: readonly number[]): Values => {
  const dims = perm.map((p) => x.dims[p] as number);
  const [own, from] = [stridesOf(dims), stridesOf(x.dims)];
  const data = zeros(dims).data.map(
    (_, at) =>
      x.data[
        perm.reduce(
          (n, p, i) => n + (Math.floor(at / (own[i] as number)) % (dims[i] as number)) * (from[p] as number),
          0,
        )
      ] as number,
  );
  return { dims, data };
};

function matmul(a: Values, b: Values): Values {
  const [m, k, n] = [a.dims.at(-2), a.dims.at(-1), b.dims.at(-1)] as [number, number, number];
  const lead = broadcastDims([a.dims.slice(0, -2), b.dims.slice(0, -2)]);
  const out = zeros([...lead, m, n]);
  const [fromA, fromB] = [sourceOf(lead, a.dims.slice(0, -2)), sourceOf(lead, b.dims.slice(0, -2))];
  for (let batch = 0; batch < elementCount(lead); batch++)
    for (let i = 0; i < m; i++)
      for (let l = 0; l < k; l++) {
        const x = a.data[fromA(batch) * m * k + i * k + l] as number;
        const right = fromB(batch) * k * n + l * n;
        const to = batch * m * n + i * n;
        for (let j = 0; j < n; j++) out.data[to + j] = (out.data[to + j] as number) + x * (b.data[right + j] as number);
      }
  return out;
}

const number = (node: Node, name: string, otherwise: number) => {
  const a = node.attributes[name];
  return a === undefined ? otherwise : typeof a === 'object' && 'float' in a ? a.float : Number(a);
};

/** Parts of `x` along an axis, of the sizes given. */
function parts(x: Values, a: number, sizes: readonly number[]): Values[] {
  const inner = elementCount(x.dims.slice(a + 1));
  const outer = elementCount(x.dims.slice(0, a));
  let before = 0;
  return sizes.map((size) => {
    const dims = x.dims.map((d, i) => (i === a ? size : d));
    const out = zeros(dims);
    for (let o = 0; o < outer; o++)
      out.data.set(
        x.data.subarray(
          (o * (x.dims[a] as number) + before) * inner,
          (o * (x.dims[a] as number) + before + size) * inner,
        ),
        o * size * inner,
      );
    before += size;
    return out;
  });
}

function concat(all: readonly Values[], a: number): Values {
  const [first] = all as [Values];
  const total = all.reduce((n, x) => n + (x.dims[a] as number), 0);
  const out = zeros(first.dims.map((d, i) => (i === a ? total : d)));
  const inner = elementCount(first.dims.slice(a + 1));
  const outer = elementCount(first.dims.slice(0, a));
  let before = 0;
  for (const x of all) {
    const size = x.dims[a] as number;
    for (let o = 0; o < outer; o++)
      out.data.set(x.data.subarray(o * size * inner, (o + 1) * size * inner), (o * total + before) * inner);
    before += size;
  }
  return out;
}

function reshape(x: Values, target: Values): Values[] {
  const dims = [...target.data].map((d, i) => (d === 0 ? (x.dims[i] as number) : d));
  const known = dims.reduce((n, d) => (d === -1 ? n : n * d), 1);
  return [{ dims: dims.map((d) => (d === -1 ? x.data.length / known : d)), data: x.data }];
}

/** Of x [1, rows, width], from position `at` on. */
function rotary([x, at, cos, sin]: readonly Values[]): Values[] {
  const [input, from, c, s] = [x, at, cos, sin] as [Values, Values, Values, Values];
  const half = c.dims[1] as number;
  const width = input.dims.at(-1) as number;
  const out = zeros(input.dims);
  for (let row = 0; row < input.data.length / width; row++)
    for (let head = 0; head < width / (2 * half); head++)
      for (let i = 0; i < half; i++) {
        const first = row * width + head * 2 * half + i;
        const table = ((from.data[0] as number) + row) * half + i;
        const [p, q] = [input.data[first] as number, input.data[first + half] as number];
        out.data[first] = p * (c.data[table] as number) - q * (s.data[table] as number);
        out.data[first + half] = q * (c.data[table] as number) + p * (s.data[table] as number);
      }
  return [out];
}

type Kernel = (inputs: readonly Values[], node: Node) => Values[];
const one = (x: readonly Values[]) => x[0] as Values;

const KERNELS: Readonly<Record<string, Kernel>> = {
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => a / b),
  Min: elementwise(Math.min),
  Neg: elementwise((x) => -x),
  Exp: elementwise(Math.exp),
  Sqrt: elementwise(Math.sqrt),
  Sigmoid: elementwise((x) => 1 / (1 + Math.exp(-x))),
  ReduceSum: reducing((x) => x.reduce((a, b) => a + b, 0)),
  ReduceMean: reducing((x) => x.reduce((a, b) => a + b, 0) / x.length),
  ReduceMax: reducing((x) => Math.max(...x)),
  ReduceLogSumExp: reducing((x) => {
    const most = Math.max(...x);
    return most + Math.log(x.reduce((n, v) => n + Math.exp(v - most), 0));
  }),
  Softmax(inputs) {
    const x = one(inputs);
    const n = x.dims.at(-1) as number;
    const out = zeros(x.dims);
    for (let from = 0; from < x.data.length; from += n) {
      const row = x.data.subarray(from, from + n);
      const e = row.map((v) => Math.exp(v - Math.max(...row)));
      out.data.set(
        e.map((v) => v / e.reduce((a, b) => a + b, 0)),
        from,
      );
    }
    return [out];
  },
  MatMul: ([a, b]) => [matmul(a as Values, b as Values)],
  Gemm([a, b, c], node) {
    const turn = (x: Values, name: string) => (number(node, name, 0) ? transpose(x, [1, 0]) : x);
    const y = matmul(turn(a as Values, 'transA'), turn(b as Values, 'transB'));
    const scaled = { ...y, data: y.data.map((v) => v * number(node, 'alpha', 1)) };
    return c ? elementwise((p, q) => p + q)([scaled, c]) : [scaled];
  },
  Transpose: (inputs, node) => [transpose(one(inputs), node.attributes['perm'] as readonly number[])],
  Reshape: ([x, target]) => reshape(x as Values, target as Values),
  Unsqueeze([x, axes]) {
    const dims = [...(x as Values).dims];
    for (const a of (axes as Values).data) dims.splice(a, 0, 1);
    return [{ dims, data: (x as Values).data }];
  },
  Expand([x, target]) {
    const dims = broadcastDims([(x as Values).dims, [...(target as Values).data]]);
    const from = sourceOf(dims, (x as Values).dims);
    return [{ dims, data: zeros(dims).data.map((_, at) => (x as Values).data[from(at)] as number) }];
  },
  Gather([x, ids], node) {
    const table = x as Values;
    if (number(node, 'axis', 0) !== 0) throw new Error('rows alone');
    const rest = table.dims.slice(1);
    const n = elementCount(rest);
    return [
      values(
        [...(ids as Values).dims, ...rest],
        [...(ids as Values).data].flatMap((id) => [...table.data.subarray(id * n, (id + 1) * n)]),
      ),
    ];
  },
  ScatterND([x, at, more]) {
    const out = { dims: (x as Values).dims, data: (x as Values).data.slice() };
    const n = elementCount(out.dims.slice(1));
    (at as Values).data.forEach((row, i) => {
      for (let j = 0; j < n; j++)
        out.data[row * n + j] = (out.data[row * n + j] as number) + ((more as Values).data[i * n + j] as number);
    });
    return [out];
  },
  Split: ([x, sizes], node) => parts(x as Values, number(node, 'axis', 0), [...(sizes as Values).data]),
  Concat: (inputs, node) => [concat(inputs, number(node, 'axis', 0))],
  RotaryEmbedding: rotary,
};

/** Every value of a graph. Throws for operators that tests have no kernel for. */
export function computeGraph(graph: Graph, feeds: Readonly<Record<string, Values>>): Map<string, Values> {
  const known = new Map(Object.entries(feeds));
  for (const { name, data, dtype, shape } of graph.initializers)
    if (data) known.set(name, values(shape, decode(data, dtype)));
  for (const node of graph.nodes) {
    const kernel = KERNELS[node.op];
    if (!kernel) throw new Error(`no kernel for ${node.op}`);
    const inputs = node.inputs.map((n) => {
      const value = known.get(n);
      if (!value) throw new Error(`${n} has no value`);
      return value;
    });
    kernel(inputs, node).forEach((v, i) => known.set(node.outputs[i] as string, v));
  }
  return known;
}
