import { deviceDot } from '../core/dot';
import { JoulewiseError } from '../core/errors';

/** Functions of src/matrix; pointers are byte offsets, counts are of elements. */
interface Exports {
  memory: WebAssembly.Memory;
  packA(src: number, ld: number, rows: number, k: number, to: number, factor: number): void;
  packATransposed(src: number, ld: number, rows: number, k: number, to: number): void;
  packB(src: number, ld: number, columns: number, k: number, to: number): void;
  packBTransposed(src: number, ld: number, columns: number, k: number, to: number): void;
  gemm(
    a: number,
    b: number,
    c: number,
    ld: number,
    m: number,
    n: number,
    k: number,
    add: boolean,
    upper: boolean,
  ): void;
  timesStored(w: number, a: number, c: number, ld: number, m: number, back: boolean, add: boolean): void;
  levelBytes(rows: number, depth: number, dot: number): number;
  packLevels(src: number, ld: number, rows: number, depth: number, dot: number, to: number): void;
  timesLevels(w: number, x: number, c: number, ld: number, m: number, back: boolean, add: boolean, dot: number): void;
  scratch64(n: number): number;
  cholesky(a: number, n: number, scratch: number): number;
  invertLower(l: number, m: number, n: number, scratch: number): void;
  rmsNorm(x: number, weight: number, out: number, rows: number, n: number, epsilon: number): void;
  addRow(x: number, row: number, rows: number, n: number): void;
  addTo(x: number, y: number, n: number): void;
  rope(x: number, cos: number, sin: number, rows: number, heads: number, size: number): void;
  causalSoftmax(s: number, rows: number, columns: number, past: number, scale: number): void;
  siluTimes(gate: number, up: number, n: number): void;
  addSquares(x: number, rows: number, n: number, sums: number): void;
  cosines(x: number, y: number, rows: number, n: number): number;
  rmsNormBackward(x: number, weight: number, dy: number, dx: number, rows: number, n: number, epsilon: number): void;
  rmsNormWeights(x: number, dy: number, dw: number, rows: number, n: number, epsilon: number): void;
  addColumns(x: number, rows: number, n: number, to: number): void;
  siluTimesBackward(gate: number, up: number, d: number, n: number): void;
  softmaxBackward(p: number, d: number, rows: number, n: number, scale: number): void;
  crossEntropy(x: number, n: number, target: number, factor: number): number;
  unpackBytes(src: number, scales: number, rows: number, columns: number, to: number): void;
  unpackNibbles(src: number, scales: number, rows: number, columns: number, to: number): void;
  unpackHalves(src: number, n: number, to: number): void;
  narrowFloats(src: number, n: number, to: number): void;
  widenFloats(src: number, n: number, to: number): void;
  dropout(x: number, rows: number, n: number, key: number, least: number, scale: number, y: number, add: boolean): void;
  columnBlock(
    t: number,
    errors: number,
    u: number,
    ldu: number,
    rows: number,
    width: number,
    mask: number,
    keep: number,
    bits: number,
    scales: number,
    groups: number,
    fixedScales: boolean,
    levels: number,
    candidates: number,
  ): void;
  tileIn(src: number, ld: number, rows: number, columns: number, to: number, tileRows: number): void;
  tileOut(src: number, tileRows: number, rows: number, columns: number, to: number, ld: number): void;
}

/** Rows of a panel of the left operand, columns of one of the right (src/matrix/gemm.ts). */
const PANEL = { rows: 6, columns: 8 } as const;

/** Floats that a packed left operand of `rows` x k, or right operand of k x `columns`, takes. */
export const packedA = (rows: number, k: number) => Math.ceil(rows / PANEL.rows) * PANEL.rows * k;
export const packedB = (columns: number, k: number) => Math.ceil(columns / PANEL.columns) * PANEL.columns * k;

/** How a matrix is stored: values of src/matrix/weights.ts. */
export const FORMS = { fp32: 0, fp16: 1, int8: 2, int4: 3 } as const;

/** A stored matrix [rows = outputs, columns = inputs] in a matrix's memory. */
export interface Stored {
  form: keyof typeof FORMS;
  rows: number;
  columns: number;
  data: number;
  /** 0 where the form has none. */
  scales: number;
}

/** Writes what kernels are told of a stored matrix; its address. */
export function describe(m: Matrix, { form, data, scales, rows, columns }: Stored): number {
  const at = m.take(5 * 4);
  m.i32(at, 5).set([FORMS[form], data, scales, rows, columns]);
  return at;
}

/** How products of levels are computed, for the same sums: values of src/matrix/levels.ts. */
export const DOTS = { pairs: 0, signed: 1, unsigned: 2 } as const;

const PAGE = 65_536;
const ALIGN = 64;

/** One instance: kernels, and memory that is taken and given back like a stack. Views end when memory grows: take them late. */
export interface Matrix {
  readonly k: Exports;
  readonly relaxed: boolean;
  /** How this device multiplies levels fastest (DOTS). */
  readonly dot: number;
  /** Bytes at an address that is a multiple of 64; contents are whatever was there. */
  take(bytes: number): number;
  /** Everything taken inside `work` is free again after it. */
  within<T>(work: () => T): T;
  f32(at: number, length: number): Float32Array<ArrayBuffer>;
  f64(at: number, length: number): Float64Array<ArrayBuffer>;
  i32(at: number, length: number): Int32Array<ArrayBuffer>;
  u8(at: number, length: number): Uint8Array<ArrayBuffer>;
  /** Copies into fresh memory, as bytes. */
  put(data: Float32Array | Uint16Array | Uint8Array): number;
  heapBytes(): number;
}

/** A module of one function that does an f32x4.relaxed_madd: valid only where relaxed SIMD is. */
const RELAXED_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0],
  ...[65, 0, 253, 17, 65, 0, 253, 17, 65, 0, 253, 17, 253, 133, 2, 11],
);

/** Whether this engine fuses multiply and add (relaxed SIMD). */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(RELAXED_PROBE);

/** `dot`: another way than this device's fastest. */
export async function openMatrix(
  bytes: BufferSource,
  relaxed: boolean,
  dot: keyof typeof DOTS = (relaxed && deviceDot()) || 'pairs',
): Promise<Matrix> {
  const { instance } = await WebAssembly.instantiate(bytes, {
    env: {
      abort: () => {
        throw new JoulewiseError('internal', 'A matrix kernel stopped.');
      },
    },
  });
  const k = instance.exports as unknown as Exports & { heapStart(): number };
  const start = Math.ceil(k.heapStart() / ALIGN) * ALIGN;
  let top = start;
  const matrix: Matrix = {
    k,
    relaxed,
    dot: DOTS[dot],
    take(bytes) {
      const at = top;
      top = Math.ceil((at + bytes) / ALIGN) * ALIGN;
      // One more page: SIMD loads of a tail may read past its end.
      const pages = Math.ceil(top / PAGE) + 1 - k.memory.buffer.byteLength / PAGE;
      if (pages > 0)
        try {
          k.memory.grow(pages);
        } catch (cause) {
          throw new JoulewiseError(
            'engine.memory',
            `This needs ${Math.round(top / 2 ** 20)} MB in one thread, which the browser does not give. Choose a smaller model; for calibration, a recipe without sparsegpt or gptq; for training, fewer bits.`,
            { cause },
          );
        }
      return at;
    },
    within(work) {
      const mark = top;
      try {
        return work();
      } finally {
        top = mark;
      }
    },
    f32: (at, length) => new Float32Array(k.memory.buffer, at, length),
    f64: (at, length) => new Float64Array(k.memory.buffer, at, length),
    i32: (at, length) => new Int32Array(k.memory.buffer, at, length),
    u8: (at, length) => new Uint8Array(k.memory.buffer, at, length),
    put(data) {
      const at = matrix.take(data.byteLength);
      matrix.u8(at, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      return at;
    },
    heapBytes: () => k.memory.buffer.byteLength,
  };
  return matrix;
}

/**
 * U, upper, with (H + damping I)^-1 = U^T U, as float32 [n, n] in `to`; the order GPTQ and SparseGPT need (their
 * `cholesky(cholesky_inverse(cholesky(H)), upper=True)`), found with one factorization and one triangular inverse: with J
 * the reversal of indices, J H J = L L^T gives U = J L^-1 J. Computed in float64; H is symmetric, float64 [n, n].
 * Returns the column whose pivot was not positive, or -1.
 */
export function inverseFactor(m: Matrix, h: Float64Array, n: number, damping: number, to: number): number {
  return m.within(() => {
    const a = m.take(n * n * 8);
    const inverse = m.take(n * n * 8);
    const scratch = m.take(m.k.scratch64(n));
    const matrix = m.f64(a, n * n);
    for (let i = 0; i < n; i++) {
      const from = (n - 1 - i) * n;
      const at = i * n;
      for (let j = 0; j <= i; j++) matrix[at + j] = h[from + n - 1 - j] as number;
      matrix[at + i] = (matrix[at + i] as number) + damping;
    }
    const failed = m.k.cholesky(a, n, scratch);
    if (failed >= 0) return n - 1 - failed;
    m.k.invertLower(a, inverse, n, scratch);
    const lower = m.f64(inverse, n * n);
    const u = m.f32(to, n * n);
    for (let i = 0, last = n * n - 1; i <= last; i++) u[i] = lower[last - i] as number;
    return -1;
  });
}

/** y [m, n] = x [m, k] w^T for row-major w [n, k]; a convenience for tests and for errors of layers. */
export function timesTransposed(
  m: Matrix,
  x: Float32Array,
  w: Float32Array,
  rows: number,
  n: number,
  k: number,
): Float32Array<ArrayBuffer> {
  return m.within(() => {
    const a = m.take(packedA(rows, k) * 4);
    const b = m.take(packedB(n, k) * 4);
    const c = m.take(rows * n * 4);
    m.k.packA(m.put(x), k, rows, k, a, 1);
    m.k.packBTransposed(m.put(w), k, n, k, b);
    m.k.gemm(a, b, c, n, rows, n, k, false, false);
    return m.f32(c, rows * n).slice();
  });
}
