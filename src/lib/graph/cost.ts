import type { Work } from '../core/cost';
import { JoulewiseError } from '../core/errors';
import { integerValues } from './builder';
import { byteSize, DTYPES, elementCount, type DType, type Graph } from './graph';
import { opRow, type OpContext, type Shape } from './ops';

/** Output dtypes that differ from the first input's. */
function outputDtype(op: string, first: DType, to: unknown): DType {
  if (op === 'Cast') return (Object.keys(DTYPES) as DType[]).find((d) => DTYPES[d].onnx === to) ?? first;
  if (op === 'MatMulInteger') return 'int32';
  if (op === 'MatMulIntegerToFloat' || op === 'DequantizeLinear') return 'float32';
  if (op === 'Shape') return 'int64';
  return first;
}

/**
 * Walks the graph with every symbolic dimension bound (e.g. `{ B: 1, S: 256, P: 0, n: 1 }`) and adds up what each
 * node costs. A weight is read once a pass, by the nodes that name it; `Gather` reads only its rows.
 */
export function graphCost(graph: Graph, dims: Readonly<Record<string, number>>): Work {
  const shapes = new Map<string, Shape>();
  const dtypes = new Map<string, DType>();
  const constants = new Map<string, number[] | null>();
  const weights = new Set<string>();
  for (const i of graph.initializers) {
    shapes.set(i.name, i.shape);
    dtypes.set(i.name, i.dtype);
    constants.set(i.name, integerValues(i));
    if (!i.data) weights.add(i.name);
  }
  for (const v of graph.inputs) {
    shapes.set(
      v.name,
      v.shape.map((d) => {
        const n = typeof d === 'number' ? d : dims[d];
        if (n === undefined) throw new JoulewiseError('internal', `Dimension "${d}" of ${v.name} is not bound.`);
        return n;
      }),
    );
    dtypes.set(v.name, v.dtype);
  }

  const cost: Work = { operations: 0, weightBytes: 0, activationBytes: 0 };
  for (const node of graph.nodes) {
    const row = opRow(node.op);
    const context: OpContext = {
      op: node.op,
      inputs: node.inputs.map((n) => (n === '' ? null : (shapes.get(n) ?? null))),
      constants: node.inputs.map((n) => constants.get(n) ?? null),
      attributes: node.attributes,
    };
    const out = row.shape(context);
    const first = out[0] as Shape;
    const dtype = outputDtype(node.op, dtypes.get(node.inputs[0] ?? '') ?? 'float32', node.attributes['to']);
    cost.operations += row.operations ? row.operations(context, first) : elementCount(first);
    node.inputs.forEach((name, i) => {
      const shape = context.inputs[i];
      if (!shape) return;
      const elements = row.reads?.(context, i, first) ?? elementCount(shape);
      const bytes = elements * DTYPES[dtypes.get(name) ?? 'float32'].bytes;
      if (weights.has(name)) cost.weightBytes += bytes;
      else cost.activationBytes += bytes;
    });
    // Views write nothing either.
    const isView = row.reads?.(context, 0, first) === 0 && node.op !== 'Gather';
    node.outputs.forEach((name, i) => {
      if (name === '') return;
      const shape = out[i] ?? first;
      shapes.set(name, shape);
      dtypes.set(name, dtype);
      if (!isView) cost.activationBytes += byteSize({ dtype, shape });
    });
  }
  return cost;
}
