// One pass of a Llama-family decoder: every thread runs `pass`, and rows of matrices, tokens and heads are shared out by
// number, so that each result is computed by one thread in one order, whatever the number of threads.
import {
  copyIntoTile,
  lift,
  quantize,
  quantizeBlocks,
  quantizeIntoTile,
  splitPlanes,
  spreadIntoTile,
  tileZero,
} from './activations';
import { adapt, adaptRows, adaptToken, newAdapted } from './adapter';
import { attendChunk, attendTile, chunksOf, combine, scaleQuery, storeKeyValue } from './attention';
import { attendChunk8, attendTile8, storeKeyValue8 } from './cache8';
import { gemvByte8, gemvByte8Sparse, rowByte8 } from './byte8';
import { gemvF16, gemvF16Sparse, rowF16 } from './float16';
import { gemvF32, rowF32 } from './float32';
import { formOf, gemm, panelBytes } from './gemm';
import { gemvInt4 } from './int4';
import { gemvInt8, gemvInt8Sparse, rowInt8 } from './int8';
import {
  COUNTERS,
  COUNT_ATTENTION,
  COUNT_EMBED,
  COUNT_HEAD,
  COUNT_LINEAR,
  COUNT_VECTOR,
  DEPTH,
  FORMAT_BYTE8,
  FORMAT_BYTE8_24,
  FORMAT_F16,
  FORMAT_F16_24,
  FORMAT_F32,
  FORMAT_INT4,
  FORMAT_INT8,
  FORMAT_INT8_24,
  FORM_BYTES,
  FORM_FLOAT,
  FORM_LEVELS,
  LAYER_BYTES,
  L_DOWN,
  L_GATE,
  L_INPUT_NORM,
  L_K,
  L_K_BIAS,
  L_K_NORM,
  L_O,
  L_POST_NORM,
  L_Q,
  L_Q_BIAS,
  L_Q_NORM,
  L_UP,
  L_V,
  L_V_BIAS,
  M_ATTENDED,
  M_BLOCK_SCALES,
  M_BLOCK_SUMS,
  M_EMBEDDING,
  M_FINAL_NORM,
  M_GATE,
  M_HEAD,
  M_HEADS,
  M_HEAD_DIM,
  M_HIDDEN,
  M_K,
  M_KV_INT8,
  M_KV_HEADS,
  M_LAYERS,
  M_LAYER_TABLE,
  M_LOGITS,
  M_PRIVATE,
  M_PRIVATE_BYTES,
  M_Q,
  M_ROPE,
  M_STRIDE_FFN,
  M_STRIDE_KV,
  M_STRIDE_LOGITS,
  M_STRIDE_Q,
  M_STRIDE_X,
  M_TILES_BYTE,
  M_TILES_F32,
  M_TILES_INT,
  M_TOKEN_SCALES,
  M_UP,
  M_V,
  M_VOCABULARY,
  M_WIDE_SUMS,
  M_X,
  PANEL,
  PASS_IDS,
  PASS_LOGIT_COUNT,
  PASS_LOGIT_ROWS,
  PASS_POSITIONS,
  PASS_START,
  PASS_SUMS,
  PASS_TOKENS,
  P_BLOCK_SCALES,
  P_BLOCK_SUMS,
  P_BYTES,
  P_HEADS,
  P_HIGH,
  P_LEVELS,
  P_LOW,
  P_PANEL,
  P_ROW,
  P_SCALED,
  P_SCORES,
  TILE,
  W_DATA,
  W_DEPTH,
  W_FORMAT,
  W_ROWS,
  W_SCALES,
} from './layout';
import { ROUNDER_BITS } from './simd';
import {
  barrier,
  cut,
  cutInto,
  firstPiece,
  nextPiece,
  PIECES_MANY,
  PIECES_ONE,
  pieceStart,
  readNext,
} from './threads';
import { addTo, rmsNorm, rope, softmaxSum, swiglu } from './vectors';

// @ts-ignore: decorator
@external('env', 'now')
declare function now(): f64;

let marked: f64 = 0;
/** Thread 0 books the time since the last mark on a row of the counter table. */
function mark(thread: i32, kind: i32): void {
  if (thread) return;
  const t = now();
  const at = <usize>COUNTERS + (<usize>kind << 3);
  store<f64>(at, load<f64>(at) + (t - marked));
  marked = t;
}

// @ts-ignore: decorator
@inline
function pointer(field: usize): usize {
  return <usize>load<u32>(field);
}
/** This thread's own memory. */
export function mineOf(thread: i32): usize {
  return pointer(M_PRIVATE) + <usize>thread * pointer(M_PRIVATE_BYTES);
}

/** Forms of the activations at hand that have been made already, as bits. */
const MADE_LIFTED = 1;
const MADE_LEVELS = 2;
const MADE_BYTES = 4;
const MADE_PLANES = 8;
let made = 0;
let levelScale: f32 = 0;

/** Tells `matvec` that its input is a new vector. */
export function newInput(): void {
  made = 0;
  newAdapted();
}

function needLevels(x: usize, depth: i32, mine: usize): void {
  if (made & MADE_LEVELS) return;
  levelScale = quantize(x, depth, mine + pointer(P_LEVELS));
  made |= MADE_LEVELS;
}

/** y[from..to] = W x for one token. The form of x that W's format wants is made once per input and thread. */
export function matvec(matrix: usize, x: usize, y: usize, from: i32, to: i32, mine: usize): void {
  const depth = load<i32>(matrix + W_DEPTH);
  const w = pointer(matrix + W_DATA);
  const scales = pointer(matrix + W_SCALES);
  const levels = mine + pointer(P_LEVELS);
  switch (load<i32>(matrix + W_FORMAT)) {
    case FORMAT_F32:
      gemvF32(w, depth, x, y, from, to);
      break;
    case FORMAT_F16:
    case FORMAT_F16_24: {
      const lifted = mine + pointer(P_SCALED);
      if (!(made & MADE_LIFTED)) lift(x, depth, lifted);
      made |= MADE_LIFTED;
      if (load<i32>(matrix + W_FORMAT) == FORMAT_F16) gemvF16(w, scales, depth, lifted, y, from, to);
      else gemvF16Sparse(w, scales, depth, lifted, y, from, to);
      break;
    }
    case FORMAT_INT8:
      needLevels(x, depth, mine);
      gemvInt8(w, scales, depth, levels, levelScale, y, from, to);
      break;
    case FORMAT_INT4:
    case FORMAT_BYTE8:
    case FORMAT_BYTE8_24: {
      const bytes = mine + pointer(P_BYTES);
      const blockScales = mine + pointer(P_BLOCK_SCALES);
      const sums = mine + pointer(P_BLOCK_SUMS);
      if (!(made & MADE_BYTES)) quantizeBlocks(x, depth, bytes, blockScales, sums, 4, 1, 0);
      made |= MADE_BYTES;
      const format = load<i32>(matrix + W_FORMAT);
      if (format == FORMAT_BYTE8) gemvByte8(w, depth, bytes, blockScales, sums, y, from, to);
      else if (format == FORMAT_BYTE8_24) gemvByte8Sparse(w, scales, depth, bytes, blockScales, y, from, to);
      else if (load<i32>(M_WIDE_SUMS)) gemvInt4<i32>(w, depth, bytes, blockScales, sums, y, from, to);
      else gemvInt4<i16>(w, depth, bytes, blockScales, sums, y, from, to);
      break;
    }
    case FORMAT_INT8_24: {
      needLevels(x, depth, mine);
      const low = mine + pointer(P_LOW);
      const high = mine + pointer(P_HIGH);
      if (!(made & MADE_PLANES)) splitPlanes(levels, depth, low, high);
      made |= MADE_PLANES;
      gemvInt8Sparse(w, scales, depth, low, high, levelScale, y, from, to);
      break;
    }
  }
  adapt(matrix, x, y, from, to, mine);
}

/** First row of thread t's panels of a matrix. */
// @ts-ignore: decorator
@inline
export function cutRows(matrix: usize, t: i32, threads: i32): i32 {
  return cut(load<i32>(matrix + W_ROWS) / PANEL, t, threads) * PANEL;
}

// @ts-ignore: decorator
@inline
function panelsOf(matrix: usize): i32 {
  return load<i32>(matrix + W_ROWS) / PANEL;
}

/** y = W x, in pieces. */
function share(matrix: usize, x: usize, y: usize, t: i32, threads: i32, mine: usize): void {
  const panels = panelsOf(matrix);
  for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads)) {
    const from = pieceStart(panels, piece, threads), to = pieceStart(panels, piece + 1, threads);
    if (from < to) matvec(matrix, x, y, from * PANEL, to * PANEL, mine);
  }
}

/** Rows of `matrix` among the panels from..to of a group of matrices, of which `before` panels come before it. */
function shareOf(matrix: usize, before: i32, x: usize, y: usize, from: i32, to: i32, mine: usize): void {
  const first = max(from - before, 0), end = min(to - before, panelsOf(matrix));
  if (first < end) matvec(matrix, x, y, first * PANEL, end * PANEL, mine);
}

/** While this thread waits it may bring its run of `matrix` closer, of which `panels` are shared out. */
function expect(matrix: usize, panels: i32, t: i32, threads: i32): void {
  const panel = panelBytes(load<i32>(matrix + W_FORMAT), load<i32>(matrix + W_DEPTH));
  const data = pointer(matrix + W_DATA);
  const last = panelsOf(matrix);
  readNext(
    data + <usize>min(cut(panels, t, threads), last) * panel,
    data + <usize>min(cut(panels, t + 1, threads), last) * panel,
  );
}

/** Row `id` of the embedding -> the residual stream. */
function embed(id: i32, to: usize): void {
  const matrix = pointer(M_EMBEDDING);
  const depth = load<i32>(matrix + W_DEPTH);
  const w = pointer(matrix + W_DATA);
  switch (load<i32>(matrix + W_FORMAT)) {
    case FORMAT_F32:
      rowF32(w, depth, id, to);
      break;
    case FORMAT_F16:
      rowF16(w, pointer(matrix + W_SCALES), depth, id, to);
      break;
    case FORMAT_BYTE8:
      rowByte8(w, depth, id, to);
      break;
    default:
      rowInt8(w, pointer(matrix + W_SCALES), depth, id, to);
  }
}

/** Bias (from `offset` bytes on), head norm (Qwen) and rope on one head of one token. */
function finishHead(x: usize, offset: usize, bias: usize, norm: usize, table: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  if (bias) addTo(x, bias + offset, headDim);
  if (norm) rmsNorm(x, norm, x, headDim, headDim);
  rope(x, table, headDim);
}

/** The same on all `heads` heads of a token. */
function finishHeads(x: usize, heads: i32, bias: usize, norm: usize, table: usize): void {
  const bytes = <usize>load<i32>(M_HEAD_DIM) << 2;
  for (let at: usize = 0; at < <usize>heads * bytes; at += bytes) finishHead(x + at, at, bias, norm, table);
}

/** A token's key and value of a kv head into the cache. */
export function keep(layer: i32, kvHead: i32, slot: i32, key: usize, value: usize): void {
  if (load<i32>(M_KV_INT8)) storeKeyValue8(layer, kvHead, slot, key, value);
  else storeKeyValue(layer, kvHead, slot, key, value);
}

/** One scaled query head of one token over one chunk of the cache. */
function attendPart(layer: i32, head: i32, chunk: i32, q: usize, mine: usize): void {
  if (load<i32>(M_KV_INT8)) attendChunk8(layer, head, chunk, q, mine);
  else attendChunk(layer, head, chunk, q, mine + pointer(P_SCORES));
}

/** One query head of one token over the whole cache; `q` is overwritten. */
export function attend(layer: i32, head: i32, q: usize, to: usize, mine: usize): void {
  scaleQuery(q, load<i32>(M_HEAD_DIM));
  const chunks = chunksOf(load<i32>(PASS_START));
  for (let c = 0; c < chunks; c++) attendPart(layer, head, c, q, mine);
  combine(head, chunks, to);
}

function ropeRow(position: i32): usize {
  return pointer(M_ROPE) + <usize>position * load<i32>(M_HEAD_DIM) * 4;
}

/** One token: matrices times vectors. Vectors are short, so every thread makes norms and levels for itself. */
function decode(t: i32, threads: i32): void {
  const mine = mineOf(t);
  const row = mine + pointer(P_ROW);
  const x = pointer(M_X), q = pointer(M_Q), k = pointer(M_K), v = pointer(M_V);
  const gate = pointer(M_GATE), up = pointer(M_UP);
  const layers = load<i32>(M_LAYERS);
  const hidden = load<i32>(M_HIDDEN);
  const strideX = load<i32>(M_STRIDE_X), strideQ = load<i32>(M_STRIDE_Q), strideKv = load<i32>(M_STRIDE_KV);
  const heads = load<i32>(M_HEADS), kvHeads = load<i32>(M_KV_HEADS);
  const headDim = load<i32>(M_HEAD_DIM);
  const headBytes = <usize>headDim << 2;
  const slot = load<i32>(PASS_START);
  const chunks = chunksOf(slot);
  const table = ropeRow(load<i32>(pointer(PASS_POSITIONS)));
  cutInto(PIECES_ONE);

  if (t == 0) embed(load<i32>(pointer(PASS_IDS)), x);
  barrier(threads);
  mark(t, COUNT_EMBED);
  for (let l = 0; l < layers; l++) {
    const layer = pointer(M_LAYER_TABLE) + <usize>l * LAYER_BYTES;
    rmsNorm(x, pointer(layer + L_INPUT_NORM), row, hidden, strideX);
    newInput();
    const queries = panelsOf(layer + L_Q), keys = panelsOf(layer + L_K);
    const panels = queries + keys + panelsOf(layer + L_V);
    for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads)) {
      const from = pieceStart(panels, piece, threads), to = pieceStart(panels, piece + 1, threads);
      shareOf(layer + L_Q, 0, row, q, from, to, mine);
      shareOf(layer + L_K, queries, row, k, from, to, mine);
      shareOf(layer + L_V, queries + keys, row, v, from, to, mine);
    }
    expect(layer + L_O, panelsOf(layer + L_O), t, threads);
    barrier(threads);
    mark(t, COUNT_LINEAR);
    // Every thread finishes all heads for itself, in its own memory: that is quicker than to wait for each other. They
    // all store the same key and value at the same place.
    const own = mine + pointer(P_HEADS);
    const key = own + (<usize>strideQ << 2), value = key + (<usize>strideKv << 2);
    memory.copy(own, q, <usize>heads * headBytes);
    memory.copy(key, k, <usize>kvHeads * headBytes);
    memory.copy(value, v, <usize>kvHeads * headBytes);
    for (let h = 0; h < heads; h++) {
      const at = <usize>h * headBytes;
      finishHead(own + at, at, pointer(layer + L_Q_BIAS), pointer(layer + L_Q_NORM), table);
      scaleQuery(own + at, headDim);
    }
    for (let h = 0; h < kvHeads; h++) {
      const at = <usize>h * headBytes;
      finishHead(key + at, at, pointer(layer + L_K_BIAS), pointer(layer + L_K_NORM), table);
      if (pointer(layer + L_V_BIAS)) addTo(value + at, pointer(layer + L_V_BIAS) + at, headDim);
      keep(l, h, slot, key + at, value + at);
    }
    // In runs, so that a thread meets the heads of a group, which share a chunk's keys and values, one after another.
    const parts = chunks * heads;
    for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads))
      for (let n = pieceStart(parts, piece, threads); n < pieceStart(parts, piece + 1, threads); n++)
        attendPart(l, n % heads, n / heads, own + <usize>(n % heads) * headBytes, mine);
    barrier(threads);
    for (let h = 0; h < heads; h++) combine(h, chunks, row + <usize>h * headBytes);
    memory.fill(row + <usize>heads * headBytes, 0, (<usize>strideQ << 2) - <usize>heads * headBytes);
    mark(t, COUNT_ATTENTION);
    newInput();
    addShare(layer + L_O, row, x, t, threads, mine);
    const neurons = panelsOf(layer + L_GATE);
    expect(layer + L_GATE, neurons, t, threads);
    barrier(threads);
    rmsNorm(x, pointer(layer + L_POST_NORM), row, hidden, strideX);
    newInput();
    for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads)) {
      const from = pieceStart(neurons, piece, threads) * PANEL, to = pieceStart(neurons, piece + 1, threads) * PANEL;
      if (from >= to) continue;
      matvec(layer + L_GATE, row, gate, from, to, mine);
      matvec(layer + L_UP, row, up, from, to, mine);
      const bytes = <usize>from << 2;
      swiglu(gate + bytes, up + bytes, gate + bytes, to - from);
    }
    expect(layer + L_DOWN, panelsOf(layer + L_DOWN), t, threads);
    barrier(threads);
    newInput();
    addShare(layer + L_DOWN, gate, x, t, threads, mine);
    const next = layer + LAYER_BYTES;
    if (l + 1 < layers) expect(next + L_Q, panelsOf(next + L_Q) + panelsOf(next + L_K) + panelsOf(next + L_V), t, threads);
    else expect(pointer(M_HEAD), panelsOf(pointer(M_HEAD)), t, threads);
    barrier(threads);
    mark(t, COUNT_LINEAR);
  }
  rmsNorm(x, pointer(M_FINAL_NORM), row, hidden, strideX);
  newInput();
  share(pointer(M_HEAD), row, pointer(M_LOGITS), t, threads, mine);
  barrier(threads);
  readNext(0, 0);
  mark(t, COUNT_HEAD);
}

/** x[rows of this thread] += W input. The product goes through this thread's panel scratch. */
function addShare(matrix: usize, input: usize, x: usize, t: i32, threads: i32, mine: usize): void {
  const panels = panelsOf(matrix);
  const product = mine + pointer(P_PANEL);
  for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads)) {
    const from = pieceStart(panels, piece, threads) * PANEL, to = pieceStart(panels, piece + 1, threads) * PANEL;
    if (from >= to) continue;
    matvec(matrix, input, product, from, to, mine);
    addTo(x + (<usize>from << 2), product + (<usize>from << 2), to - from);
  }
}

/** Row `x` of token `i` into the tiles that a group of matrices reads; `forms`: FORM_ bits. */
export function packToken(x: usize, depth: i32, i: i32, forms: i32, mine: usize): void {
  const r = i % TILE;
  const tile = <usize>(i / TILE) * TILE * depth;
  if (forms & FORM_FLOAT) copyIntoTile(x, depth, pointer(M_TILES_F32) + (tile << 2), r);
  if (forms & FORM_LEVELS)
    store<f32>(
      pointer(M_TOKEN_SCALES) + (<usize>i << 2),
      quantizeIntoTile(x, depth, pointer(M_TILES_INT) + (tile << 1), r),
    );
  if (forms & FORM_BYTES) {
    const bytes = mine + pointer(P_BYTES);
    const block = (tile / DEPTH + r) << 2;
    const sums = pointer(M_BLOCK_SUMS) + block;
    quantizeBlocks(x, depth, bytes, pointer(M_BLOCK_SCALES) + block, sums, TILE * 4, tileZero(), ROUNDER_BITS);
    spreadIntoTile(bytes, depth, pointer(M_TILES_BYTE) + tile, r);
  }
}

function formOfMatrix(matrix: usize): i32 {
  return formOf(load<i32>(matrix + W_FORMAT));
}

/** Rows of `matrix` for all tokens, set or added to; `before`, from and to as in `shareOf`. */
function gemmOf(
  matrix: usize, before: i32, y: usize, stride: i32, tokens: i32, from: i32, to: i32, add: bool, mine: usize,
): void {
  const first = max(from - before, 0) * PANEL, end = min(to - before, panelsOf(matrix)) * PANEL;
  if (first >= end) return;
  gemm(matrix, y, stride, tokens, first, end, add, mine + pointer(P_PANEL));
  adaptRows(matrix, y, stride, tokens, first, end, mine);
}

/** The same of a matrix alone, in pieces. */
function shareGemm(
  matrix: usize, y: usize, stride: i32, tokens: i32, add: bool, t: i32, threads: i32, mine: usize,
): void {
  const panels = panelsOf(matrix);
  for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads)) {
    const from = pieceStart(panels, piece, threads), to = pieceStart(panels, piece + 1, threads);
    gemmOf(matrix, 0, y, stride, tokens, from, to, add, mine);
  }
}

/** Many tokens: matrices times matrices, attention in tiles. */
function prefill(t: i32, threads: i32): void {
  const mine = mineOf(t);
  const row = mine + pointer(P_ROW);
  const x = pointer(M_X), q = pointer(M_Q), k = pointer(M_K), v = pointer(M_V);
  const attended = pointer(M_ATTENDED), gate = pointer(M_GATE), up = pointer(M_UP);
  const hidden = load<i32>(M_HIDDEN);
  const strideX = load<i32>(M_STRIDE_X), strideQ = load<i32>(M_STRIDE_Q), strideKv = load<i32>(M_STRIDE_KV);
  const strideFfn = load<i32>(M_STRIDE_FFN);
  const heads = load<i32>(M_HEADS), kvHeads = load<i32>(M_KV_HEADS);
  const headBytes = <usize>load<i32>(M_HEAD_DIM) << 2;
  const tokens = load<i32>(PASS_TOKENS);
  const start = load<i32>(PASS_START);
  const small = load<i32>(M_KV_INT8);
  const ids = pointer(PASS_IDS), positions = pointer(PASS_POSITIONS);
  const first = cut(tokens, t, threads), last = cut(tokens, t + 1, threads);
  const tiles = (tokens + TILE - 1) / TILE;
  cutInto(PIECES_MANY);

  for (let i = first; i < last; i++) embed(load<i32>(ids + (<usize>i << 2)), x + <usize>i * strideX * 4);
  mark(t, COUNT_EMBED);
  for (let l = 0; l < load<i32>(M_LAYERS); l++) {
    const layer = pointer(M_LAYER_TABLE) + <usize>l * LAYER_BYTES;
    let forms = formOfMatrix(layer + L_Q) | formOfMatrix(layer + L_K) | formOfMatrix(layer + L_V);
    for (let i = first; i < last; i++) {
      rmsNorm(x + <usize>i * strideX * 4, pointer(layer + L_INPUT_NORM), row, hidden, strideX);
      packToken(row, strideX, i, forms, mine);
      adaptToken(layer + L_Q, row, i);
      adaptToken(layer + L_K, row, i);
      adaptToken(layer + L_V, row, i);
    }
    barrier(threads);
    mark(t, COUNT_VECTOR);
    const queries = panelsOf(layer + L_Q), keys = panelsOf(layer + L_K);
    const panels = queries + keys + panelsOf(layer + L_V);
    for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads)) {
      const from = pieceStart(panels, piece, threads), to = pieceStart(panels, piece + 1, threads);
      gemmOf(layer + L_Q, 0, q, strideQ, tokens, from, to, false, mine);
      gemmOf(layer + L_K, queries, k, strideKv, tokens, from, to, false, mine);
      gemmOf(layer + L_V, queries + keys, v, strideKv, tokens, from, to, false, mine);
    }
    barrier(threads);
    mark(t, COUNT_LINEAR);
    for (let i = first; i < last; i++) {
      const table = ropeRow(load<i32>(positions + (<usize>i << 2)));
      const qi = q + <usize>i * strideQ * 4;
      const ki = k + <usize>i * strideKv * 4;
      const vi = v + <usize>i * strideKv * 4;
      finishHeads(qi, heads, pointer(layer + L_Q_BIAS), pointer(layer + L_Q_NORM), table);
      finishHeads(ki, kvHeads, pointer(layer + L_K_BIAS), pointer(layer + L_K_NORM), table);
      if (pointer(layer + L_V_BIAS)) addTo(vi, pointer(layer + L_V_BIAS), strideKv);
      for (let h = 0; h < kvHeads; h++)
        keep(l, h, start + i, ki + <usize>h * headBytes, vi + <usize>h * headBytes);
    }
    barrier(threads);
    mark(t, COUNT_VECTOR);
    for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads))
      for (let n = pieceStart(heads * tiles, piece, threads); n < pieceStart(heads * tiles, piece + 1, threads); n++)
        if (small) attendTile8(l, n / tiles, (n % tiles) * TILE, mine);
        else attendTile(l, n / tiles, (n % tiles) * TILE, mine);
    barrier(threads);
    mark(t, COUNT_ATTENTION);
    forms = formOfMatrix(layer + L_O);
    for (let i = first; i < last; i++) {
      packToken(attended + <usize>i * strideQ * 4, strideQ, i, forms, mine);
      adaptToken(layer + L_O, attended + <usize>i * strideQ * 4, i);
    }
    barrier(threads);
    mark(t, COUNT_VECTOR);
    shareGemm(layer + L_O, x, strideX, tokens, true, t, threads, mine);
    barrier(threads);
    mark(t, COUNT_LINEAR);
    forms = formOfMatrix(layer + L_GATE) | formOfMatrix(layer + L_UP);
    for (let i = first; i < last; i++) {
      rmsNorm(x + <usize>i * strideX * 4, pointer(layer + L_POST_NORM), row, hidden, strideX);
      packToken(row, strideX, i, forms, mine);
      adaptToken(layer + L_GATE, row, i);
      adaptToken(layer + L_UP, row, i);
    }
    barrier(threads);
    mark(t, COUNT_VECTOR);
    const neurons = panelsOf(layer + L_GATE);
    for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads)) {
      const from = pieceStart(neurons, piece, threads), to = pieceStart(neurons, piece + 1, threads);
      gemmOf(layer + L_GATE, 0, gate, strideFfn, tokens, from, to, false, mine);
      gemmOf(layer + L_UP, 0, up, strideFfn, tokens, from, to, false, mine);
    }
    barrier(threads);
    mark(t, COUNT_LINEAR);
    forms = formOfMatrix(layer + L_DOWN);
    const depth = load<i32>(layer + L_DOWN + W_DEPTH);
    for (let i = first; i < last; i++) {
      const at = <usize>i * strideFfn * 4;
      swiglu(gate + at, up + at, gate + at, depth);
      packToken(gate + at, depth, i, forms, mine);
      adaptToken(layer + L_DOWN, gate + at, i);
    }
    barrier(threads);
    mark(t, COUNT_VECTOR);
    shareGemm(layer + L_DOWN, x, strideX, tokens, true, t, threads, mine);
    barrier(threads);
    mark(t, COUNT_LINEAR);
  }
  const wanted = load<i32>(PASS_LOGIT_COUNT);
  const rows = pointer(PASS_LOGIT_ROWS);
  const head = pointer(M_HEAD);
  const norm = pointer(M_FINAL_NORM);
  if (wanted == 1) {
    rmsNorm(x + <usize>load<i32>(rows) * strideX * 4, norm, row, hidden, strideX);
    newInput();
    share(head, row, pointer(M_LOGITS), t, threads, mine);
  } else if (wanted > 1) {
    const forms = formOfMatrix(head);
    for (let i = cut(wanted, t, threads); i < cut(wanted, t + 1, threads); i++) {
      rmsNorm(x + <usize>load<i32>(rows + (<usize>i << 2)) * strideX * 4, norm, row, hidden, strideX);
      packToken(row, strideX, i, forms, mine);
    }
    barrier(threads);
    shareGemm(head, pointer(M_LOGITS), load<i32>(M_STRIDE_LOGITS), wanted, false, t, threads, mine);
  }
  barrier(threads);
  mark(t, COUNT_HEAD);
}

/** Where this pass's softmax sums go. Read at its start: behind the last barrier the next pass may be asked for already. */
let softmaxSums: usize = 0;

/** What makes probabilities of each row of logits. */
function sumLogits(t: i32, threads: i32): void {
  const wanted = load<i32>(PASS_LOGIT_COUNT);
  const stride = load<i32>(M_STRIDE_LOGITS);
  for (let i = cut(wanted, t, threads); i < cut(wanted, t + 1, threads); i++)
    softmaxSum(pointer(M_LOGITS) + ((<usize>i * stride) << 2), load<i32>(M_VOCABULARY), stride, softmaxSums + (<usize>i << 4));
  barrier(threads);
  mark(t, COUNT_HEAD);
}

export function pass(t: i32, threads: i32): void {
  if (t == 0) marked = now();
  softmaxSums = pointer(PASS_SUMS);
  if (load<i32>(PASS_TOKENS) == 1 && load<i32>(PASS_LOGIT_COUNT) == 1) decode(t, threads);
  else prefill(t, threads);
  if (softmaxSums) sumLogits(t, threads);
}
