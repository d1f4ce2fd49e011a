import { pruneMagnitude, prune2of4, pruneTiles2of4 } from '../tensor/masks';
import type { ColumnMask } from './columns';
import type { Collected } from './statistics';
import { pruneWanda } from './wanda';

/**
 * Pruners, one row each. `mask` pruners zero weights of one linear layer in place; `columns` pruners choose within the
 * column loop (columns.ts), which also mends what stays; `layers`, `neurons` and `groups` pruners decide what is left out
 * whole, so that real, smaller shapes are computed. `needs` says which calibration statistics a row reads.
 */
export type PrunerName =
  | 'layers'
  | 'blocks'
  | 'ffn'
  | 'neurons'
  | 'kvgroups'
  | '2:4'
  | '2:4t'
  | 'mag'
  | 'wanda'
  | 'wanda2:4'
  | 'sparsegpt'
  | 'sparsegpt2:4'
  | 'sparsegpt2:4t';

export type Pruner = {
  /** How it is written in a recipe. */
  usage: string;
  title: string;
  takesShare: boolean;
  needs: Collected | null;
} & (
  | { kind: 'layers'; keep(influence: readonly number[], share: number): number[] }
  | { kind: 'groups'; keep(scores: Float64Array, share: number): Int32Array }
  | { kind: 'neurons'; keep(scores: Float64Array, share: number): Int32Array }
  | {
      kind: 'mask';
      /** `squares`: sums of the inputs' squares, given where the row needs them. */
      apply(
        weights: Float32Array,
        rows: number,
        columns: number,
        share: number | null,
        squares: Float64Array | null,
      ): void;
    }
  | { kind: 'columns'; pattern(share: number | null): ColumnMask }
);

/** Kept neurons are a multiple of this, so that blocks of 32 and the fast kernels fit. */
const NEURON_MULTIPLE = 32;

const needed = (squares: Float64Array | null): Float64Array => squares ?? new Float64Array();

/** In recipe order: structure first, masks on what remains. */
export const PRUNERS: Readonly<Record<PrunerName, Pruner>> = {
  layers: {
    usage: 'layersN',
    title: 'whole layers, by the norm of what they add',
    takesShare: true,
    needs: null,
    kind: 'layers',
    keep: keepLayers,
  },
  blocks: {
    usage: 'blocksN',
    title: 'whole layers, by how little they turn their input (ShortGPT)',
    takesShare: true,
    needs: 'squares',
    kind: 'layers',
    keep: keepLayers,
  },
  ffn: {
    usage: 'ffnN',
    title: 'FFN neurons, by weight norms',
    takesShare: true,
    needs: null,
    kind: 'neurons',
    keep: keepNeurons,
  },
  neurons: {
    usage: 'neuronsN',
    title: 'FFN neurons, by what they contribute on calibration text',
    takesShare: true,
    needs: 'squares',
    kind: 'neurons',
    keep: keepNeurons,
  },
  kvgroups: {
    usage: 'kvgroupsN',
    title: 'key-value groups with their query heads, by what they contribute on calibration text',
    takesShare: true,
    needs: 'squares',
    kind: 'groups',
    keep: keepGroups,
  },
  '2:4': {
    usage: '2:4',
    title: '2 of each 4 inputs, by magnitude',
    takesShare: false,
    needs: null,
    kind: 'mask',
    apply: (w) => prune2of4(w),
  },
  '2:4t': {
    usage: '2:4t',
    title: '2 of each 4 inputs for 128 outputs at once, by magnitude',
    takesShare: false,
    needs: null,
    kind: 'mask',
    apply: pruneTiles2of4,
  },
  mag: {
    usage: 'magN',
    title: 'the smallest weights of each layer, by magnitude',
    takesShare: true,
    needs: null,
    kind: 'mask',
    apply: (w, _rows, _columns, share) => pruneMagnitude(w, share ?? 0),
  },
  wanda: {
    usage: 'wandaN',
    title: 'the least weights of each output, by magnitude times input norm (Wanda)',
    takesShare: true,
    needs: 'squares',
    kind: 'mask',
    apply: (w, rows, columns, share, squares) =>
      pruneWanda(w, rows, columns, needed(squares), { kind: 'share', share: share ?? 0 }),
  },
  'wanda2:4': {
    usage: 'wanda2:4',
    title: '2 of each 4 inputs, by magnitude times input norm (Wanda)',
    takesShare: false,
    needs: 'squares',
    kind: 'mask',
    apply: (w, rows, columns, _share, squares) => pruneWanda(w, rows, columns, needed(squares), { kind: '2:4' }),
  },
  sparsegpt: {
    usage: 'sparsegptN',
    title: 'a share of each layer, what stays mended (SparseGPT)',
    takesShare: true,
    needs: 'gram',
    kind: 'columns',
    pattern: (share) => ({ kind: 'share', share: share ?? 0 }),
  },
  'sparsegpt2:4': {
    usage: 'sparsegpt2:4',
    title: '2 of each 4 inputs, what stays mended (SparseGPT)',
    takesShare: false,
    needs: 'gram',
    kind: 'columns',
    pattern: () => ({ kind: '2:4' }),
  },
  'sparsegpt2:4t': {
    usage: 'sparsegpt2:4t',
    title: '2 of each 4 inputs for 128 outputs at once, what stays mended (SparseGPT)',
    takesShare: false,
    needs: 'gram',
    kind: 'columns',
    pattern: () => ({ kind: '2:4 tiles' }),
  },
};

/** Removes the given share of layers with the least influence; the first and the last always stay. */
export function keepLayers(influence: readonly number[], share: number): number[] {
  const n = influence.length;
  const remove = Math.min(Math.round(n * share), Math.max(0, n - 2));
  const removed = new Set(
    influence
      .map((score, layer) => ({ score, layer }))
      .slice(1, -1)
      .sort((a, b) => a.score - b.score || a.layer - b.layer)
      .slice(0, remove)
      .map((x) => x.layer),
  );
  return influence.map((_, layer) => layer).filter((layer) => !removed.has(layer));
}

/** Indices by falling score; equal scores keep their order. */
const byScore = (scores: Float64Array) =>
  Int32Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);

/** Indices of the key-value groups that stay, ascending; at least one does. */
export function keepGroups(scores: Float64Array, share: number): Int32Array {
  return byScore(scores)
    .slice(0, Math.max(1, Math.round(scores.length * (1 - share))))
    .sort();
}

/** Indices of the neurons that stay, ascending; their number is rounded to a multiple of 32 where there are enough. */
export function keepNeurons(scores: Float64Array, share: number): Int32Array {
  const n = scores.length;
  const exact = n * (1 - share);
  const keep =
    n >= 2 * NEURON_MULTIPLE
      ? Math.max(NEURON_MULTIPLE, Math.round(exact / NEURON_MULTIPLE) * NEURON_MULTIPLE)
      : Math.max(1, Math.round(exact));
  return byScore(scores).slice(0, keep).sort();
}

/** Score of each FFN neuron: |gate row| * |up row| * |down column|. gate, up [neurons, hidden]; down [hidden, neurons]. */
export function neuronScores(
  gate: Float32Array,
  up: Float32Array,
  down: Float32Array,
  neurons: number,
  hidden: number,
): Float64Array {
  const squares = new Float64Array(neurons);
  for (let h = 0; h < hidden; h++)
    for (let i = 0; i < neurons; i++) {
      const v = down[h * neurons + i] as number;
      squares[i] = (squares[i] as number) + v * v;
    }
  const rowSquare = (w: Float32Array, row: number) => {
    let s = 0;
    for (let i = row * hidden, end = i + hidden; i < end; i++) s += (w[i] as number) ** 2;
    return s;
  };
  return Float64Array.from({ length: neurons }, (_, i) =>
    Math.sqrt(rowSquare(gate, i) * rowSquare(up, i) * (squares[i] as number)),
  );
}

/**
 * Calibrated score of each FFN neuron: |activation over all tokens| * |down column|, the norm of what it adds to the
 * layer's output. down [hidden, neurons]; `squares` of the down projection's input [neurons]. Any other projection
 * that writes to the residual stream is scored alike.
 */
export function activationScores(down: Float32Array, squares: Float64Array, hidden: number): Float64Array {
  const n = squares.length;
  const columns = new Float64Array(n);
  for (let h = 0; h < hidden; h++)
    for (let i = 0; i < n; i++) columns[i] = (columns[i] as number) + (down[h * n + i] as number) ** 2;
  return columns.map((c, i) => Math.sqrt(c * (squares[i] as number)));
}

/**
 * Calibrated score of each key-value group: the norm of what its heads add to the residual stream, heads taken as
 * uncorrelated. output [hidden, features], `squares` of its input [features].
 */
export function groupScores(output: Float32Array, squares: Float64Array, hidden: number, groups: number): Float64Array {
  const features = activationScores(output, squares, hidden);
  const size = features.length / groups;
  return Float64Array.from({ length: groups }, (_, g) => Math.hypot(...features.subarray(g * size, (g + 1) * size)));
}
