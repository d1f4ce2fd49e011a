import { layBackward, loraTaps, takeTrace, type BlockTrace } from '../block/backward';
import { layBlock, type BlockSource } from '../block/float32';
import type { LoraLayout } from '../block/lora';
import { placeSpans, rowsOf, type PlacedSpan, type Span } from '../block/spans';
import { ropeTables } from '../checkpoint/block';
import { JoulewiseError } from '../core/errors';
import { describe, packedA, type Matrix } from '../matrix/matrix';
import { layModel, rowsOfStored, unpack, type Arithmetic, type Frozen } from './frozen';

/** Sequences of one pass, with what each row is to predict. */
export interface Pass {
  spans: readonly Span[];
  /** Token of each row. */
  ids: readonly number[];
  /** Token that follows each row; null where the loss does not ask. */
  labels: readonly (number | null)[];
}

export interface PassResult {
  /** Sum over labels of -ln p, nats. */
  loss: number;
  labels: number;
  /** -ln p of each label, in the order of rows. */
  each: Float64Array<ArrayBuffer>;
}

/** Rows of the vocabulary that are multiplied at a time. */
const CHUNK = 2048;
/** Labelled rows whose logits are held at a time. */
const LABELS = 64;

/** A frozen model and an adapter in a matrix's memory, until the matrix is freed. */
export interface Gradients {
  /** The loss alone. */
  loss(pass: Pass): PassResult;
  /**
   * The loss, and the gradient of `factor` times it by the adapter, added to what `gradient()` gives.
   */
  step(pass: Pass, factor: number): PassResult;
  /** Takes other numbers for the adapter, laid out as `lora`. */
  setAdapter(adapter: Float32Array): void;
  /** A copy of the gradient, which is 0 again. */
  takeGradient(): Float32Array<ArrayBuffer>;
}

/** Checks that what is asked can be computed: sizes, tokens, labels. */
function checkPass({ config }: Frozen, { spans, ids, labels }: Pass): void {
  const rows = rowsOf(spans);
  if (ids.length !== rows || labels.length !== rows)
    throw new JoulewiseError(
      'internal',
      `A pass of ${rows} rows has ${ids.length} tokens and ${labels.length} labels.`,
    );
  for (const id of [...ids, ...labels])
    if (id !== null && !(id >= 0 && id < config.vocabSize))
      throw new JoulewiseError('internal', `Token id ${id} is outside the vocabulary of ${config.vocabSize}.`);
}

/**
 * Lays an adapter and its gradient out in a matrix's memory, for a frozen model. Blocks are gone through one after the
 * other, so that memory is that of the stored weights, of one block's rows and of the traces of a pass.
 */
export function openGradients(m: Matrix, frozen: Frozen, lora: LoraLayout, arithmetic: Arithmetic): Gradients {
  const { config, ffnSizes } = frozen;
  const { hiddenSize: hidden, layers, vocabSize, normEpsilon } = config;
  const { k } = m;
  if (hidden % 4 || ffnSizes.some((ffn) => ffn % 4))
    throw new JoulewiseError(
      'checkpoint.unsupported',
      'Training needs hidden and FFN sizes that are multiples of 4; this variant has others. Choose another one.',
    );
  const adapter = m.take(lora.size * 4);
  const gradient = m.take(lora.size * 4);
  m.f32(adapter, lora.size).fill(0);
  m.f32(gradient, lora.size).fill(0);
  /** The lowest layer that is trained: nothing is asked below it. */
  const lowest = lora.layers.reduce((a, b) => Math.min(a, b), layers);
  const norm = m.put(frozen.finalNorm);
  const model = layModel(m, frozen, arithmetic);
  const narrow = arithmetic === 'int8';

  const embed = (ids: readonly number[], x: number) =>
    ids.forEach((id, row) =>
      m.within(() => {
        const from = unpack(m, model.embedding, id, id + 1);
        m.f32(x + row * hidden * 4, hidden).set(m.f32(from, hidden));
      }),
    );

  function forward(x: number, spans: readonly PlacedSpan[], traces: readonly (BlockTrace | null)[]): void {
    const tokens = rowsOf(spans);
    const rope = ropeTables(config, longest(spans));
    for (let layer = 0; layer < layers; layer++)
      m.within(() => {
        const block = layBlock(m, config, model.blocks[layer] as BlockSource, {
          tokens: widestOf(spans),
          rope,
          ffn: ffnSizes[layer] as number,
        });
        const trace = traces[layer] ?? null;
        block.run(x, spans, loraTaps(m, block, x, { layer, rows: tokens, lora, adapter, trace }));
      });
  }

  /** Losses of labelled rows of x; where `dx` is given, the gradients of factor * loss by these rows are put there. */
  function atHead(x: number, dx: number, labels: Pass['labels'], factor: number, each: number[]): number {
    const rows = labels.flatMap((label, row) => (label === null ? [] : [{ row, label }]));
    let loss = 0;
    for (let from = 0; from < rows.length; from += LABELS)
      loss += m.within(() => headPart(x, dx, rows.slice(from, from + LABELS), factor, each));
    return loss;
  }

  function headPart(
    x: number,
    dx: number,
    rows: readonly { row: number; label: number }[],
    factor: number,
    each: number[],
  ) {
    const n = rows.length;
    const width = Math.ceil(vocabSize / 4) * 4;
    const own = m.take(n * hidden * 4);
    const normed = m.take(n * hidden * 4);
    const logits = m.take(n * width * 4);
    const left = m.take(packedA(n, Math.max(hidden, CHUNK)) * 4);
    rows.forEach(({ row }, i) => m.f32(own + i * hidden * 4, hidden).set(m.f32(x + row * hidden * 4, hidden)));
    k.rmsNorm(own, norm, normed, n, hidden, normEpsilon);
    k.packA(normed, hidden, n, hidden, left, 1);
    for (let i = 0; i < n; i++) m.f32(logits + (i * width + vocabSize) * 4, width - vocabSize).fill(-Infinity);
    k.timesStored(describe(m, model.head), left, logits, width, n, false, false);
    let loss = 0;
    rows.forEach(({ label }, i) => {
      const one = k.crossEntropy(logits + i * width * 4, width, label, factor);
      each.push(one);
      loss += one;
    });
    if (dx === 0) return loss;
    const dNormed = m.take(n * hidden * 4);
    const dOwn = m.take(n * hidden * 4);
    m.f32(dOwn, n * hidden).fill(0);
    for (let at = 0; at < vocabSize; at += CHUNK)
      m.within(() => {
        const some = Math.min(CHUNK, vocabSize - at);
        k.packA(logits + at * 4, width, n, some, left, 1);
        const part = describe(m, rowsOfStored(model.head, at, at + some));
        k.timesStored(part, left, dNormed, hidden, n, true, at > 0);
      });
    k.rmsNormBackward(own, norm, dNormed, dOwn, n, hidden, normEpsilon);
    rows.forEach(({ row }, i) => m.f32(dx + row * hidden * 4, hidden).set(m.f32(dOwn + i * hidden * 4, hidden)));
    return loss;
  }

  function run(pass: Pass, factor: number | null): PassResult {
    checkPass(frozen, pass);
    const spans = placeSpans(pass.spans);
    const tokens = rowsOf(spans);
    return m.within(() => {
      const x = m.take(tokens * hidden * 4);
      embed(pass.ids, x);
      const traces = Array.from({ length: layers }, (_, layer) =>
        factor === null || layer < lowest
          ? null
          : takeTrace(m, config, ffnSizes[layer] as number, tokens, { lora, layer, narrow }),
      );
      forward(x, spans, traces);
      const d = factor === null ? 0 : m.take(tokens * hidden * 4);
      if (d) m.f32(d, tokens * hidden).fill(0);
      const each: number[] = [];
      const loss = atHead(x, d, pass.labels, factor ?? 1, each);
      if (factor !== null) {
        const rope = ropeTables(config, longest(spans));
        for (let layer = layers - 1; layer >= lowest; layer--)
          m.within(() =>
            layBackward(m, config, model.blocks[layer] as BlockSource, {
              layer,
              ffn: ffnSizes[layer] as number,
              tokens: widestOf(spans),
              rope,
              lora,
              adapter,
              gradient,
              trace: traces[layer] as BlockTrace,
              inputWanted: layer > lowest,
            }).run(d, spans),
          );
      }
      return { loss, labels: each.length, each: Float64Array.from(each) };
    });
  }

  return {
    loss: (pass) => run(pass, null),
    step: (pass, factor) => run(pass, factor),
    setAdapter(numbers) {
      m.f32(adapter, lora.size).set(numbers);
    },
    takeGradient() {
      const out = m.f32(gradient, lora.size).slice();
      m.f32(gradient, lora.size).fill(0);
      return out;
    },
  };
}

/** Positions that the longest sequence takes. */
const longest = (spans: readonly PlacedSpan[]) => spans.reduce((n, { past, tokens }) => Math.max(n, past + tokens), 0);

/** Rows that a block's memory is laid out for: of the pass, or what one span sees. */
const widestOf = (spans: readonly PlacedSpan[]) => Math.max(rowsOf(spans), longest(spans));
