/** An ONNX graph as plain data: what the builder makes, the encoder writes, and the cost model walks. */

export const DTYPES = {
  float32: { onnx: 1, bytes: 4 },
  uint8: { onnx: 2, bytes: 1 },
  int8: { onnx: 3, bytes: 1 },
  int32: { onnx: 6, bytes: 4 },
  int64: { onnx: 7, bytes: 8 },
  bool: { onnx: 9, bytes: 1 },
  float16: { onnx: 10, bytes: 2 },
  /** Two in a byte, the first in the low half. */
  uint4: { onnx: 21, bytes: 0.5 },
} as const;
export type DType = keyof typeof DTYPES;

/** A symbolic dimension is a name that the caller binds, e.g. "S" for new tokens, "P" for past ones. */
export type Dim = number | string;

export interface ValueInfo {
  name: string;
  dtype: DType;
  shape: readonly Dim[];
}

export type Attribute = number | string | { float: number } | readonly number[];

export interface Node {
  op: string;
  domain: '' | 'com.microsoft';
  /** Empty names are absent optional inputs or outputs. */
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

export interface Initializer {
  name: string;
  dtype: DType;
  shape: readonly number[];
  /** Little-endian bytes of a small constant; null for a weight, which lives outside the graph under its name. */
  data: Uint8Array | null;
}

export interface Graph {
  name: string;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  nodes: Node[];
  initializers: Initializer[];
}

export const elementCount = (shape: readonly number[]) => shape.reduce((a, d) => a * d, 1);
export const byteSize = (i: { dtype: DType; shape: readonly number[] }) =>
  Math.ceil(elementCount(i.shape) * DTYPES[i.dtype].bytes);
