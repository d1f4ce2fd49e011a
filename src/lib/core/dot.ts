/** Exports p: lane 0 of i32x4.relaxed_dot_i8x16_i7x16_add_s(100 x 16, -56 x 16, 7 x 4). */
const DOT_MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 112, 0, 0, 10, 23, 1, 21, 0, 65, 228, 0,
  253, 15, 65, 72, 253, 15, 65, 7, 253, 17, 253, 147, 2, 253, 27, 0, 11,
];
/** What that lane holds: 7 + 4 * 100 * 200 where the second operand is unsigned, 7 + 4 * 100 * -56 where it is signed. */
const DOT_SUMS: Readonly<Record<number, ByteDot>> = { 80007: 'unsigned', [-22393]: 'signed' };

/** Builds of our own kernels: with relaxed SIMD, and without. */
export type BuildName = 'relaxed' | 'plain';

/**
 * How a device's relaxed dot takes its second operand where it sums four byte products in one instruction: unsigned on
 * x86 with VNNI, signed on ARM. Null where it keeps seven bits only (or, as Node 20, forgets the sum's start), and where
 * relaxed SIMD is not known.
 */
export type ByteDot = 'unsigned' | 'signed' | null;

let found: ByteDot | undefined;

/** What this device does, asked once. Only where relaxed SIMD is known: elsewhere the module is not valid. */
export function deviceDot(): ByteDot {
  if (found === undefined) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(DOT_MODULE)));
    found = DOT_SUMS[(exports['p'] as () => number)()] ?? null;
  }
  return found;
}
