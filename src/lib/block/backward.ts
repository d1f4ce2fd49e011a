import {
  BIAS_OF,
  INPUT_GROUPS,
  linearShapes,
  type LinearName,
  type ropeTables,
  type VectorName,
} from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { packedA, packedB, type Matrix } from '../matrix/matrix';
import { attentionWeights, scoreColumns, turn, type BlockSource, type Float32Block, type Taps } from './float32';
import { openProducts } from './products';
import { rowsOf, type PlacedSpan } from './spans';
import type { LayerTrainee } from './trained';

/** Linear layers whose outputs are kept, as they gave them, before biases. */
const TRACED = ['q_proj', 'k_proj', 'v_proj', 'gate_proj', 'up_proj'] as const;
/** Besides: the block's input, the hidden states behind attention, and what attention mixed, which o_proj reads. */
const KEPT = [...TRACED, 'input', 'middle', 'mixed'] as const;
type Kept = (typeof KEPT)[number];

/** What of a block's forward pass its backward pass needs: addresses of [rows, features]. */
export interface BlockTrace {
  at: Readonly<Record<Kept, number>>;
  /** Values of a row. */
  sizes: Readonly<Record<Kept, number>>;
  /** bfloat16 instead of float32: half the memory, for arithmetic that rounds harder anyway. */
  narrow: boolean;
}

/** Room for the trace of one block over at most `rows` rows. */
export function takeTrace(m: Matrix, config: ModelConfig, ffn: number, rows: number, narrow: boolean): BlockTrace {
  const shapes = linearShapes(config, ffn);
  const { hiddenSize } = config;
  const sizes = {
    ...(Object.fromEntries(TRACED.map((l) => [l, shapes[l][0]])) as Record<(typeof TRACED)[number], number>),
    input: hiddenSize,
    middle: hiddenSize,
    mixed: shapes.o_proj[1],
  };
  return { at: takeKept(m, sizes, rows, narrow ? 2 : 4), sizes, narrow };
}

const takeKept = (m: Matrix, sizes: BlockTrace['sizes'], rows: number, bytes: number) =>
  Object.fromEntries(KEPT.map((name) => [name, m.take(rows * sizes[name] * bytes)])) as Record<Kept, number>;

/** Keeps float32 [rows, features]. */
function keep(m: Matrix, trace: BlockTrace, name: Kept, from: number, rows: number): void {
  const n = rows * trace.sizes[name];
  if (trace.narrow) m.k.narrowFloats(from, n, trace.at[name]);
  else copy(m, from, trace.at[name], n);
}

/** A narrow trace as float32, in `room`; another one as it is. */
function recall(m: Matrix, trace: BlockTrace, rows: number, room: BlockTrace['at'] | null): BlockTrace['at'] {
  if (!room) return trace.at;
  for (const name of KEPT) m.k.widenFloats(trace.at[name], rows * trace.sizes[name], room[name]);
  return room;
}

/** Copies floats within the matrix's memory. */
const copy = (m: Matrix, from: number, to: number, n: number) => m.f32(to, n).set(m.f32(from, n));

/** Taps that let what is trained change outputs, and keep a trace where one is given. */
export function trainedTaps(
  m: Matrix,
  block: Float32Block,
  x: number,
  { trainee, trace }: { trainee: LayerTrainee; trace: BlockTrace | null },
): Taps {
  const change = trainee.there?.(block);
  const isTraced = (linear: LinearName): linear is (typeof TRACED)[number] =>
    (TRACED as readonly LinearName[]).includes(linear);
  return {
    onInput(group, input, tokens) {
      change?.onInput?.(group, input, tokens);
      if (!trace) return;
      if (group === 'attention') keep(m, trace, 'input', x, tokens);
      if (group === 'ffn') keep(m, trace, 'middle', x, tokens);
      if (group === 'output') keep(m, trace, 'mixed', input, tokens);
    },
    onOutput(linear, y, tokens) {
      change?.onOutput?.(linear, y, tokens);
      if (trace && isTraced(linear)) keep(m, trace, linear, y, tokens);
    },
  };
}

/** Gradients of a block laid out in a matrix's memory. */
export interface BackwardBlock {
  /**
   * d, the gradient by the block's output [rows, hidden], becomes that by its input; what is trained takes its gradients.
   * Consumes the trace.
   */
  run(d: number, spans: readonly PlacedSpan[]): void;
}

/**
 * Lays the way back through a block out in a matrix's memory; call it within `m.within`. `inputWanted`: false leaves `d`
 * undefined, for the lowest block that is trained.
 */
export function layBackward(
  m: Matrix,
  config: ModelConfig,
  { linear: weights, vectors: vector }: BlockSource,
  o: {
    ffn: number;
    tokens: number;
    rope: ReturnType<typeof ropeTables>;
    trainee: LayerTrainee;
    trace: BlockTrace;
    inputWanted: boolean;
  },
): BackwardBlock {
  const { k } = m;
  const { hiddenSize: hidden, heads, kvHeads, headDim, normEpsilon } = config;
  const { ffn, tokens: T, trace } = o;
  const shapes = linearShapes(config, ffn);
  const q = heads * headDim;
  const kv = kvHeads * headDim;
  const floats = (n: number) => m.take(n * 4);
  const [cos, sin] = [m.put(o.rope.cos), m.put(o.rope.sin)];
  const back = m.put(o.rope.sin.map((x) => -x));
  const widest = Math.max(hidden, q, ffn);
  const left = floats(Math.max(packedA(T, Math.max(widest, T)), packedA(widest, T)));
  const right = floats(Math.max(packedB(T, headDim), packedB(headDim, T)));
  const products = openProducts(m, weights, { left, rows: T, widest });
  const gradients = o.trainee.back({ left, rows: T });
  const room = trace.narrow ? takeKept(m, trace.sizes, T, 4) : null;
  const scores = floats(T * Math.ceil(T / 4) * 4);
  const dScores = floats(T * Math.ceil(T / 4) * 4);
  const normed = floats(T * hidden);
  const dNormed = floats(T * hidden);
  const act = floats(T * ffn);
  const dAct = floats(T * ffn);
  const dMixed = floats(T * q);
  const Q = floats(T * q);
  const K = floats(T * kv);
  const V = floats(T * kv);
  const dQ = floats(T * q);
  const dK = floats(T * kv);
  const dV = floats(T * kv);

  /** dx (+)= d W, and what is trained takes its gradients; dx = 0 wants no gradient by x. */
  const through = (linear: LinearName, d: number, dx: number, rows: number, add: boolean) => {
    const [out, into] = shapes[linear];
    if (dx === 0 && !gradients.has(linear)) return;
    products.read(d, rows, out);
    if (dx !== 0) products.times(linear, dx, rows, into, { back: true, add });
    gradients.linear(linear, d, dx, rows);
  };
  const normOf = (name: VectorName) => vector[name] as number;
  /** As attention read them: with biases, normed, turned. */
  const again = (kept: BlockTrace['at'], spans: readonly PlacedSpan[], rows: number) => {
    for (const [linear, to, n] of [
      ['q_proj', Q, q],
      ['k_proj', K, kv],
      ['v_proj', V, kv],
    ] as const) {
      const bias = vector[BIAS_OF[linear]];
      if (bias !== undefined) k.addRow(kept[linear], bias, rows, n);
      copy(m, kept[linear], to, rows * n);
    }
    if (config.qkNorm) {
      k.rmsNorm(Q, normOf('qNorm'), Q, rows * heads, headDim, normEpsilon);
      k.rmsNorm(K, normOf('kNorm'), K, rows * kvHeads, headDim, normEpsilon);
    }
    turn(m, Q, spans, { cos, sin }, heads, headDim);
    turn(m, K, spans, { cos, sin }, kvHeads, headDim);
  };
  /** dQ, dK, dV from dMixed. */
  const attention = (spans: readonly PlacedSpan[], rows: number) => {
    m.f32(dK, rows * kv).fill(0);
    m.f32(dV, rows * kv).fill(0);
    for (let h = 0; h < heads; h++) {
      const group = Math.floor((h * kvHeads) / heads) * headDim * 4;
      const own = h * headDim * 4;
      for (const span of spans) {
        const { row, tokens } = span;
        const columns = scoreColumns(span);
        attentionWeights(
          m,
          span,
          { q: Q + own, qStride: q, k: K + group, kStride: kv, headDim },
          { left, right, scores },
        );
        const dOut = dMixed + own + row * q * 4;
        m.f32(dScores, tokens * columns).fill(0);
        k.packA(dOut, q, tokens, headDim, left, 1);
        let at = 0;
        for (const range of span.seen) {
          k.packBTransposed(V + group + range.row * kv * 4, kv, range.tokens, headDim, right);
          k.gemm(left, right, dScores + at, columns, tokens, range.tokens, headDim, false, false);
          at += range.tokens * 4;
        }
        at = 0;
        k.packB(dOut, q, headDim, tokens, right);
        for (const range of span.seen) {
          k.packATransposed(scores + at, columns, range.tokens, tokens, left);
          k.gemm(left, right, dV + group + range.row * kv * 4, kv, range.tokens, headDim, tokens, true, false);
          at += range.tokens * 4;
        }
        k.softmaxBackward(scores, dScores, tokens, columns, 1 / Math.sqrt(headDim));
        at = 0;
        for (const [i, range] of span.seen.entries()) {
          k.packA(dScores + at, columns, tokens, range.tokens, left, 1);
          k.packB(K + group + range.row * kv * 4, kv, headDim, range.tokens, right);
          k.gemm(left, right, dQ + own + row * q * 4, q, tokens, headDim, range.tokens, i > 0, false);
          at += range.tokens * 4;
        }
        at = 0;
        k.packB(Q + own + row * q * 4, q, headDim, tokens, right);
        for (const range of span.seen) {
          k.packATransposed(dScores + at, columns, range.tokens, tokens, left);
          k.gemm(left, right, dK + group + range.row * kv * 4, kv, range.tokens, headDim, tokens, true, false);
          at += range.tokens * 4;
        }
      }
    }
    turn(m, dQ, spans, { cos, sin: back }, heads, headDim);
    turn(m, dK, spans, { cos, sin: back }, kvHeads, headDim);
  };
  /** dx += the gradient by a norm's input x under dy, [rows, n]. */
  const throughNorm = (name: VectorName, x: number, dy: number, dx: number, rows: number, n: number) => {
    gradients.norm?.(name, x, dy, rows, n);
    if (dx !== 0) k.rmsNormBackward(x, normOf(name), dy, dx, rows, n, normEpsilon);
  };
  /** Back through the norms of heads; Q and K are free again and take the result. */
  const headNorms = (kept: BlockTrace['at'], rows: number): readonly [dq: number, dk: number] => {
    if (!config.qkNorm) return [dQ, dK];
    m.f32(Q, rows * q).fill(0);
    m.f32(K, rows * kv).fill(0);
    throughNorm('qNorm', kept.q_proj, dQ, Q, rows * heads, headDim);
    throughNorm('kNorm', kept.k_proj, dK, K, rows * kvHeads, headDim);
    return [Q, K];
  };

  return {
    run(d, spans) {
      const rows = rowsOf(spans);
      const kept = recall(m, trace, rows, room);
      const { gate_proj: gate, up_proj: up } = kept;
      copy(m, gate, act, rows * ffn);
      k.siluTimes(act, up, rows * ffn);
      gradients.read('down', act, ffn, rows);
      through('down_proj', d, dAct, rows, false);
      k.siluTimesBackward(gate, up, dAct, rows * ffn);
      k.rmsNorm(kept.middle, normOf('postNorm'), normed, rows, hidden, normEpsilon);
      gradients.read('ffn', normed, hidden, rows);
      INPUT_GROUPS.ffn.forEach((linear, i) => through(linear, kept[linear], dNormed, rows, i > 0));
      throughNorm('postNorm', kept.middle, dNormed, d, rows, hidden);
      gradients.read('output', kept.mixed, q, rows);
      through('o_proj', d, dMixed, rows, false);
      again(kept, spans, rows);
      attention(spans, rows);
      const [dq, dk] = headNorms(kept, rows);
      k.rmsNorm(kept.input, normOf('inputNorm'), normed, rows, hidden, normEpsilon);
      gradients.read('attention', normed, hidden, rows);
      const dx = o.inputWanted ? dNormed : 0;
      through('q_proj', dq, dx, rows, false);
      through('k_proj', dk, dx, rows, true);
      through('v_proj', dV, dx, rows, true);
      if (o.inputWanted) throughNorm('inputNorm', kept.input, dNormed, d, rows, hidden);
    },
  };
}
