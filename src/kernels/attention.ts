// Causal attention with grouped queries over a cache that grows in chunks of 64 positions. Chunk-major, so that growing
// copies nothing:
//
//   chunk 0: layer 0: kv head 0: keys [8 blocks of 8 positions][headDim][8 positions], values [headDim / 8][64][8]
//                     kv head 1: ...
//            layer 1: ...
//   chunk 1: ...
//
// Keys lie so that one query meets 8 of them at a time, values so that one weight meets 8 dimensions; both are the
// weight operand of a GEMM tile as they are.
//
// A token at slot t sees the slots below PASS_PREFIX and those of its own span, start..t. A plain prompt is one span
// from 0; candidates that share a prefix are spans behind it.
import { tileF32 } from './gemm';
import {
  CHUNK,
  KEY_BLOCK,
  M_ATTENDED,
  M_HEADS,
  M_HEAD_DIM,
  M_KV,
  M_KV_CHUNK_BYTES,
  M_KV_HEAD_BYTES,
  M_KV_HEADS,
  M_PARTIALS,
  M_Q,
  M_SCALE,
  M_STRIDE_Q,
  PASS_PREFIX,
  PASS_SPANS,
  PASS_START,
  PASS_TOKENS,
  P_OUT,
  P_QUERY,
  P_SCORES,
  P_WEIGHTS,
  TILE,
} from './layout';
import { copyIntoTile } from './activations';
import { EXP_LEAST, exp4, fma, maxOf, sumOf } from './simd';

/** Keys (and after them values) of a kv head in chunk 0. */
// @ts-ignore: decorator
@inline
export function headStart(layer: i32, kvHead: i32): usize {
  return <usize>load<u32>(M_KV) + <usize>(layer * load<i32>(M_KV_HEADS) + kvHead) * load<u32>(M_KV_HEAD_BYTES);
}

/** Keys (and after them values), in chunk 0, of the kv head that a query head attends with. */
// @ts-ignore: decorator
@inline
export function groupStart(layer: i32, head: i32): usize {
  return headStart(layer, head / (load<i32>(M_HEADS) / load<i32>(M_KV_HEADS)));
}

/** q[headDim] *= headDim^-0.5. */
export function scaleQuery(q: usize, headDim: i32): void {
  const scale = f32x4.splat(load<f32>(M_SCALE));
  for (const end = q + (<usize>headDim << 2); q < end; q += 16) v128.store(q, f32x4.mul(v128.load(q), scale));
}

/** Where each row's 1 / sum stands behind a tile of results [TILE][headDim]. */
// @ts-ignore: decorator
@inline
export function inversesAt(out: usize, headDim: i32): usize {
  return out + ((<usize>TILE * headDim) << 2);
}

/** A tile of weighted sums times each row's 1 / sum -> the rows of `to`. */
export function putTile(out: usize, headDim: i32, rows: i32, to: usize, stride: usize): void {
  const headBytes = <usize>headDim << 2;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const inverse = v128.load32_splat(inversesAt(out, headDim) + (r << 2));
    for (let i: usize = 0; i < headBytes; i += 16)
      v128.store(to + r * stride + i, f32x4.mul(inverse, v128.load(out + r * headBytes + i)));
  }
}

/** Stores one token's key and value of a kv head at `slot`. */
export function storeKeyValue(layer: i32, kvHead: i32, slot: i32, key: usize, value: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  const chunk = headStart(layer, kvHead) + <usize>(slot / CHUNK) * load<u32>(M_KV_CHUNK_BYTES);
  const at = slot % CHUNK;
  let k = chunk + ((<usize>(at / KEY_BLOCK) * headDim * KEY_BLOCK + (at % KEY_BLOCK)) << 2);
  for (const end = key + (<usize>headDim << 2); key < end; key += 4, k += KEY_BLOCK * 4) store<f32>(k, load<f32>(key));
  let v = chunk + ((<usize>CHUNK * headDim + at * KEY_BLOCK) << 2);
  for (const end = value + (<usize>headDim << 2); value < end; value += 32, v += CHUNK * KEY_BLOCK * 4) {
    v128.store(v, v128.load(value));
    v128.store(v, v128.load(value, 16), 16);
  }
}

/** Takes out of s[padded] what is not seen: slots from `prefix` to `span`, and those behind `slot`. */
function hide(s: usize, padded: i32, prefix: i32, span: i32, slot: i32): void {
  for (let j = prefix; j < span; j++) store<f32>(s + (<usize>j << 2), -Infinity);
  for (let j = slot + 1; j < padded; j++) store<f32>(s + (<usize>j << 2), -Infinity);
}

function largestOf(s: usize, padded: i32): f32 {
  let top = f32x4.splat(-Infinity);
  for (const end = s + (<usize>padded << 2); s < end; s += 16) top = f32x4.pmax(top, v128.load(s));
  return maxOf(top);
}

/** s[padded] -> exp(s - largest), 0 where that is below float32's normal range; returns their sum. */
function exponentials(s: usize, padded: i32, largest: f32): f32 {
  const top = f32x4.splat(largest);
  const least = f32x4.splat(EXP_LEAST);
  let total = f32x4.splat(0);
  for (const end = s + (<usize>padded << 2); s < end; s += 16) {
    const d = f32x4.sub(v128.load(s), top);
    const e = v128.and(exp4(d), f32x4.ge(d, least));
    v128.store(s, e);
    total = f32x4.add(total, e);
  }
  return sumOf(total);
}

/** exp(score - largest) in place, 0 for what is not seen; `padded` is a multiple of 4. Returns 1 / sum. */
export function softmax(s: usize, padded: i32, prefix: i32, span: i32, slot: i32): f32 {
  hide(s, padded, prefix, span, slot);
  return 1 / exponentials(s, padded, largestOf(s, padded));
}

// ------------------------------------------------------------------ one token
// A decode step shares out pairs of (chunk of positions, query head), chunk by chunk, so that a chunk's keys and values
// are read from far memory once for all heads of a group, in one long stream, however many threads there are. A pair
// leaves its partial sums; whoever needs a head adds up its chunks in order, so any number of threads gives the same bits.
//
//   partials: [chunk][head]: weighted values [headDim], sum of the weights, largest score (padded to 16 bytes)

/** Floats of a partial beside the values. */
const REST = 4;

/** Bytes of a partial. */
// @ts-ignore: decorator
@inline
function partialBytes(headDim: i32): usize {
  return <usize>(headDim + REST) << 2;
}

/** Where a chunk's partial of a head lies. */
// @ts-ignore: decorator
@inline
export function partialAt(chunk: i32, head: i32): usize {
  return (
    <usize>load<u32>(M_PARTIALS) + <usize>(chunk * load<i32>(M_HEADS) + head) * partialBytes(load<i32>(M_HEAD_DIM))
  );
}

/** Chunks that a token at `slot` sees. */
// @ts-ignore: decorator
@inline
export function chunksOf(slot: i32): i32 {
  return slot / CHUNK + 1;
}

/** Softmax weights of a chunk's scores [padded], of which the first `count` are seen; what they add up to goes to `partial`. */
export function weighChunk(scores: usize, padded: i32, count: i32, partial: usize, headDim: i32): void {
  hide(scores, padded, 0, 0, count - 1);
  const largest = largestOf(scores, padded);
  const rest = partial + (<usize>headDim << 2);
  store<f32>(rest, exponentials(scores, padded, largest));
  store<f32>(rest, largest, 4);
}

/** Adds up the partials of a head: to[headDim] = softmax-weighted mean of the values. */
export function combine(head: i32, chunks: i32, to: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  const bytes = <usize>headDim << 2;
  let largest: f32 = -Infinity;
  for (let c = 0; c < chunks; c++) largest = max(largest, load<f32>(partialAt(c, head) + bytes, 4));
  memory.fill(to, 0, bytes);
  let total: f32 = 0;
  for (let c = 0; c < chunks; c++) {
    const partial = partialAt(c, head);
    const below = load<f32>(partial + bytes, 4) - largest;
    if (below < EXP_LEAST) continue;
    const factor = exp4(f32x4.splat(below));
    total += load<f32>(partial + bytes) * f32x4.extract_lane(factor, 0);
    for (let i: usize = 0; i < bytes; i += 16)
      v128.store(to + i, fma(v128.load(partial + i), factor, v128.load(to + i)));
  }
  const inverse = f32x4.splat(1 / total);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, f32x4.mul(v128.load(to + i), inverse));
}

/** Positions that one round scores: four blocks, so that eight sums are under way. */
const ROUND = 4 * KEY_BLOCK;

/** One scaled query head over one chunk -> its partial. `scores`: CHUNK floats. */
export function attendChunk(layer: i32, head: i32, chunk: i32, q: usize, scores: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  const count = min(CHUNK, load<i32>(PASS_START) + 1 - chunk * CHUNK);
  const start = groupStart(layer, head) + <usize>chunk * load<u32>(M_KV_CHUNK_BYTES);
  const partial = partialAt(chunk, head);
  const qEnd = q + (<usize>headDim << 2);
  const blockBytes: usize = <usize>headDim * KEY_BLOCK * 4;
  const zero = f32x4.splat(0);
  const padded = (count + ROUND - 1) & -ROUND;
  for (let at = 0; at < padded; at += ROUND) {
    let k = start + <usize>(at / KEY_BLOCK) * blockBytes;
    let l = k + 2 * blockBytes;
    let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
    for (let i = q; i < qEnd; i += 4, k += KEY_BLOCK * 4, l += KEY_BLOCK * 4) {
      const s = v128.load32_splat(i);
      a0 = fma(v128.load(k), s, a0);
      a1 = fma(v128.load(k, 16), s, a1);
      b0 = fma(v128.load(k + blockBytes), s, b0);
      b1 = fma(v128.load(k + blockBytes, 16), s, b1);
      c0 = fma(v128.load(l), s, c0);
      c1 = fma(v128.load(l, 16), s, c1);
      d0 = fma(v128.load(l + blockBytes), s, d0);
      d1 = fma(v128.load(l + blockBytes, 16), s, d1);
    }
    const o = scores + (<usize>at << 2);
    v128.store(o, a0);
    v128.store(o, a1, 16);
    v128.store(o, b0, 32);
    v128.store(o, b1, 48);
    v128.store(o, c0, 64);
    v128.store(o, c1, 80);
    v128.store(o, d0, 96);
    v128.store(o, d1, 112);
  }
  weighChunk(scores, padded, count, partial, headDim);
  const values = start + <usize>CHUNK * headDim * 4;
  const end = scores + (<usize>((count + 1) & -2) << 2);
  for (let d = 0; d < headDim; d += 2 * KEY_BLOCK) {
    // Of an odd number of blocks the last is done twice, with the same result.
    const e = min(d + KEY_BLOCK, headDim - KEY_BLOCK);
    let v = values + <usize>d * CHUNK * 4;
    let w = values + <usize>e * CHUNK * 4;
    let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
    // Even and odd positions apart, so that eight sums are under way; an odd last position meets a weight of 0.
    for (let s = scores; s < end; s += 8, v += KEY_BLOCK * 8, w += KEY_BLOCK * 8) {
      const even = v128.load32_splat(s);
      a0 = fma(v128.load(v), even, a0);
      a1 = fma(v128.load(v, 16), even, a1);
      c0 = fma(v128.load(w), even, c0);
      c1 = fma(v128.load(w, 16), even, c1);
      const odd = v128.load32_splat(s, 4);
      b0 = fma(v128.load(v, 32), odd, b0);
      b1 = fma(v128.load(v, 48), odd, b1);
      d0 = fma(v128.load(w, 32), odd, d0);
      d1 = fma(v128.load(w, 48), odd, d1);
    }
    let o = partial + (<usize>d << 2);
    v128.store(o, f32x4.add(a0, b0));
    v128.store(o, f32x4.add(a1, b1), 16);
    o = partial + (<usize>e << 2);
    v128.store(o, f32x4.add(c0, d0));
    v128.store(o, f32x4.add(c1, d1), 16);
  }
}

// ------------------------------------------------------------------ many tokens

/** One query head of the tile of tokens that begins at `token`: scores, softmax and the weighted values as GEMM tiles. */
export function attendTile(layer: i32, head: i32, token: i32, mine: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  const chunkBytes = <usize>load<u32>(M_KV_CHUNK_BYTES);
  const rows = min(TILE, load<i32>(PASS_TOKENS) - token);
  const firstSlot = load<i32>(PASS_START) + token;
  const count = firstSlot + rows;
  const padded = (count + KEY_BLOCK - 1) & ~(KEY_BLOCK - 1);
  const start = groupStart(layer, head);
  const stride = <usize>load<u32>(M_STRIDE_Q) << 2;
  const query = mine + load<u32>(P_QUERY);
  const scores = mine + load<u32>(P_SCORES);
  const weights = mine + load<u32>(P_WEIGHTS);
  const out = mine + load<u32>(P_OUT);
  const prefix = load<i32>(PASS_PREFIX);
  const spans = <usize>load<u32>(PASS_SPANS);

  const headBytes = <usize>headDim << 2;
  const qStart = <usize>load<u32>(M_Q) + <usize>token * stride + <usize>head * headBytes;
  for (let r = 0; r < rows; r++) {
    const q = qStart + <usize>r * stride;
    scaleQuery(q, headDim);
    copyIntoTile(q, headDim, query, r);
  }
  const scoreBytes = <usize>padded << 2;
  for (let k = 0; k < padded; k += KEY_BLOCK)
    tileF32(
      query,
      start + <usize>(k / CHUNK) * chunkBytes + <usize>(k % CHUNK) * headBytes,
      KEY_BLOCK * 4,
      headDim,
      scores + (<usize>k << 2),
      scoreBytes,
      rows,
      false,
    );
  for (let r = 0; r < rows; r++) {
    const s = scores + <usize>r * scoreBytes;
    const inverse = softmax(s, padded, prefix, load<i32>(spans + (<usize>(token + r) << 2)), firstSlot + r);
    store<f32>(inversesAt(out, headDim) + (<usize>r << 2), inverse);
    copyIntoTile(s, padded, weights, r);
  }
  const values = start + <usize>CHUNK * headBytes;
  for (let from = 0; from < padded; from += CHUNK)
    for (let d = 0; d < headDim; d += KEY_BLOCK)
      tileF32(
        weights + <usize>from * TILE * 4,
        values + <usize>(from / CHUNK) * chunkBytes + <usize>d * CHUNK * 4,
        KEY_BLOCK * 4,
        min(CHUNK, padded - from),
        out + (<usize>d << 2),
        headBytes,
        rows,
        from > 0,
      );
  putTile(out, headDim, rows, <usize>load<u32>(M_ATTENDED) + <usize>token * stride + <usize>head * headBytes, stride);
}
