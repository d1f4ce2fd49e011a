import { toHalf } from '../core/half';
import {
  DTYPES,
  elementCount,
  type Attribute,
  type DType,
  type Dim,
  type Graph,
  type Initializer,
  type ValueInfo,
} from './graph';
import { opRow } from './ops';

/** Collects nodes in execution order. Values are named by what made them; constants are shared. */
export class GraphBuilder {
  readonly graph: Graph;
  private counter = 0;
  private readonly constants = new Map<string, string>();

  constructor(name: string) {
    this.graph = { name, inputs: [], outputs: [], nodes: [], initializers: [] };
  }

  input(name: string, dtype: DType, shape: readonly Dim[]): string {
    this.graph.inputs.push({ name, dtype, shape });
    return name;
  }

  output(info: ValueInfo): void {
    this.graph.outputs.push(info);
  }

  /** A weight: its bytes stay outside the graph and are supplied under this name. Declaring it twice shares it. */
  weight(name: string, dtype: DType, shape: readonly number[]): string {
    if (!this.graph.initializers.some((i) => i.name === name))
      this.graph.initializers.push({ name, dtype, shape, data: null });
    return name;
  }

  /** A small constant, kept inside the graph. */
  constant(values: readonly number[] | number, dtype: DType = 'int64'): string {
    const list = typeof values === 'number' ? [values] : values;
    const shape = typeof values === 'number' ? [] : [list.length];
    const key = `${dtype}:${shape.length}:${list.join()}`;
    const known = this.constants.get(key);
    if (known) return known;
    const name = `const_${this.constants.size}`;
    this.constants.set(key, name);
    this.graph.initializers.push({ name, dtype, shape, data: encodeValues(list, dtype) });
    return name;
  }

  /** Adds a node with one output and returns that output's name. */
  op(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}, output?: string): string {
    const name = output ?? `${op}_${this.counter++}`;
    this.node(op, inputs, [name], attributes);
    return name;
  }

  /** Adds a node with the outputs named by the caller; '' leaves an optional output out. */
  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, Attribute> = {},
  ): void {
    this.graph.nodes.push({ op, domain: opRow(op).domain, inputs, outputs, attributes });
  }

  /** A fresh value name. */
  fresh(hint: string): string {
    return `${hint}_${this.counter++}`;
  }
}

/** Little-endian bytes of a list of numbers in the given dtype. */
export function encodeValues(values: readonly number[], dtype: DType): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(values.length * DTYPES[dtype].bytes));
  const view = new DataView(bytes.buffer);
  values.forEach((v, i) => {
    switch (dtype) {
      case 'float32':
        return view.setFloat32(i * 4, v, true);
      case 'float16':
        return view.setUint16(i * 2, toHalf(v), true);
      case 'int32':
        return view.setInt32(i * 4, v, true);
      case 'int64':
        return view.setBigInt64(i * 8, BigInt(v), true);
      case 'uint8':
      case 'bool':
        return view.setUint8(i, v);
      case 'int8':
        return view.setInt8(i, v);
      case 'uint4':
        return view.setUint8(i >> 1, view.getUint8(i >> 1) | (v << (4 * (i & 1))));
      default:
        return dtype satisfies never;
    }
  });
  return bytes;
}

/** Values of a small integer constant, or null where it is a weight or not integral. */
export function integerValues(initializer: Initializer): number[] | null {
  const { data, dtype, shape } = initializer;
  if (!data || (dtype !== 'int64' && dtype !== 'int32')) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: elementCount(shape) }, (_, i) =>
    dtype === 'int64' ? Number(view.getBigInt64(i * 8, true)) : view.getInt32(i * 4, true),
  );
}
