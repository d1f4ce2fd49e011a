import { JoulewiseError } from '../core/errors';
import { inverseFactor, packedA, packedB, type Matrix } from '../matrix/matrix';
import { ROUND } from '../core/half';
import { BLOCK, type StoredTensor } from '../tensor/stored';
import { pruneMagnitude, TILE_ROWS } from '../tensor/masks';
import { expandGram, type InputStatistics } from './statistics';

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
  /** These weights as blocks, where bits were asked for. */
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
  /** Input of each place: U's rows and columns, and the loop, go in this order. Null = as they are. */
  order: Int32Array | null;
}

/** Inputs by falling sum of squares, the earlier of equals first (GPTQ's act-order). */
function byPower(h: Float64Array, n: number): Int32Array {
  const power = (i: number) => h[i * n + i] as number;
  return Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => power(b) - power(a) || a - b);
}

/** h with rows and columns in another order. */
function reordered(h: Float64Array, n: number, order: Int32Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = (order[i] as number) * n;
    for (let j = 0; j < n; j++) out[i * n + j] = h[row + (order[j] as number)] as number;
  }
  return out;
}

/** U of an input's statistics, in the order of the inputs' power where `ordered`; call inside `m.within`. */
export function factorOf(m: Matrix, s: InputStatistics, ordered = false): Factor {
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
  const order = ordered ? byPower(h, n) : null;
  const a = order ? reordered(h, n, order) : h;
  for (let damping = DAMPING; damping <= MAX_DAMPING; damping *= 10)
    if (inverseFactor(m, a, n, damping * mean, at) < 0) return { at, n, damping, dead, order };
  throw new JoulewiseError(
    'recipe.impossible',
    `A layer's inputs are so alike that its ${n} x ${n} matrix cannot be inverted. Calibrate on more, and more varied, text.`,
  );
}

/** Levels and scales of blocks as they are made, column by column. */
class BlockWriter {
  readonly scales: Float32Array<ArrayBuffer>;
  private readonly data: Uint8Array<ArrayBuffer>;
  readonly blocks: number;

  constructor(
    private readonly bits: 4 | 8,
    private readonly rows: number,
    private readonly columns: number,
  ) {
    const zero = 1 << (bits - 1);
    this.blocks = Math.ceil(columns / BLOCK);
    this.data = new Uint8Array((rows * this.blocks * BLOCK * bits) / 8).fill(bits === 8 ? zero : zero | (zero << 4));
    this.scales = new Float32Array(rows * this.blocks);
  }

  put(row: number, column: number, level: number): void {
    const at = row * this.blocks * BLOCK + column;
    if (this.bits === 8) this.data[at] = level;
    else {
      const byte = this.data[at >> 1] as number;
      this.data[at >> 1] = at & 1 ? (byte & 15) | (level << 4) : (byte & 0xf0) | level;
    }
  }

  stored(): StoredTensor {
    const { bits, rows, columns, data, scales } = this;
    return { format: 'blocks', bits, rows, columns, data, scales };
  }
}

/**
 * Scales fixed before the loop, since with reordered columns no block is met whole: of 1, 1 - 1/32, ... times the scale
 * that maps a block's largest weight to the last level, the one of least rounding error, each column weighed by 1 / U_jj^2
 * as within the loop (src/matrix/columns.ts: fitScale). `pivots`: U_jj by column.
 */
function fixScales(
  w: Float32Array,
  rows: number,
  n: number,
  pivots: Float32Array,
  zero: number,
  candidates: number,
  scales: Float32Array,
): void {
  const blocks = Math.ceil(n / BLOCK);
  for (let r = 0; r < rows; r++)
    for (let b = 0; b < blocks; b++) {
      const from = r * n + b * BLOCK;
      const width = Math.min(BLOCK, n - b * BLOCK);
      let extreme = 0;
      for (let i = 0; i < width; i++)
        if (Math.abs(w[from + i] as number) > Math.abs(extreme)) extreme = w[from + i] as number;
      const full = Math.fround(-extreme / zero);
      let best = full;
      let lowest = Infinity;
      for (let c = 0; c < candidates && full !== 0; c++) {
        const s = Math.fround(full * (1 - c / 32));
        let loss = 0;
        for (let i = 0; i < width; i++) {
          const v = w[from + i] as number;
          const q = Math.min(Math.max(Math.fround(v / s) + ROUND - ROUND, -zero), zero - 1) * s;
          const d = (v - q) / (pivots[b * BLOCK + i] as number);
          loss += d * d;
        }
        if (loss < lowest) {
          lowest = loss;
          best = s;
        }
      }
      scales[r * blocks + b] = best;
    }
}

/** Rows [rows, n] as a tile holds them, [n, tileRows]; zeros where there are fewer rows. */
function rowsToTile(tile: Float32Array, values: Float32Array, rows: number, tileRows: number): void {
  tile.fill(0);
  const n = values.length / rows;
  for (let r = 0; r < rows; r++) for (let b = 0; b < n; b++) tile[b * tileRows + r] = values[r * n + b] as number;
}

/** Columns back where they were before they were ordered. */
function inOrder(w: Float32Array, rows: number, columnAt: (place: number) => number): Float32Array<ArrayBuffer> {
  const data = new Float32Array(w.length);
  const n = w.length / rows;
  for (let r = 0; r < rows; r++) for (let i = 0; i < n; i++) data[r * n + columnAt(i)] = w[r * n + i] as number;
  return data;
}

/** A copy of weights in which some inputs weigh nothing. */
function withoutInputs(w: Float32Array, rows: number, dead: ReadonlySet<number>): Float32Array<ArrayBuffer> {
  const alive = Float32Array.from(w);
  const n = w.length / rows;
  for (const c of dead) for (let r = 0; r < rows; r++) alive[r * n + c] = 0;
  return alive;
}

/** Marks what a share leaves of a block of columns, by the least scores. */
function keepShare(
  kept: Uint8Array,
  share: number,
  rows: number,
  width: number,
  score: (row: number, column: number) => number,
): void {
  const scores = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++) for (let i = 0; i < width; i++) scores[r * width + i] = score(r, i);
  pruneMagnitude(scores, share);
  for (let i = 0; i < scores.length; i++) kept[i] = +(scores[i] !== 0);
}

/** Marks what an earlier pruner left of a block of columns. */
function keepGiven(
  kept: Uint8Array,
  rows: number,
  width: number,
  weight: (row: number, column: number) => number,
): void {
  for (let r = 0; r < rows; r++) for (let i = 0; i < width; i++) kept[r * width + i] = +(weight(r, i) !== 0);
}

/**
 * SparseGPT and GPTQ, alone or jointly: columns in the factor's order, each error handed on to the columns behind it
 * (src/matrix/columns.ts). `bits` rounds to symmetric blocks of 32; their scale is set when the loop arrives, or, where
 * columns are reordered, beforehand. `candidates` > 1 tries smaller scales too. `w` [rows, columns] is left as it was.
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
  const { n, at: u, order } = factor;
  const columnAt = (place: number) => (order ? (order[place] as number) : place);
  return m.within(() => {
    const work = m.take(rows * n * 4);
    const placed = m.f32(work, rows * n);
    const dead = new Set(factor.dead);
    for (let i = 0; i < n; i++) {
      const c = columnAt(i);
      for (let r = 0; r < rows; r++) placed[r * n + i] = dead.has(c) ? 0 : (w[r * n + c] as number);
    }
    const out = bits ? new BlockWriter(bits, rows, n) : null;
    const blocks = out?.blocks ?? 0;
    if (out && order) {
      const pivots = new Float32Array(n);
      const all = m.f32(u, n * n);
      for (let i = 0; i < n; i++) pivots[columnAt(i)] = all[i * n + i] as number;
      fixScales(withoutInputs(w, rows, dead), rows, n, pivots, bits === 8 ? 128 : 8, candidates, out.scales);
    }
    const tileRows = mask.kind === '2:4 tiles' ? TILE_ROWS : ROWS;
    const block = m.take(WIDTH * WIDTH * 4);
    const t = m.take(WIDTH * tileRows * 4);
    const tileErrors = m.take(WIDTH * tileRows * 4);
    const keep = m.take(WIDTH * tileRows);
    const levels = m.take(WIDTH * tileRows);
    const groups = m.take(WIDTH * 4);
    // Scales of the blocks that the loop meets: those of its columns, or all of them where order mixes blocks.
    const scaleRows = order ? blocks : WIDTH / BLOCK;
    const scalesAt = m.take(scaleRows * tileRows * 4);
    const errors = m.take(rows * WIDTH * 4);
    const left = m.take(packedA(rows, WIDTH) * 4);
    const right = m.take(packedB(n, WIDTH) * 4);
    const kept = new Uint8Array(mask.kind === 'share' || mask.kind === 'given' ? rows * WIDTH : 0);

    for (let c0 = 0; c0 < n; c0 += WIDTH) {
      const width = Math.min(WIDTH, n - c0);
      const weights = m.f32(work, rows * n);
      const factorRows = m.f32(u, n * n);
      const own = m.f32(block, WIDTH * WIDTH);
      for (let i = 0; i < width; i++)
        own.set(factorRows.subarray((c0 + i) * n + c0, (c0 + i) * n + c0 + width), i * WIDTH);
      const groupOf = m.i32(groups, WIDTH);
      for (let i = 0; i < width; i++) groupOf[i] = Math.floor((order ? columnAt(c0 + i) : i) / BLOCK);
      // Weights are compared by the pivots, which stand on the block's diagonal.
      if (mask.kind === 'share')
        keepShare(
          kept,
          mask.share,
          rows,
          width,
          (r, i) => (weights[r * n + c0 + i] as number) / (own[i * WIDTH + i] as number),
        );
      else if (mask.kind === 'given') keepGiven(kept, rows, width, (r, i) => w[r * n + columnAt(c0 + i)] as number);
      for (let r0 = 0; r0 < rows; r0 += tileRows) {
        const here = Math.min(tileRows, rows - r0);
        m.k.tileIn(work + (r0 * n + c0) * 4, n, here, width, t, tileRows);
        if (kept.length) {
          const bytes = m.u8(keep, width * tileRows);
          for (let r = 0; r < here; r++)
            for (let i = 0; i < width; i++) bytes[i * tileRows + r] = kept[(r0 + r) * width + i] as number;
        }
        if (out && order) {
          const fixed = m.f32(scalesAt, scaleRows * tileRows);
          rowsToTile(fixed, out.scales.subarray(r0 * blocks, (r0 + here) * blocks), here, tileRows);
        }
        m.k.columnBlock(
          ...([t, tileErrors, block, WIDTH, tileRows, width, MASK_CODE[mask.kind], keep, bits] as const),
          ...([scalesAt, groups, order !== null, levels, candidates] as const),
        );
        m.k.tileOut(t, tileRows, here, width, work + (r0 * n + c0) * 4, n);
        m.k.tileOut(tileErrors, tileRows, here, width, errors + r0 * width * 4, width);
        if (!out) continue;
        const q = m.u8(levels, width * tileRows);
        const s = m.f32(scalesAt, scaleRows * tileRows);
        for (let r = 0; r < here; r++) {
          if (!order)
            for (let g = 0; g * BLOCK < width; g++)
              out.scales[(r0 + r) * blocks + c0 / BLOCK + g] = s[g * tileRows + r] as number;
          for (let i = 0; i < width; i++) out.put(r0 + r, columnAt(c0 + i), q[i * tileRows + r] as number);
        }
      }
      const rest = n - c0 - width;
      if (rest > 0) {
        m.k.packA(errors, width, rows, width, left, -1);
        m.k.packB(u + (c0 * n + c0 + width) * 4, n, rest, width, right);
        m.k.gemm(left, right, work + (c0 + width) * 4, n, rows, rest, width, true, false);
      }
    }
    const data = inOrder(m.f32(work, rows * n), rows, columnAt);
    return { data, stored: out?.stored() ?? null };
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
