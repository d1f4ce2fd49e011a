/** Stored weights (tensor/stored.ts) as float32 [rows, columns]. */

/** Weights that share a scale. */
const BLOCK: usize = 32;

/** Bytes of blocks: (q - 128) * scale. A row's last block may be longer than the row. */
export function unpackBytes(src: usize, scales: usize, rows: usize, columns: usize, to: usize): void {
  const zero = i16x8.splat(128);
  for (let r: usize = 0; r < rows; r++)
    for (let c: usize = 0; c < columns; c += BLOCK) {
      const scale = v128.load32_splat(scales);
      const n = min(BLOCK, columns - c);
      let i: usize = 0;
      for (; i + 8 <= n; i += 8) {
        const q = i16x8.sub(v128.load8x8_u(src + i), zero);
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(q)), scale));
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(q)), scale), 16);
        to += 32;
      }
      for (; i < n; i++) {
        store<f32>(to, <f32>(<i32>load<u8>(src + i) - 128) * load<f32>(scales));
        to += 4;
      }
      src += BLOCK;
      scales += 4;
    }
}

/** The nibbles of the first eight bytes, the low one of each before its high one, as bytes. */
export function nibbles(both: v128): v128 {
  const even = v128.and(both, i8x16.splat(15));
  const odd = i8x16.shr_u(both, 4);
  return i8x16.shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** Nibbles of blocks, element 2i in the low one: (q - 8) * scale. */
export function unpackNibbles(src: usize, scales: usize, rows: usize, columns: usize, to: usize): void {
  const zero = i16x8.splat(8);
  for (let r: usize = 0; r < rows; r++)
    for (let c: usize = 0; c < columns; c += BLOCK) {
      const scale = v128.load32_splat(scales);
      const n = min(BLOCK, columns - c);
      let i: usize = 0;
      for (; i + 16 <= n; i += 16) {
        const order = nibbles(v128.load64_zero(src + i / 2));
        const a = i16x8.sub(i16x8.extend_low_i8x16_u(order), zero);
        const b = i16x8.sub(i16x8.extend_high_i8x16_u(order), zero);
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(a)), scale));
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(a)), scale), 16);
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(b)), scale), 32);
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(b)), scale), 48);
        to += 64;
      }
      for (; i < n; i++) {
        const byte = <i32>load<u8>(src + i / 2);
        store<f32>(to, <f32>((i & 1 ? byte >> 4 : byte & 15) - 8) * load<f32>(scales));
        to += 4;
      }
      src += BLOCK / 2;
      scales += 4;
    }
}

/** One half-precision number, finite: its bits in float32's places, times 2^112, which also makes subnormals right. */
export function half(bits: v128): v128 {
  const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  return v128.or(f32x4.mul(magnitude, i32x4.splat(0x77800000)), sign);
}

/** Half-precision bits; n of them. */
export function unpackHalves(src: usize, n: usize, to: usize): void {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) v128.store(to + i * 4, half(v128.load16x4_u(src + i * 2)));
  for (; i < n; i++) store<f32>(to + i * 4, f32x4.extract_lane(half(i32x4.splat(<i32>load<u16>(src + i * 2))), 0));
}

/** n float32, a multiple of 4, as bfloat16, rounded half to even: what is kept between the two ways. */
export function narrowFloats(src: usize, n: usize, to: usize): void {
  const half = i32x4.splat(0x7fff);
  const one = i32x4.splat(1);
  for (const end = src + n * 4; src < end; src += 16, to += 8) {
    const bits = v128.load(src);
    const even = v128.and(i32x4.shr_u(bits, 16), one);
    const high = i32x4.shr_u(i32x4.add(bits, i32x4.add(half, even)), 16);
    v128.store64_lane(to, i16x8.narrow_i32x4_u(high, high), 0);
  }
}

/** The way back. */
export function widenFloats(src: usize, n: usize, to: usize): void {
  for (const end = to + n * 4; to < end; src += 8, to += 16) v128.store(to, i32x4.shl(v128.load16x4_u(src), 16));
}
