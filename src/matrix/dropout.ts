// Dropout (Srivastava et al. 2014), as PyTorch scales it: what is kept is multiplied by 1 / (1 - share), so that sums keep
// their mean. Which values are kept is a function of a key and of their place alone: it is never stored, both ways make it
// anew, and no thread's order of work changes it.

/** Chris Wellons' lowbias32: every bit of the result depends on every bit of x. */
function mix(x: u32): u32 {
  x ^= x >> 16;
  x *= 0x7feb352d;
  x ^= x >> 15;
  x *= 0x846ca68b;
  return x ^ (x >> 16);
}

function mix4(x: v128): v128 {
  x = v128.xor(x, i32x4.shr_u(x, 16));
  x = i32x4.mul(x, i32x4.splat(0x7feb352d));
  x = v128.xor(x, i32x4.shr_u(x, 15));
  x = i32x4.mul(x, i32x4.splat(<i32>0x846ca68b));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

/** Steps of one column and of four: 2^32 over the golden ratio. */
const COLUMNS = memory.data<u32>([0, 0x9e3779b9, 0x3c6ef372, 0xdaa66d2b], 16);
const FOUR: u32 = 0x78dde6e4;

/**
 * y [rows, n] = x scale where it is kept, else 0; with `add` it is added. A value is kept where its place's 32 bits are at
 * least `least`. n is a multiple of 4; y may be x.
 */
export function dropout(x: usize, rows: usize, n: usize, key: u32, least: u32, scale: f32, y: usize, add: bool): void {
  const bound = i32x4.splat(<i32>least);
  const factor = f32x4.splat(scale);
  for (let r: usize = 0; r < rows; r++) {
    const row = i32x4.splat(<i32>mix(key ^ mix(<u32>r + 1)));
    let columns = v128.load(COLUMNS);
    for (let i: usize = 0; i < n; i += 4) {
      const kept = v128.ge<u32>(mix4(v128.xor(row, columns)), bound);
      const value = v128.and(f32x4.mul(v128.load(x), factor), kept);
      v128.store(y, add ? f32x4.add(v128.load(y), value) : value);
      columns = i32x4.add(columns, i32x4.splat(<i32>FOUR));
      x += 16;
      y += 16;
    }
  }
}
