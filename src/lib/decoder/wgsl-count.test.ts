import { describe, expect, it } from 'vitest';
import { SMOLLM2 as config } from '../checkpoint/testing';
import { buildDecoder, DIMS } from './decoder';
import { graphCost } from '../graph/cost';
import { matrixBytes, type ValueFormat } from '../wgsl/pack';

/** `WgslBuilder.layer` and `finish`. */
const DISPATCHES = 9 * config.layers + 2;
const VIEWS = new Set(['Reshape', 'Unsqueeze', 'Shape']);

const ours = (format: ValueFormat, outer: ValueFormat, sparse: boolean) => {
  const { hiddenSize: h, intermediateSize: f, heads, kvHeads, headDim: d, layers, vocabSize } = config;
  const shapes = [
    [(heads + 2 * kvHeads) * d, h],
    [h, heads * d],
    [2 * f, h],
    [h, f],
  ] as const;
  const inner = shapes.reduce((n, [rows, columns]) => n + matrixBytes({ format, sparse, rows, columns }), 0);
  return layers * inner + matrixBytes({ format: outer, sparse: false, rows: vocabSize, columns: h });
};

const theirs = (form: 'f16' | 'nbits8' | 'nbits4', outerForm: 'f16' | 'nbits8') => {
  const ffnSizes = Array<number>(config.layers).fill(config.intermediateSize);
  const graph = buildDecoder({
    config,
    ffnSizes,
    form,
    outerForm,
    use: 'engine',
    headSink: false,
    presents: 'whole',
    maxPositions: 2048,
  });
  const cost = graphCost(graph, { [DIMS.B]: 1, [DIMS.S]: 1, [DIMS.P]: 0, [DIMS.T]: 1, n: 1 });
  return { bytes: cost.weightBytes, dispatches: graph.nodes.filter((n) => !VIEWS.has(n.op)).length };
};

describe('why the WGSL prototype exists: a decode step of SmolLM2, counted', () => {
  it.each([
    ['fp16', 'f16', 'f16', 'f16', 'f16', 1.3],
    ['int8', 'i8', 'i8', 'nbits8', 'nbits8', 1.25],
    ['int4', 'i4', 'i8', 'nbits4', 'nbits8', 1.1],
  ] as const)('%s with 2:4 reads fewer bytes and dispatches less than ONNX Runtime does for dense', (...row) => {
    const [, format, outer, form, outerForm, gain] = row;
    const graph = theirs(form, outerForm);
    expect(graph.bytes / ours(format, outer, true)).toBeGreaterThan(gain);
    expect(graph.dispatches / DISPATCHES).toBeGreaterThan(1.4);
    // Dense, the two read the same weights.
    expect(Math.abs(graph.bytes / ours(format, outer, false) - 1)).toBeLessThan(0.02);
  });
});
