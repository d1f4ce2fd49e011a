import type { LinearName } from '../checkpoint/block';
import type { InputStatistics } from './statistics';

/** How much of the difficulty moves from activations to weights: SmoothQuant's alpha. */
const ALPHA = 0.5;

/** Weights [rows = outputs, columns = inputs]. */
export interface Matrix2d {
  data: Float32Array<ArrayBuffer>;
  rows: number;
  columns: number;
}

/**
 * Where a factor can move without changing what the model computes: out of what makes a linear layer's input, into the
 * layers that read it. A norm's weight is divided, or, since SwiGLU is linear in `up`, that matrix's rows.
 */
export const MIGRATIONS = [
  { input: 'attention', from: 'inputNorm', into: ['q_proj', 'k_proj', 'v_proj'] },
  { input: 'ffn', from: 'postNorm', into: ['gate_proj', 'up_proj'] },
  { input: 'down', from: 'up_proj', into: ['down_proj'] },
] as const;

type Migration = (typeof MIGRATIONS)[number];
/** Factors of each migration: an input is divided by its factor, and the weights that read it are multiplied. */
export type SmoothScales = Record<Migration['input'], Float32Array<ArrayBuffer>>;

/**
 * s_j = act_j^a / weight_j^(1-a) (Xiao et al. 2023, equation 4), times a constant that makes their geometric mean 1. act_j
 * is the input's root mean square, since that is what calibration keeps, where the paper takes its maximum; weight_j is
 * the largest weight that reads it. An input that is never there, or never read, keeps its scale.
 */
export function smoothingScales(
  input: Pick<InputStatistics, 'squares' | 'size'>,
  readers: readonly Matrix2d[],
): Float32Array<ArrayBuffer> {
  const n = input.size;
  const largest = new Float64Array(n);
  for (const { data, rows } of readers)
    for (let r = 0; r < rows; r++)
      for (let j = 0; j < n; j++) largest[j] = Math.max(largest[j] as number, Math.abs(data[r * n + j] as number));
  const logs = Array.from(input.squares, (square, j) => {
    const weight = largest[j] as number;
    return square > 0 && weight > 0 ? (ALPHA * Math.log(square)) / 2 - (1 - ALPHA) * Math.log(weight) : null;
  });
  const known = logs.filter((x) => x !== null);
  const mean = known.reduce((sum, x) => sum + x, 0) / Math.max(1, known.length);
  return Float32Array.from(logs, (x) => (x === null ? 1 : Math.exp(x - mean)));
}

/** Smooths a layer's matrices in place; `down`'s factors are those after `up` was multiplied, as both read `ffn`. */
export function smoothLayer(
  weights: Record<LinearName, Matrix2d>,
  inputs: Record<Migration['input'], Pick<InputStatistics, 'squares' | 'size'>>,
): SmoothScales {
  const scales = {} as SmoothScales;
  for (const { input, from, into } of MIGRATIONS) {
    const own = smoothingScales(
      inputs[input],
      into.map((l) => weights[l]),
    );
    scales[input] = own;
    for (const l of into) scaleColumns(weights[l], own);
    if (from === 'up_proj') divideRows(weights[from], own);
  }
  return scales;
}

function scaleColumns({ data, rows, columns }: Matrix2d, by: Float32Array): void {
  for (let r = 0, at = 0; r < rows; r++)
    for (let j = 0; j < columns; j++, at++) data[at] = (data[at] as number) * (by[j] as number);
}

function divideRows({ data, rows, columns }: Matrix2d, by: Float32Array): void {
  for (let r = 0, at = 0; r < rows; r++)
    for (let j = 0; j < columns; j++, at++) data[at] = (data[at] as number) / (by[r] as number);
}

/** What is known about an input after it was divided. */
export function smoothStatistics(s: InputStatistics, by: Float32Array): InputStatistics {
  const inverse = Float64Array.from(by, (x) => 1 / x);
  let gram: Float32Array<ArrayBuffer> | null = null;
  if (s.gram) {
    gram = new Float32Array(s.gram.length);
    for (let i = 0, at = 0; i < s.size; i++)
      for (let j = i; j < s.size; j++, at++)
        gram[at] = (s.gram[at] as number) * (inverse[i] as number) * (inverse[j] as number);
  }
  return { size: s.size, squares: s.squares.map((x, i) => x * (inverse[i] as number) ** 2), gram };
}
