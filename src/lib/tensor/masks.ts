/** Keeps the two largest of each four consecutive inputs; equal magnitudes keep the earlier one. */
export function prune2of4(w: Float32Array): void {
  const bits = new Int32Array(w.buffer, w.byteOffset, w.length);
  // Magnitudes compare as integers: the float32 pattern without its sign is monotone.
  for (let i = 0; i + 3 < bits.length; i += 4) {
    const a = (bits[i] as number) & 0x7fffffff;
    const b = (bits[i + 1] as number) & 0x7fffffff;
    const c = (bits[i + 2] as number) & 0x7fffffff;
    const d = (bits[i + 3] as number) & 0x7fffffff;
    const ab = +(a >= b);
    const ac = +(a >= c);
    const ad = +(a >= d);
    const bc = +(b >= c);
    const bd = +(b >= d);
    const cd = +(c >= d);
    // How many of the other three each one beats: the two that beat at least two stay.
    bits[i] = (bits[i] as number) & -+(ab + ac + ad >= 2);
    bits[i + 1] = (bits[i + 1] as number) & -+(1 - ab + bc + bd >= 2);
    bits[i + 2] = (bits[i + 2] as number) & -+(2 - ac - bc + cd >= 2);
    bits[i + 3] = (bits[i + 3] as number) & -+(3 - ad - bd - cd >= 2);
  }
}

const HIGH_BINS = 1 << 15;
const LOW_BINS = 1 << 16;

/**
 * Zeroes exactly floor(share * n) weights of least magnitude, without sorting: a radix selection on the float32
 * patterns (upper 15 bits, then lower 16) finds the exact threshold; ties go in order of index.
 */
export function pruneMagnitude(w: Float32Array, share: number): void {
  const remove = Math.floor(share * w.length);
  if (remove === 0) return;
  const bits = new Int32Array(w.buffer, w.byteOffset, w.length);
  const n = bits.length;
  // Neighbours often fall into one bin: two histograms keep their increments from waiting for each other.
  const even = new Int32Array(HIGH_BINS);
  const odd = new Int32Array(HIGH_BINS);
  let i = 0;
  for (; i + 1 < n; i += 2) {
    const a = ((bits[i] as number) & 0x7fffffff) >>> 16;
    const b = ((bits[i + 1] as number) & 0x7fffffff) >>> 16;
    even[a] = (even[a] as number) + 1;
    odd[b] = (odd[b] as number) + 1;
  }
  if (i < n) {
    const a = ((bits[i] as number) & 0x7fffffff) >>> 16;
    even[a] = (even[a] as number) + 1;
  }
  let below = 0;
  let bin = 0;
  for (; bin < HIGH_BINS - 1; bin++) {
    const here = (even[bin] as number) + (odd[bin] as number);
    if (below + here > remove) break;
    below += here;
  }
  const low = new Int32Array(LOW_BINS);
  for (let j = 0; j < n; j++) {
    const a = (bits[j] as number) & 0x7fffffff;
    if (a >>> 16 === bin) low[a & 0xffff] = (low[a & 0xffff] as number) + 1;
  }
  let fine = 0;
  while (below + (low[fine] as number) <= remove && fine < LOW_BINS - 1) below += low[fine++] as number;
  const threshold = (bin << 16) | fine;
  // Half of all comparisons go either way: masks instead of branches. Both sides are below 2^31, so nothing overflows.
  for (let j = 0; j < n; j++) {
    const x = bits[j] as number;
    bits[j] = x & ~(((x & 0x7fffffff) - threshold) >> 31);
  }
  for (let j = 0, ties = remove - below; ties > 0 && j < n; j++)
    if (((bits[j] as number) & 0x7fffffff) === threshold) {
      bits[j] = 0;
      ties--;
    }
}

/** Rows that share one pattern of 2:4: what a kernel of tiles can skip together. */
export const TILE_ROWS = 128;

/** 2:4 with one pattern for each 128 outputs: the two inputs of four whose weights' squares sum highest stay. */
export function pruneTiles2of4(w: Float32Array, rows: number, columns: number): void {
  const sums = new Float64Array(4);
  for (let r0 = 0; r0 < rows; r0 += TILE_ROWS) {
    const r1 = Math.min(r0 + TILE_ROWS, rows);
    for (let c = 0; c + 3 < columns; c += 4) {
      sums.fill(0);
      for (let r = r0; r < r1; r++)
        for (let i = 0; i < 4; i++) sums[i] = (sums[i] as number) + (w[r * columns + c + i] as number) ** 2;
      const order = [0, 1, 2, 3].sort((a, b) => (sums[b] as number) - (sums[a] as number) || a - b);
      for (const i of order.slice(2)) for (let r = r0; r < r1; r++) w[r * columns + c + i] = 0;
    }
  }
}
