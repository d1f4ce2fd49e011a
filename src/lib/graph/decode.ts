import { JoulewiseError, quote } from '../core/errors';
import { ProtoError, readFields } from './protobuf';

/** What is read of an ONNX file that others made: its interface and how its weights are stored. */
export interface OnnxSummary {
  producer: string;
  inputs: string[];
  outputs: string[];
  /** Operator name -> count. */
  operators: Record<string, number>;
  /** Weight bytes by ONNX element type number. */
  weightBytes: number;
  /** External data files that it names. */
  externalFiles: string[];
}

const MAX_NODES = 1_000_000;

/** Bytes per element of the ONNX types that weights come in (onnx.proto3: TensorProto.DataType). */
const ELEMENT_BYTES: Record<number, number> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  16: 2,
  21: 0.5,
  22: 0.5,
};

/** Reads the summary of an `.onnx` file's bytes; hostile input gets a sentence, never a crash. */
export function summarizeOnnx(name: string, data: Uint8Array): OnnxSummary {
  const text = (b: Uint8Array) => new TextDecoder().decode(b.subarray(0, 1024));
  const summary: OnnxSummary = {
    producer: '',
    inputs: [],
    outputs: [],
    operators: {},
    weightBytes: 0,
    externalFiles: [],
  };
  const files = new Set<string>();
  let graphs = 0;
  let nodes = 0;
  try {
    for (const model of readFields(data)) {
      if (model.field === 2) summary.producer = text(model.bytes);
      if (model.field !== 7) continue;
      graphs++;
      for (const part of readFields(model.bytes)) {
        if (part.field === 1) {
          if (++nodes > MAX_NODES) throw new ProtoError('it has too many nodes');
          for (const f of readFields(part.bytes))
            if (f.field === 4) {
              const op = text(f.bytes);
              summary.operators[op] = (summary.operators[op] ?? 0) + 1;
            }
        } else if (part.field === 5) summary.weightBytes += tensorBytes(part.bytes, files, text);
        else if (part.field === 11 || part.field === 12) {
          for (const f of readFields(part.bytes))
            if (f.field === 1) (part.field === 11 ? summary.inputs : summary.outputs).push(text(f.bytes));
        }
      }
    }
  } catch (error) {
    if (!(error instanceof ProtoError)) throw error;
    throw new JoulewiseError('checkpoint.format', `${quote(name)} is not a usable ONNX file: ${error.message}.`, {
      cause: error,
    });
  }
  if (graphs !== 1)
    throw new JoulewiseError('checkpoint.format', `${quote(name)} is not a usable ONNX file: it holds no graph.`);
  summary.externalFiles = [...files];
  return summary;
}

function tensorBytes(bytes: Uint8Array, files: Set<string>, text: (b: Uint8Array) => string): number {
  let elements = 1;
  let type = 0;
  for (const f of readFields(bytes)) {
    if (f.field === 1) {
      // Packed or single: dims.
      if (f.bytes.byteLength === 0) elements *= Number(f.int);
      else
        for (let at = 0; at < f.bytes.byteLength;) {
          let n = 0n;
          for (let shift = 0n; ; shift += 7n) {
            const b = f.bytes[at++];
            if (b === undefined || shift > 63n) throw new ProtoError('a dimension is cut off');
            n |= BigInt(b & 127) << shift;
            if (b < 128) break;
          }
          elements *= Number(n);
        }
    } else if (f.field === 2) type = Number(f.int);
    else if (f.field === 13) {
      let key = '';
      let value = '';
      for (const e of readFields(f.bytes)) {
        if (e.field === 1) key = text(e.bytes);
        if (e.field === 2) value = text(e.bytes);
      }
      if (key === 'location') {
        if (value.includes('..') || value.startsWith('/'))
          throw new ProtoError('it names a data file outside its folder');
        files.add(value);
      }
    }
  }
  const size = elements * (ELEMENT_BYTES[type] ?? 0);
  if (!Number.isFinite(size) || size < 0 || size > Number.MAX_SAFE_INTEGER)
    throw new ProtoError('a tensor is absurdly large');
  return size;
}
