/** float16 <-> float32, since not every browser has Float16Array. */

/** Every float16 bit pattern as float32: 256 KiB, made once, faster than any branch. */
let halves: Float32Array | null = null;
export function halfTable(): Float32Array {
  if (halves) return halves;
  const table = new Float32Array(65536);
  for (let h = 0; h < 65536; h++) {
    const sign = h & 0x8000 ? -1 : 1;
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    table[h] =
      exponent === 0
        ? sign * fraction * 2 ** -24
        : exponent === 31
          ? fraction
            ? NaN
            : sign * Infinity
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return (halves = table);
}

const scratch = new DataView(new ArrayBuffer(4));
/** Nearest float16 bits of a float32 (round half to even; overflow to infinity). */
export function toHalf(value: number): number {
  scratch.setFloat32(0, value);
  const x = scratch.getUint32(0);
  const sign = (x >>> 16) & 0x8000;
  const abs = x & 0x7fffffff;
  if (abs >= 0x47800000) return sign | (abs > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (abs < 0x38800000) {
    // Subnormal half: scale so that the unit in the last place becomes 1, and let the FPU round to even.
    const m = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(m);
    const rest = m - floor;
    return sign | (rest > 0.5 || (rest === 0.5 && floor & 1) ? floor + 1 : floor);
  }
  const rounded = abs + 0xfff + ((abs >>> 13) & 1);
  return rounded >= 0x47800000 ? sign | 0x7c00 : sign | ((rounded - 0x38000000) >>> 13);
}

/** Adding and subtracting this rounds half to even for |x| < 2^51, as PyTorch and NumPy do: 1.5 * 2^52. */
export const ROUND = 6755399441055744;
