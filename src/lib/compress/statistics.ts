import { GROUPS, type GroupName, type LinearName } from '../checkpoint/block';

/** What is known about the input x of linear layers, over all calibration tokens. */
export interface InputStatistics {
  /** Features of x. */
  size: number;
  /** Sum of x^2 per feature, float64. */
  squares: Float64Array<ArrayBuffer>;
  /** Upper triangle of x^T x by rows, [size (size + 1) / 2]; null where only squares were collected. */
  gram: Float32Array<ArrayBuffer> | null;
}

export interface LayerStatistics {
  inputs: Record<GroupName, InputStatistics>;
  /** Sum over tokens of the cosine between what the block receives and what it passes on. */
  cosine: number;
  /** Sum over tokens of |y|^2 of each linear layer's output: tr(W X^T X W^T). */
  outputSquares: Record<LinearName, number>;
  tokens: number;
}

/** How much a recipe needs: squares (Wanda, neurons), or the whole x^T x (SparseGPT, GPTQ). Each includes those before. */
export const LEVELS = ['squares', 'gram'] as const;
export type Collected = (typeof LEVELS)[number];

/** Statistics of a checkpoint, read layer by layer. */
export interface Statistics {
  /** Names what they were made from: checkpoint, token ids, version. */
  hash: string;
  tokens: number;
  layer(index: number): Promise<LayerStatistics>;
  /** Mean cosine of each block's input and output (ShortGPT: influence = 1 - cosine). */
  cosines: readonly number[];
}

/** Rows of the upper triangle start here. */
const rowStart = (i: number, n: number) => i * n - (i * (i - 1)) / 2;

/** Upper triangle -> full symmetric float64 [n, n]. */
export function expandGram(gram: Float32Array, n: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; i++)
    for (let j = i; j < n; j++, at++) {
      const v = gram[at] as number;
      out[i * n + j] = v;
      out[j * n + i] = v;
    }
  return out;
}

/** Statistics of the kept features alone. */
export function selectInputs(s: InputStatistics, keep: Int32Array): InputStatistics {
  const n = keep.length;
  let gram: Float32Array<ArrayBuffer> | null = null;
  if (s.gram) {
    gram = new Float32Array((n * (n + 1)) / 2);
    let at = 0;
    for (let i = 0; i < n; i++) {
      const from = keep[i] as number;
      const row = rowStart(from, s.size) - from;
      for (let j = i; j < n; j++) gram[at++] = s.gram[row + (keep[j] as number)] as number;
    }
  }
  return { size: n, squares: Float64Array.from(keep, (i) => s.squares[i] as number), gram };
}

/** Adds b's sums to a's. */
export function addStatistics(a: LayerStatistics, b: LayerStatistics): void {
  for (const g of GROUPS) {
    const x = a.inputs[g];
    const y = b.inputs[g];
    y.squares.forEach((v, i) => (x.squares[i] = (x.squares[i] as number) + v));
    if (x.gram && y.gram)
      for (let i = 0; i < x.gram.length; i++) x.gram[i] = (x.gram[i] as number) + (y.gram[i] as number);
  }
  a.cosine += b.cosine;
  a.tokens += b.tokens;
  for (const l of Object.keys(a.outputSquares) as LinearName[]) a.outputSquares[l] += b.outputSquares[l];
}
