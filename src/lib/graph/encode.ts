import { byteSize, DTYPES, type Attribute, type Graph, type Initializer, type ValueInfo } from './graph';
import { ProtoWriter } from './protobuf';

/** Field numbers of onnx.proto3 (onnx/onnx, IR version 10). */
const IR_VERSION = 10;
const OPSET = 21;
const ATTRIBUTE = { FLOAT: 1, INT: 2, STRING: 3, INTS: 7 } as const;
const EXTERNAL = 1;

/** Where a weight lies: file, and byte offset in it. */
export type Place = (weight: Initializer) => { location: string; offset: number };

/** Writes the graph as an ONNX ModelProto; weights are external data at the places given. */
export function encodeModel(graph: Graph, place: Place): Uint8Array<ArrayBuffer> {
  return new ProtoWriter()
    .int(1, IR_VERSION)
    .string(2, 'joulewise')
    .message(7, (g) => {
      for (const node of graph.nodes)
        g.message(1, (w) => {
          for (const i of node.inputs) w.string(1, i);
          for (const o of node.outputs) w.string(2, o);
          w.string(3, node.outputs.find((o) => o !== '') ?? node.op).string(4, node.op);
          for (const [name, value] of Object.entries(node.attributes))
            w.message(5, (a) => writeAttribute(a, name, value));
          if (node.domain) w.string(7, node.domain);
        });
      g.string(2, graph.name);
      for (const i of graph.initializers) g.message(5, (w) => writeTensor(w, i, place));
      for (const v of graph.inputs) g.message(11, (w) => writeValueInfo(w, v));
      for (const v of graph.outputs) g.message(12, (w) => writeValueInfo(w, v));
    })
    .message(8, (o) => o.string(1, '').int(2, OPSET))
    .message(8, (o) => o.string(1, 'com.microsoft').int(2, 1))
    .finish();
}

function writeAttribute(w: ProtoWriter, name: string, value: Attribute): void {
  w.string(1, name);
  if (typeof value === 'number') w.int(3, value).int(20, ATTRIBUTE.INT);
  else if (typeof value === 'string') w.string(4, value).int(20, ATTRIBUTE.STRING);
  else if ('float' in value) w.float(2, value.float).int(20, ATTRIBUTE.FLOAT);
  else {
    for (const n of value) w.int(8, n);
    w.int(20, ATTRIBUTE.INTS);
  }
}

function writeTensor(w: ProtoWriter, i: Initializer, place: Place): void {
  w.packedInts(1, i.shape).int(2, DTYPES[i.dtype].onnx).string(8, i.name);
  if (i.data) {
    w.bytes(9, i.data);
    return;
  }
  const { location, offset } = place(i);
  const entry = (key: string, value: string) => w.message(13, (e) => e.string(1, key).string(2, value));
  entry('location', location);
  entry('offset', String(offset));
  entry('length', String(byteSize(i)));
  w.int(14, EXTERNAL);
}

function writeValueInfo(w: ProtoWriter, v: ValueInfo): void {
  w.string(1, v.name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.int(1, DTYPES[v.dtype].onnx).message(2, (shape) => {
        for (const d of v.shape) shape.message(1, (dim) => (typeof d === 'number' ? dim.int(1, d) : dim.string(2, d)));
      }),
    ),
  );
}
