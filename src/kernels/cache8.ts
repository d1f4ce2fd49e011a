// Attention over an int8 cache: a quarter of float32's bytes. Keys and values are int8 with one scale per position and
// head, queries and softmax weights 16-bit levels, so that both products are those of int8.ts: a key-value head's keys
// are a matrix [positions, headDim], its values one [headDim, positions]. A key-value head in a chunk:
//
//   keys: 4 panels of 16 positions | 64 float32 scales | values: panels of 16 dimensions x 64 positions | 64 scales
//
// The values' scales belong to inputs, not outputs, so they are multiplied into the softmax weights.
import { quantize, quantizeIntoTile } from './activations';
import { groupStart, headStart, inversesAt, partialAt, putTile, scaleQuery, softmax, weighChunk } from './attention';
import { tileInt } from './gemm';
import { gemvInt8, unpackInt8 } from './int8';
import {
  CHUNK,
  M_ATTENDED,
  M_HEAD_DIM,
  M_KV_CHUNK_BYTES,
  M_ONES,
  M_Q,
  M_STRIDE_Q,
  PANEL,
  PASS_PREFIX,
  PASS_SPANS,
  PASS_START,
  PASS_TOKENS,
  P_LEVELS,
  P_OUT,
  P_PANEL,
  P_QUERY,
  P_SCORES,
  P_WEIGHTS,
  TILE,
  TILE_COLUMNS,
  TOP_BYTE,
} from './layout';

const SCALES: usize = CHUNK * 4;
/** Bytes of a group of four inputs in a panel. */
const GROUP: usize = PANEL * 4;

// @ts-ignore: decorator
@inline
function chunkOf(start: usize, slot: i32): usize {
  return start + <usize>(slot / CHUNK) * load<u32>(M_KV_CHUNK_BYTES);
}
// @ts-ignore: decorator
@inline
function keyScales(chunk: usize, headDim: i32): usize {
  return chunk + CHUNK * headDim;
}
// @ts-ignore: decorator
@inline
function valuesOf(chunk: usize, headDim: i32): usize {
  return keyScales(chunk, headDim) + SCALES;
}
// @ts-ignore: decorator
@inline
function panels(headDim: i32): i32 {
  return (headDim + PANEL - 1) & -PANEL;
}
// @ts-ignore: decorator
@inline
function valueScales(chunk: usize, headDim: i32): usize {
  return valuesOf(chunk, headDim) + CHUNK * panels(headDim);
}

/** What turns x[n] into bytes; 0 where it is all zero. */
function largest(x: usize, n: i32): f32 {
  let m: f32 = 0;
  for (const end = x + (<usize>n << 2); x < end; x += 4) m = max(m, abs(load<f32>(x)));
  return m;
}
// @ts-ignore: decorator
@inline
function byteOf(x: f32, inverse: f32): i8 {
  return <i8>nearest<f32>(x * inverse);
}

/** Stores one token's key and value of a kv head at `slot`. */
export function storeKeyValue8(layer: i32, kvHead: i32, slot: i32, key: usize, value: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  const chunk = chunkOf(headStart(layer, kvHead), slot);
  const at = <usize>(slot % CHUNK);
  let m = largest(key, headDim);
  let inverse: f32 = m > 0 ? <f32>TOP_BYTE / m : 0;
  store<f32>(keyScales(chunk, headDim) + (at << 2), m / <f32>TOP_BYTE);
  const k = chunk + (at & ~(PANEL - 1)) * headDim + ((at & (PANEL - 1)) << 2);
  for (let i: usize = 0; i < <usize>headDim; i++)
    store<i8>(k + (i >> 2) * GROUP + (i & 3), byteOf(load<f32>(key + (i << 2)), inverse));
  m = largest(value, headDim);
  inverse = m > 0 ? <f32>TOP_BYTE / m : 0;
  store<f32>(valueScales(chunk, headDim) + (at << 2), m / <f32>TOP_BYTE);
  const v = valuesOf(chunk, headDim) + (at >> 2) * GROUP + (at & 3);
  for (let d: usize = 0; d < <usize>headDim; d++)
    store<i8>(v + (d & ~(PANEL - 1)) * CHUNK + ((d & (PANEL - 1)) << 2), byteOf(load<f32>(value + (d << 2)), inverse));
}

/** Softmax weights [padded] times the scales of the values they meet. */
function scaleWeights(s: usize, padded: i32, start: usize, headDim: i32): void {
  for (let from = 0; from < padded; from += CHUNK) {
    const scales = valueScales(chunkOf(start, from), headDim);
    const w = s + (<usize>from << 2);
    const bytes = <usize>min(CHUNK, padded - from) << 2;
    for (let i: usize = 0; i < bytes; i += 16) v128.store(w + i, f32x4.mul(v128.load(w + i), v128.load(scales + i)));
  }
}

/** One scaled query head over one chunk -> its partial, as in attention.ts. */
export function attendChunk8(layer: i32, head: i32, chunk: i32, q: usize, mine: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  const count = min(CHUNK, load<i32>(PASS_START) + 1 - chunk * CHUNK);
  const padded = (count + PANEL - 1) & -PANEL;
  const start = groupStart(layer, head) + <usize>chunk * load<u32>(M_KV_CHUNK_BYTES);
  const partial = partialAt(chunk, head);
  const scores = mine + load<u32>(P_SCORES);
  const levels = mine + load<u32>(P_LEVELS);
  const weights = mine + load<u32>(P_WEIGHTS);
  const out = mine + load<u32>(P_OUT);
  let scale = quantize(q, headDim, levels);
  gemvInt8(start, keyScales(start, headDim), headDim, levels, scale, scores, 0, padded);
  weighChunk(scores, padded, count, partial, headDim);
  scaleWeights(scores, padded, start, headDim);
  // Panels of values are whole chunks.
  memory.fill(scores + (<usize>padded << 2), 0, <usize>(CHUNK - padded) << 2);
  scale = quantize(scores, CHUNK, weights);
  gemvInt8(valuesOf(start, headDim), <usize>load<u32>(M_ONES), CHUNK, weights, scale, out, 0, panels(headDim));
  memory.copy(partial, out, <usize>headDim << 2);
}

/** One query head of the tile of tokens that begins at `token`. */
export function attendTile8(layer: i32, head: i32, token: i32, mine: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  const rows = min(TILE, load<i32>(PASS_TOKENS) - token);
  const firstSlot = load<i32>(PASS_START) + token;
  const padded = (firstSlot + rows + PANEL - 1) & -PANEL;
  const start = groupStart(layer, head);
  const stride = <usize>load<u32>(M_STRIDE_Q) << 2;
  const query = mine + load<u32>(P_QUERY);
  const scores = mine + load<u32>(P_SCORES);
  const weights = mine + load<u32>(P_WEIGHTS);
  const panel = mine + load<u32>(P_PANEL);
  const out = mine + load<u32>(P_OUT);
  const inverses = inversesAt(out, headDim);
  const tokenScales = inverses + TILE * 4;
  const prefix = load<i32>(PASS_PREFIX);
  const spans = <usize>load<u32>(PASS_SPANS);
  const headBytes = <usize>headDim << 2;
  const at = <usize>token * stride + <usize>head * headBytes;

  for (let r = 0; r < rows; r++) {
    const q = <usize>load<u32>(M_Q) + at + <usize>r * stride;
    scaleQuery(q, headDim);
    store<f32>(tokenScales + (<usize>r << 2), quantizeIntoTile(q, headDim, query, r));
  }
  const scoreBytes = <usize>padded << 2;
  for (let k = 0; k < padded; k += PANEL) {
    const chunk = chunkOf(start, k);
    const place = <usize>(k % CHUNK);
    unpackInt8(chunk + place * headDim, headDim, panel);
    for (let h: usize = 0; h < 2; h++) {
      const column = h * TILE_COLUMNS;
      tileInt(
        query, panel + column * headDim * 2, headDim >> 1, keyScales(chunk, headDim) + ((place + column) << 2),
        tokenScales, scores + ((<usize>k + column) << 2), scoreBytes, rows, false,
      );
    }
  }
  for (let r = 0; r < rows; r++) {
    const s = scores + <usize>r * scoreBytes;
    const inverse = softmax(s, padded, prefix, load<i32>(spans + (<usize>(token + r) << 2)), firstSlot + r);
    store<f32>(inverses + (<usize>r << 2), inverse);
    scaleWeights(s, padded, start, headDim);
    store<f32>(tokenScales + (<usize>r << 2), quantizeIntoTile(s, padded, weights, r));
  }
  for (let from = 0; from < padded; from += CHUNK) {
    const values = valuesOf(chunkOf(start, from), headDim);
    const pairs = min(CHUNK, padded - from) >> 1;
    for (let d = 0; d < headDim; d += PANEL) {
      unpackInt8(values + <usize>d * CHUNK, CHUNK, panel);
      for (let h = 0; h < 2; h++) {
        const column = d + h * TILE_COLUMNS;
        if (column < headDim)
          tileInt(
            weights + <usize>from * TILE * 2, panel + <usize>h * TILE_COLUMNS * CHUNK * 2, pairs,
            <usize>load<u32>(M_ONES), tokenScales, out + (<usize>column << 2), headBytes, rows, from > 0,
          );
      }
    }
  }
  putTile(out, headDim, rows, <usize>load<u32>(M_ATTENDED) + at, stride);
}
