// A pass of one token: matrices times vectors.
import { attendChunk, chunksOf, combine, scaleQuery } from './attention';
import { attendChunk8 } from './cache8';
import { mark } from './clock';
import {
  COUNT_ATTENTION,
  COUNT_EMBED,
  COUNT_HEAD,
  COUNT_LINEAR,
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
  M_STRIDE_KV,
  M_STRIDE_Q,
  M_STRIDE_X,
  M_UP,
  M_V,
  M_X,
  PANEL,
  PASS_IDS,
  PASS_POSITIONS,
  PASS_START,
  P_HEADS,
  P_PANEL,
  P_ROW,
  P_SCORES,
} from './layout';
import { expect, matvec, mineOf, newInput, panelsOf, pointer, part, partOf } from './matvec';
import { PIECES_ONE, barrier, cutInto, firstPiece, nextPiece, pieceStart, readNext } from './threads';
import { embed, finishHead, keep, ropeRow } from './token';
import { addTo, rmsNorm, swiglu } from './vectors';

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

/** One token: matrices times vectors. Vectors are short, so every thread makes norms and levels for itself. */
export function decode(t: i32, threads: i32): void {
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
      partOf(layer + L_Q, 0, row, q, from, to, mine);
      partOf(layer + L_K, queries, row, k, from, to, mine);
      partOf(layer + L_V, queries + keys, row, v, from, to, mine);
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
  part(pointer(M_HEAD), row, pointer(M_LOGITS), t, threads, mine);
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
