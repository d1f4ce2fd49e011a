import { layBlock, readBlock, sourceOf, type BlockWeights, type Float32Block, type Taps } from '../block/float32';
import { placeSpans } from '../block/spans';
import {
  GROUPS,
  INPUT_GROUPS,
  LINEARS,
  linearShapes,
  names,
  ropeTables,
  type BlockVectors,
  type GroupName,
  type LinearName,
} from '../checkpoint/block';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { ModelConfig } from '../checkpoint/config';
import type { InputStatistics, LayerStatistics, Collected } from '../compress/statistics';
import { JoulewiseError } from '../core/errors';
import type { Matrix } from '../matrix/matrix';
import { dequantize, type StoredTensor } from '../tensor/stored';

/** A block as a recipe left it: plain data, so that it can cross to another thread. */
export interface MadeBlock {
  /** Of the compressed model. */
  config: ModelConfig;
  /** Its FFN neurons. */
  ffn: number;
  tensors: Readonly<Record<LinearName, StoredTensor>>;
  vectors: BlockVectors;
}

/**
 * Some sequences on their way through the model, in lanes: each lane's sums can be asked for apart. Either all of them go
 * through the dense model (`next`), or they look at a dense layer, wait, and pass it as it was compressed.
 */
export interface Portion {
  /** Statistics of the next layer on all sequences, which go on through it. */
  next(): Promise<LayerStatistics>;
  /** Statistics of a layer of the checkpoint on one lane, whose hidden states stay where they are. */
  look(layer: number, lane: number): Promise<LayerStatistics>;
  /** All sequences go on through a compressed block, its weights made float32. */
  pass(block: MadeBlock): Promise<void>;
}

/** Lanes of each of at most `hands` portions: portion i has the lanes i, i + hands, ... */
export const dealLanes = <T>(lanes: readonly T[], hands: number): T[][] =>
  Array.from({ length: Math.min(hands, lanes.length) }, (_, i) => lanes.filter((__, lane) => lane % hands === i));

/** Rows of the embedding for each sequence, [tokens, hidden] float32. */
export async function embedSequences(
  checkpoint: Checkpoint,
  sequences: readonly (readonly number[])[],
): Promise<Float32Array<ArrayBuffer>[]> {
  const { hiddenSize, vocabSize } = checkpoint.config;
  const table = await checkpoint.read(names.embedding);
  return sequences.map((ids) => {
    const out = new Float32Array(ids.length * hiddenSize);
    ids.forEach((id, i) => {
      if (id < 0 || id >= vocabSize)
        throw new JoulewiseError('internal', `Token id ${id} is outside the vocabulary of ${vocabSize}.`);
      out.set(table.subarray(id * hiddenSize, (id + 1) * hiddenSize), i * hiddenSize);
    });
    return out;
  });
}

/** Room for sums of one layer's inputs in a matrix's memory, and what they are in the end. */
function openSums(m: Matrix, sizes: Readonly<Record<GroupName, number>>, level: Collected) {
  const { k } = m;
  const squaresAt = {} as Record<GroupName, number>;
  const gramAt = {} as Record<GroupName, number>;
  for (const g of GROUPS) {
    squaresAt[g] = m.take(sizes[g] * 8);
    m.f64(squaresAt[g], sizes[g]).fill(0);
    if (level !== 'gram') continue;
    gramAt[g] = m.take(sizes[g] ** 2 * 4);
    m.f32(gramAt[g], sizes[g] ** 2).fill(0);
  }
  const widest = Math.max(...Object.values(sizes));
  const outputs = m.take(8 * widest);
  const outputSquares = Object.fromEntries(LINEARS.map((l) => [l, 0])) as Record<LinearName, number>;
  return {
    taps: (
      { left, right }: Float32Block,
      shapes: Readonly<Record<LinearName, readonly [out: number, into: number]>>,
    ): Taps => ({
      onInput(g, x, tokens) {
        const n = sizes[g];
        k.addSquares(x, tokens, n, squaresAt[g]);
        if (level !== 'gram') return;
        k.packATransposed(x, n, n, tokens, left);
        k.packB(x, n, n, tokens, right);
        k.gemm(left, right, gramAt[g], n, n, n, tokens, true, true);
      },
      onOutput(linear, y, tokens) {
        const [out] = shapes[linear];
        m.f64(outputs, out).fill(0);
        k.addSquares(y, tokens, out, outputs);
        outputSquares[linear] += m.f64(outputs, out).reduce((a, b) => a + b, 0);
      },
    }),
    sums: (): Pick<LayerStatistics, 'inputs' | 'outputSquares'> => {
      const inputs = {} as Record<GroupName, InputStatistics>;
      for (const g of GROUPS) {
        const n = sizes[g];
        inputs[g] = {
          size: n,
          squares: m.f64(squaresAt[g], n).slice(),
          gram: level === 'gram' ? upperTriangle(m.f32(gramAt[g], n * n), n) : null,
        };
      }
      return { inputs, outputSquares };
    },
  };
}

/**
 * The Llama-family forward pass of `lanes` (sequences of hidden states [tokens, hidden], changed in place), one layer a call,
 * in float32. x^T x is summed in float32 in steps of one sequence: an entry is within 2e-6 sqrt(H_ii H_jj) of float64's.
 */
export function openPortion(
  m: Matrix,
  checkpoint: Checkpoint,
  lanes: readonly (readonly Float32Array<ArrayBuffer>[])[],
  level: Collected,
): Portion {
  const { config } = checkpoint;
  const { hiddenSize: hidden, intermediateSize: ffn } = config;
  checkSizes(hidden, ffn);
  const all = lanes.flat();
  const longest = all.reduce((n, s) => Math.max(n, s.length / hidden), 0);
  const shapes = linearShapes(config, ffn);
  const sizes = Object.fromEntries(GROUPS.map((g) => [g, shapes[INPUT_GROUPS[g][0]][1]])) as Record<GroupName, number>;
  const rope = ropeTables(config, longest);
  const read = (layer: number) => readBlock(config, layer, (name) => checkpoint.read(name));

  /** What a layer reads of some sequences; `onward`: their hidden states become those behind it. */
  const watch = (weights: BlockWeights, sequences: readonly Float32Array<ArrayBuffer>[], onward: boolean) =>
    m.within((): LayerStatistics => {
      const block = layBlock(m, config, sourceOf(m, weights, shapes), { tokens: longest, rope });
      const { taps, sums } = openSums(m, sizes, level);
      const watching = taps(block, shapes);
      const x = m.take(longest * hidden * 4);
      const before = m.take(longest * hidden * 4);
      let cosine = 0;
      let total = 0;
      for (const states of sequences) {
        const tokens = states.length / hidden;
        total += tokens;
        m.f32(x, states.length).set(states);
        m.f32(before, states.length).set(states);
        block.run(x, placeSpans([{ tokens, parent: null }]), watching);
        cosine += m.k.cosines(before, x, tokens, hidden);
        if (onward) states.set(m.f32(x, states.length));
      }
      return { ...sums(), cosine, tokens: total };
    });

  let layer = 0;
  /** The layer that lanes are looking at: read once for all of them. */
  let looked: { layer: number; weights: Promise<BlockWeights> } | null = null;
  return {
    async next() {
      return watch(await read(layer++), all, true);
    },
    async look(index, lane) {
      if (looked?.layer !== index) looked = { layer: index, weights: read(index) };
      return watch(await looked.weights, lanes[lane] ?? [], false);
    },
    pass(made) {
      checkSizes(hidden, made.ffn);
      looked = null;
      m.within(() => {
        const weights = { linear: float32Of(made.tensors), vectors: made.vectors };
        const source = sourceOf(m, weights, linearShapes(made.config, made.ffn));
        const block = layBlock(m, made.config, source, { tokens: longest, rope, ffn: made.ffn });
        const x = m.take(longest * hidden * 4);
        for (const states of all) {
          m.f32(x, states.length).set(states);
          block.run(x, placeSpans([{ tokens: states.length / hidden, parent: null }]));
          states.set(m.f32(x, states.length));
        }
      });
      return Promise.resolve();
    },
  };
}

/** Throws where kernels would read past a row's end. */
function checkSizes(hidden: number, ffn: number): void {
  if (hidden % 4 || ffn % 4)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      'Calibration needs hidden and FFN sizes that are multiples of 4; this model has others.',
    );
}

const float32Of = (tensors: MadeBlock['tensors']): BlockWeights['linear'] =>
  Object.fromEntries(LINEARS.map((l) => [l, new Float32Array(dequantize(tensors[l]))])) as Record<
    LinearName,
    Float32Array<ArrayBuffer>
  >;

function upperTriangle(full: Float32Array, n: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array((n * (n + 1)) / 2);
  for (let i = 0, at = 0; i < n; at += n - i, i++) out.set(full.subarray(i * n + i, (i + 1) * n), at);
  return out;
}
