// A pass of many tokens: matrices times matrices, attention in tiles.
import { copyIntoTile, quantizeBlocks, quantizeIntoTile, spreadIntoTile, tileZero } from './activations';
import { adaptRows, adaptToken } from './adapter';
import { attendTile } from './attention';
import { attendTile8 } from './cache8';
import { mark } from './clock';
import { formOf, gemm } from './gemm';
import {
  COUNT_ATTENTION,
  COUNT_EMBED,
  COUNT_HEAD,
  COUNT_LINEAR,
  COUNT_VECTOR,
  DEPTH,
  OPERAND_BYTES,
  OPERAND_FLOAT,
  OPERAND_LEVELS,
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
  M_FINAL_NORM,
  M_GATE,
  M_HEAD,
  M_HEADS,
  M_HEAD_DIM,
  M_HIDDEN,
  M_K,
  M_KV_HEADS,
  M_KV_INT8,
  M_LAYERS,
  M_LAYER_TABLE,
  M_LOGITS,
  M_Q,
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
  M_X,
  PANEL,
  PASS_IDS,
  PASS_LOGIT_COUNT,
  PASS_LOGIT_ROWS,
  PASS_POSITIONS,
  PASS_START,
  PASS_TOKENS,
  P_BYTES,
  P_PANEL,
  P_ROW,
  TILE,
  W_DEPTH,
  W_FORMAT,
} from './layout';
import { mineOf, newInput, panelsOf, pointer, part } from './matvec';
import { ROUNDER_BITS } from './simd';
import { PIECES_MANY, barrier, cut, cutInto, firstPiece, nextPiece, pieceStart } from './threads';
import { embed, finishHeads, keep, ropeRow } from './token';
import { addTo, rmsNorm, swiglu } from './vectors';

/** Row `x` of token `i` into the tiles that a group of matrices reads; `operands`: OPERAND_ bits. */
export function packToken(x: usize, depth: i32, i: i32, operands: i32, mine: usize): void {
  const r = i % TILE;
  const tile = <usize>(i / TILE) * TILE * depth;
  if (operands & OPERAND_FLOAT) copyIntoTile(x, depth, pointer(M_TILES_F32) + (tile << 2), r);
  if (operands & OPERAND_LEVELS)
    store<f32>(
      pointer(M_TOKEN_SCALES) + (<usize>i << 2),
      quantizeIntoTile(x, depth, pointer(M_TILES_INT) + (tile << 1), r),
    );
  if (operands & OPERAND_BYTES) {
    const bytes = mine + pointer(P_BYTES);
    const block = (tile / DEPTH + r) << 2;
    const sums = pointer(M_BLOCK_SUMS) + block;
    quantizeBlocks(x, depth, bytes, pointer(M_BLOCK_SCALES) + block, sums, TILE * 4, tileZero(), ROUNDER_BITS);
    spreadIntoTile(bytes, depth, pointer(M_TILES_BYTE) + tile, r);
  }
}

function operandOf(matrix: usize): i32 {
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

/** Rows of one matrix for all tokens, set or added to, in pieces that threads take. */
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
export function prefill(t: i32, threads: i32): void {
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
    let operands = operandOf(layer + L_Q) | operandOf(layer + L_K) | operandOf(layer + L_V);
    for (let i = first; i < last; i++) {
      rmsNorm(x + <usize>i * strideX * 4, pointer(layer + L_INPUT_NORM), row, hidden, strideX);
      packToken(row, strideX, i, operands, mine);
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
    operands = operandOf(layer + L_O);
    for (let i = first; i < last; i++) {
      packToken(attended + <usize>i * strideQ * 4, strideQ, i, operands, mine);
      adaptToken(layer + L_O, attended + <usize>i * strideQ * 4, i);
    }
    barrier(threads);
    mark(t, COUNT_VECTOR);
    shareGemm(layer + L_O, x, strideX, tokens, true, t, threads, mine);
    barrier(threads);
    mark(t, COUNT_LINEAR);
    operands = operandOf(layer + L_GATE) | operandOf(layer + L_UP);
    for (let i = first; i < last; i++) {
      rmsNorm(x + <usize>i * strideX * 4, pointer(layer + L_POST_NORM), row, hidden, strideX);
      packToken(row, strideX, i, operands, mine);
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
    operands = operandOf(layer + L_DOWN);
    const depth = load<i32>(layer + L_DOWN + W_DEPTH);
    for (let i = first; i < last; i++) {
      const at = <usize>i * strideFfn * 4;
      swiglu(gate + at, up + at, gate + at, depth);
      packToken(gate + at, depth, i, operands, mine);
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
    part(head, row, pointer(M_LOGITS), t, threads, mine);
  } else if (wanted > 1) {
    const operands = operandOf(head);
    for (let i = cut(wanted, t, threads); i < cut(wanted, t + 1, threads); i++) {
      rmsNorm(x + <usize>load<i32>(rows + (<usize>i << 2)) * strideX * 4, norm, row, hidden, strideX);
      packToken(row, strideX, i, operands, mine);
    }
    barrier(threads);
    shareGemm(head, pointer(M_LOGITS), load<i32>(M_STRIDE_LOGITS), wanted, false, t, threads, mine);
  }
  barrier(threads);
  mark(t, COUNT_HEAD);
}
