// A matrix of any form times the vector of one token, rows shared out in pieces.
import { lift, quantize, quantizeBlocks, splitPlanes } from './activations';
import { adapt, newAdapted } from './adapter';
import { gemvByte8, gemvByte8Sparse } from './byte8';
import { gemvF16, gemvF16Sparse } from './float16';
import { gemvF32 } from './float32';
import { panelBytes } from './gemm';
import { gemvInt4 } from './int4';
import { gemvInt8, gemvInt8Sparse } from './int8';
import {
  FORMAT_BYTE8,
  FORMAT_BYTE8_24,
  FORMAT_F16,
  FORMAT_F16_24,
  FORMAT_F32,
  FORMAT_INT4,
  FORMAT_INT8,
  FORMAT_INT8_24,
  M_PRIVATE,
  M_PRIVATE_BYTES,
  M_STREAMS,
  M_WIDE_SUMS,
  PANEL,
  P_BLOCK_SCALES,
  P_BLOCK_SUMS,
  P_BYTES,
  P_HIGH,
  P_LEVELS,
  P_LOW,
  P_SCALED,
  W_DATA,
  W_DEPTH,
  W_FORMAT,
  W_ROWS,
  W_SCALES,
} from './layout';
import { cut, firstPiece, nextPiece, pieceStart, readNext } from './threads';

// @ts-ignore: decorator
@inline
export function pointer(field: usize): usize {
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
  const form = load<i32>(matrix + W_FORMAT);
  const streams = load<i32>(<usize>M_STREAMS + (<usize>form << 2));
  switch (form) {
    case FORMAT_F32:
      gemvF32(w, depth, x, y, from, to);
      break;
    case FORMAT_F16:
    case FORMAT_F16_24: {
      const lifted = mine + pointer(P_SCALED);
      if (!(made & MADE_LIFTED)) lift(x, depth, lifted);
      made |= MADE_LIFTED;
      if (form == FORMAT_F16) gemvF16(w, scales, depth, lifted, y, from, to, streams);
      else gemvF16Sparse(w, scales, depth, lifted, y, from, to, streams);
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
      if (form == FORMAT_BYTE8) gemvByte8(w, depth, bytes, blockScales, sums, y, from, to, streams);
      else if (form == FORMAT_BYTE8_24) gemvByte8Sparse(w, scales, depth, bytes, blockScales, y, from, to, streams);
      else if (load<i32>(M_WIDE_SUMS)) gemvInt4<i32>(w, depth, bytes, blockScales, sums, y, from, to, streams);
      else gemvInt4<i16>(w, depth, bytes, blockScales, sums, y, from, to, streams);
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
export function panelsOf(matrix: usize): i32 {
  return load<i32>(matrix + W_ROWS) / PANEL;
}

/** y = W x, in pieces. */
export function part(matrix: usize, x: usize, y: usize, t: i32, threads: i32, mine: usize): void {
  const panels = panelsOf(matrix);
  for (let piece = firstPiece(t, threads); piece >= 0; piece = nextPiece(t, threads)) {
    const from = pieceStart(panels, piece, threads), to = pieceStart(panels, piece + 1, threads);
    if (from < to) matvec(matrix, x, y, from * PANEL, to * PANEL, mine);
  }
}

/** Rows of `matrix` among the panels from..to of a group of matrices, of which `before` panels come before it. */
export function partOf(matrix: usize, before: i32, x: usize, y: usize, from: i32, to: i32, mine: usize): void {
  const first = max(from - before, 0), end = min(to - before, panelsOf(matrix));
  if (first < end) matvec(matrix, x, y, first * PANEL, end * PANEL, mine);
}

/** While this thread waits it may bring its run of `matrix` closer, of which `panels` are shared out. */
export function expect(matrix: usize, panels: i32, t: i32, threads: i32): void {
  const panel = panelBytes(load<i32>(matrix + W_FORMAT), load<i32>(matrix + W_DEPTH));
  const data = pointer(matrix + W_DATA);
  const last = panelsOf(matrix);
  readNext(
    data + <usize>min(cut(panels, t, threads), last) * panel,
    data + <usize>min(cut(panels, t + 1, threads), last) * panel,
  );
}
