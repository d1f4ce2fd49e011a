import { JoulewiseError } from '../core/errors';
import { inverseFactor, packedA, packedB, type Matrix } from '../matrix/matrix';
import { BLOCK, type StoredTensor } from './precisions';
import { pruneMagnitude } from './pruners';
import { expandGram, type InputStatistics } from './statistics';
import { TILE_ROWS } from './wanda';

/** How the column loop chooses what to remove; the numbers are src/matrix/columns.ts's. */
export type ColumnMask =
  | { kind: 'none' }
  /** Zeros that the weights have already stay; an earlier pruner chose them. */
  | { kind: 'given' }
  /** SparseGPT: the given share of each block of 128 columns, by (w / U_ii)^2. */
  | { kind: 'share'; share: number }
  | { kind: '2:4' }
  | { kind: '2:4 tiles' };

const MASK_CODE = { none: 0, given: 1, share: 1, '2:4': 2, '2:4 tiles': 3 } as const;

/** Columns that the loop takes at a time (SparseGPT's and GPTQ's block size). */
const WIDTH = 128;
/** Rows of a tile; a multiple of the kernel's 16. */
const ROWS = 16;
/** Added to the diagonal, as a share of its mean. */
const DAMPING = 0.01;
/** A pivot that is not positive is met with ten times the damping, up to the mean itself. */
const MAX_DAMPING = 1;

export interface Solved {
  /** Weights after the loop, float32 [rows, columns]. */
  data: Float32Array<ArrayBuffer>;
  /** The same as blocks, where bits were asked for. */
  stored: StoredTensor | null;
}

/** The inverse's factor for one input, shared by all linear layers that read it. */
export interface Factor {
  /** U [n, n] float32 in the matrix's memory. */
  at: number;
  n: number;
  /** Share of the mean diagonal that was added. */
  damping: number;
  /** Inputs that were always zero: their weights are removed, since nothing is known about them. */
  dead: number[];
}

/** U of an input's statistics; call inside `m.within`. */
export function factorOf(m: Matrix, s: InputStatistics): Factor {
  const n = s.size;
  if (!s.gram) throw new JoulewiseError('internal', 'This recipe needs x^T x, but only squares were collected.');
  const h = expandGram(s.gram, n);
  const dead: number[] = [];
  let mean = 0;
  for (let i = 0; i < n; i++) {
    if (h[i * n + i] === 0) {
      h[i * n + i] = 1;
      dead.push(i);
    }
    mean += (h[i * n + i] as number) / n;
  }
  const at = m.take(n * n * 4);
  for (let damping = DAMPING; damping <= MAX_DAMPING; damping *= 10)
    if (inverseFactor(m, h, n, damping * mean, at) < 0) return { at, n, damping, dead };
  throw new JoulewiseError(
    'recipe.impossible',
    `A layer's inputs are so alike that its ${n} x ${n} matrix cannot be inverted. Calibrate on more, and more varied, text.`,
  );
}

/**
 * SparseGPT and GPTQ, alone or jointly: columns from left to right, each error handed on to the columns behind it
 * (src/matrix/columns.ts). `bits` rounds to symmetric blocks of 32 whose scale is set when the loop arrives;
 * `candidates` > 1 tries smaller scales too. `w` [rows, columns] is left as it was.
 */
export function solveColumns(
  m: Matrix,
  factor: Factor,
  w: Float32Array,
  rows: number,
  mask: ColumnMask,
  bits: 0 | 4 | 8,
  candidates: number,
): Solved {
  const { n, at: u } = factor;
  return m.within(() => {
    const work = m.put(w);
    const dead = m.f32(work, rows * n);
    for (const c of factor.dead) for (let r = 0; r < rows; r++) dead[r * n + c] = 0;
    const tileRows = mask.kind === '2:4 tiles' ? TILE_ROWS : ROWS;
    const block = m.take(WIDTH * WIDTH * 4);
    const t = m.take(WIDTH * tileRows * 4);
    const tileErrors = m.take(WIDTH * tileRows * 4);
    const keep = m.take(WIDTH * tileRows);
    const levels = m.take(WIDTH * tileRows);
    const groups = m.take(WIDTH * 4);
    const scalesAt = m.take((WIDTH / BLOCK) * tileRows * 4);
    const errors = m.take(rows * WIDTH * 4);
    const left = m.take(packedA(rows, WIDTH) * 4);
    const right = m.take(packedB(n, WIDTH) * 4);
    m.i32(groups, WIDTH).forEach((_, i, g) => (g[i] = Math.floor(i / BLOCK)));

    const blocks = Math.ceil(n / BLOCK);
    const zero = bits ? 1 << (bits - 1) : 0;
    const blockBytes = (BLOCK * bits) / 8;
    const data = new Uint8Array(bits ? rows * blocks * blockBytes : 0).fill(bits === 8 ? zero : zero | (zero << 4));
    const scales = new Float32Array(bits ? rows * blocks : 0);
    const kept = new Uint8Array(mask.kind === 'share' || mask.kind === 'given' ? rows * WIDTH : 0);

    for (let c0 = 0; c0 < n; c0 += WIDTH) {
      const width = Math.min(WIDTH, n - c0);
      const weights = m.f32(work, rows * n);
      const factorRows = m.f32(u, n * n);
      const own = m.f32(block, WIDTH * WIDTH);
      for (let i = 0; i < width; i++)
        own.set(factorRows.subarray((c0 + i) * n + c0, (c0 + i) * n + c0 + width), i * WIDTH);
      if (mask.kind === 'share') {
        const scores = new Float32Array(rows * width);
        for (let r = 0; r < rows; r++)
          for (let i = 0; i < width; i++)
            scores[r * width + i] = (weights[r * n + c0 + i] as number) / (own[i * WIDTH + i] as number);
        pruneMagnitude(scores, mask.share);
        for (let i = 0; i < scores.length; i++) kept[i] = +(scores[i] !== 0);
      } else if (mask.kind === 'given') {
        for (let r = 0; r < rows; r++) for (let i = 0; i < width; i++) kept[r * width + i] = +(w[r * n + c0 + i] !== 0);
      }
      for (let r0 = 0; r0 < rows; r0 += tileRows) {
        const here = Math.min(tileRows, rows - r0);
        m.k.tileIn(work + (r0 * n + c0) * 4, n, here, width, t, tileRows);
        if (kept.length) {
          const bytes = m.u8(keep, width * tileRows);
          for (let r = 0; r < here; r++)
            for (let i = 0; i < width; i++) bytes[i * tileRows + r] = kept[(r0 + r) * width + i] as number;
        }
        m.k.columnBlock(
          ...([t, tileErrors, block, WIDTH, tileRows, width, MASK_CODE[mask.kind], keep, bits] as const),
          ...([scalesAt, groups, false, levels, candidates] as const),
        );
        m.k.tileOut(t, tileRows, here, width, work + (r0 * n + c0) * 4, n);
        m.k.tileOut(tileErrors, tileRows, here, width, errors + r0 * width * 4, width);
        if (!bits) continue;
        const q = m.u8(levels, width * tileRows);
        const s = m.f32(scalesAt, (WIDTH / BLOCK) * tileRows);
        for (let r = 0; r < here; r++) {
          for (let g = 0; g * BLOCK < width; g++)
            scales[(r0 + r) * blocks + c0 / BLOCK + g] = s[g * tileRows + r] as number;
          const to = (r0 + r) * blocks * BLOCK + c0;
          if (bits === 8) for (let i = 0; i < width; i++) data[to + i] = q[i * tileRows + r] as number;
          else
            for (let i = 0; i < width; i += 2)
              data[(to + i) >> 1] =
                (q[i * tileRows + r] as number) | ((i + 1 < width ? (q[(i + 1) * tileRows + r] as number) : zero) << 4);
        }
      }
      const rest = n - c0 - width;
      if (rest > 0) {
        m.k.packA(errors, width, rows, width, left, -1);
        m.k.packB(u + (c0 * n + c0 + width) * 4, n, rest, width, right);
        m.k.gemm(left, right, work + (c0 + width) * 4, n, rows, rest, width, true, false);
      }
    }
    return {
      data: m.f32(work, rows * n).slice(),
      stored: bits ? { format: 'blocks', bits, rows, columns: n, data, scales } : null,
    };
  });
}

/** tr(D H D^T) for D [rows, n]: the squared error of the layer's output over all calibration tokens. */
export function outputError(m: Matrix, s: InputStatistics, d: Float32Array, rows: number): number {
  const n = s.size;
  if (!s.gram) throw new JoulewiseError('internal', 'The output error needs x^T x.');
  return m.within(() => {
    const full = Float32Array.from(expandGram(s.gram as Float32Array, n));
    const a = m.take(packedA(rows, n) * 4);
    const b = m.take(packedB(n, n) * 4);
    const c = m.take(rows * n * 4);
    m.within(() => m.k.packB(m.put(full), n, n, n, b));
    m.within(() => m.k.packA(m.put(d), n, rows, n, a, 1));
    m.k.gemm(a, b, c, n, rows, n, n, false, false);
    let sum = 0;
    const y = m.f32(c, rows * n);
    for (let i = 0; i < d.length; i++) sum += (y[i] as number) * (d[i] as number);
    return sum;
  });
}
