import { layBackward, takeTrace, trainedTaps, type BlockTrace } from '../block/backward';
import type { Dropout } from '../block/dropout';
import { layBlock, type BlockSource } from '../block/float32';
import type { TrainedLayout } from '../block/layout';
import { placeSpans, rowsOf, type PlacedSpan, type Span } from '../block/spans';
import type { LayerTrainee } from '../block/trained';
import { ropeTables } from '../checkpoint/block';
import { checkIds } from '../checkpoint/config';
import { JoulewiseError } from '../core/errors';
import { describe, packedA, type Matrix } from '../matrix/matrix';
import { rowsOfStored, unpack, type Arithmetic, type Frozen, type ModelShape } from './frozen';
import { openTrainee } from './trainee';

/** Sequences of one pass, with what each row is to predict. */
export interface Pass {
  spans: readonly Span[];
  /** Token of each row. */
  ids: readonly number[];
  /** Token that follows each row; null where the loss does not ask. */
  labels: readonly (number | null)[];
  /** How much each row's label counts; absent = each counts 1. */
  weights?: readonly number[];
  /**
   * What adapters read less of in this pass, whichever way it goes; absent = they read all. Rows that sequences share have
   * one mask for all of them.
   */
  dropout?: Dropout;
}

export interface PassResult {
  /** Sum over labels of -ln p times their weight, nats. */
  loss: number;
  /** Sum of the labels' weights: their number where each counts 1. */
  labels: number;
  /** -ln p of each label, in the order of rows, whatever it counts. */
  each: Float64Array<ArrayBuffer>;
}

/** Rows of the vocabulary that are multiplied at a time. */
const CHUNK = 2048;
/** Labelled rows whose logits are held at a time: 2 MB of them, but this many in any case and at most. */
const [LEAST_LABELS, MOST_LABELS, LOGITS] = [64, 256, 2 ** 19];

/** A model and what of it is trained in a matrix's memory, until the matrix is freed. */
export interface Gradients {
  /** The loss alone. */
  loss(pass: Pass): PassResult;
  /**
   * The loss, and the gradient of `factor` times it by what is trained, added to what `takeGradient` gives.
   */
  step(pass: Pass, factor: number): PassResult;
  /** Takes other numbers for what is trained, laid out as its layout says. */
  setNumbers(numbers: Float32Array): void;
  /** A copy of the gradient, which is 0 again. */
  takeGradient(): Float32Array<ArrayBuffer>;
}

/** Checks that what is asked can be computed: sizes, tokens, labels. */
function checkPass({ config }: ModelShape, { spans, ids, labels, weights = ids.map(() => 1) }: Pass): void {
  const rows = rowsOf(spans);
  if (ids.length !== rows || labels.length !== rows || weights.length !== rows)
    throw new JoulewiseError(
      'internal',
      `A pass of ${rows} rows has ${ids.length} tokens, ${labels.length} labels and ${weights.length} weights.`,
    );
  for (const id of [...ids, ...labels])
    if (id !== null && !(id >= 0 && id < config.vocabSize))
      throw new JoulewiseError('internal', `Token id ${id} is outside the vocabulary of ${config.vocabSize}.`);
}

/**
 * Lays what is trained and its gradient out in a matrix's memory, for a model whose weights need not come where all of them
 * are trained. Blocks are gone through one after the other, so that memory is that of the weights, of what is trained twice,
 * of one block's rows and of the traces of a pass. Throws `checkpoint.unsupported` for sizes that kernels do not take.
 */
export function openGradients(
  m: Matrix,
  base: Frozen | ModelShape,
  layout: TrainedLayout,
  arithmetic: Arithmetic,
): Gradients {
  const { config, ffnSizes } = base;
  const { hiddenSize: hidden, layers, vocabSize, normEpsilon } = config;
  const { k } = m;
  if (hidden % 4 || ffnSizes.some((ffn) => ffn % 4))
    throw new JoulewiseError(
      'checkpoint.unsupported',
      'Training needs hidden and FFN sizes that are multiples of 4; this variant has others. Choose another one.',
    );
  const numbers = m.take(layout.size * 4);
  const gradient = m.take(layout.size * 4);
  m.f32(numbers, layout.size).fill(0);
  m.f32(gradient, layout.size).fill(0);
  const trained = openTrainee(m, base, layout, arithmetic, { numbers, gradient });
  const { model, lowest, outer } = trained;
  const norm = model.finalNorm;
  const narrow = arithmetic === 'int8';
  const atOnce = Math.max(LEAST_LABELS, Math.min(MOST_LABELS, Math.floor(LOGITS / vocabSize)));

  const embed = (ids: readonly number[], x: number) => {
    checkIds(config, ids);
    ids.forEach((id, row) =>
      m.within(() => {
        const from = unpack(m, model.embedding, id, id + 1);
        m.f32(x + row * hidden * 4, hidden).set(m.f32(from, hidden));
      }),
    );
  };

  function forward(
    x: number,
    spans: readonly PlacedSpan[],
    own: readonly { trainee: LayerTrainee; trace: BlockTrace | null }[],
  ): void {
    const rope = ropeTables(config, longest(spans));
    for (let layer = 0; layer < layers; layer++)
      m.within(() => {
        const block = layBlock(m, config, model.blocks[layer] as BlockSource, {
          tokens: widestOf(spans),
          rope,
          ffn: ffnSizes[layer] as number,
        });
        block.run(x, spans, trainedTaps(m, block, x, own[layer] as (typeof own)[number]));
      });
  }

  /** Losses of labelled rows of x; where `dx` is given, the gradients of factor * loss by these rows are put there. */
  function atHead(x: number, dx: number, { labels, weights }: Pass, factor: number): PassResult {
    const rows = labels.flatMap((label, row) => (label === null ? [] : [{ row, label, weight: weights?.[row] ?? 1 }]));
    const each: number[] = [];
    let loss = 0;
    for (let from = 0; from < rows.length; from += atOnce)
      loss += m.within(() => headPart(x, dx, rows.slice(from, from + atOnce), factor, each));
    return { loss, labels: rows.reduce((n, { weight }) => n + weight, 0), each: Float64Array.from(each) };
  }

  function headPart(
    x: number,
    dx: number,
    rows: readonly { row: number; label: number; weight: number }[],
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
    rows.forEach(({ label, weight }, i) => {
      const one = k.crossEntropy(logits + i * width * 4, width, label, factor * weight);
      each.push(one);
      loss += one * weight;
    });
    if (dx === 0) return loss;
    outer?.head(logits, width, normed, n);
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
    outer?.finalNorm(own, dNormed, n);
    k.rmsNormBackward(own, norm, dNormed, dOwn, n, hidden, normEpsilon);
    rows.forEach(({ row }, i) => m.f32(dx + row * hidden * 4, hidden).set(m.f32(dOwn + i * hidden * 4, hidden)));
    return loss;
  }

  function run(pass: Pass, factor: number | null): PassResult {
    checkPass(base, pass);
    if (pass.dropout && layout.kind === 'full')
      throw new JoulewiseError('internal', 'Dropout is of what an adapter reads, and all weights are trained here.');
    const spans = placeSpans(pass.spans);
    const tokens = rowsOf(spans);
    return m.within(() => {
      const x = m.take(tokens * hidden * 4);
      embed(pass.ids, x);
      const own = Array.from({ length: layers }, (_, layer) => {
        const traced = factor !== null && layer >= lowest;
        return {
          trainee: trained.layer(layer, { rows: tokens, traced, dropout: pass.dropout ?? null }),
          trace: traced ? takeTrace(m, config, ffnSizes[layer] as number, tokens, narrow) : null,
        };
      });
      forward(x, spans, own);
      const d = factor === null ? 0 : m.take(tokens * hidden * 4);
      if (d) m.f32(d, tokens * hidden).fill(0);
      const result = atHead(x, d, pass, factor ?? 1);
      if (factor !== null) {
        const rope = ropeTables(config, longest(spans));
        for (let layer = layers - 1; layer >= lowest; layer--)
          m.within(() =>
            layBackward(m, config, model.blocks[layer] as BlockSource, {
              ffn: ffnSizes[layer] as number,
              tokens: widestOf(spans),
              rope,
              trainee: own[layer]?.trainee as LayerTrainee,
              trace: own[layer]?.trace as BlockTrace,
              inputWanted: layer > lowest || outer !== null,
            }).run(d, spans),
          );
        outer?.embedding(pass.ids, d);
      }
      return result;
    });
  }

  return {
    loss: (pass) => run(pass, null),
    step: (pass, factor) => run(pass, factor),
    setNumbers(given) {
      m.f32(numbers, layout.size).set(given);
    },
    takeGradient() {
      const out = m.f32(gradient, layout.size).slice();
      m.f32(gradient, layout.size).fill(0);
      return out;
    },
  };
}

/** Positions that the longest sequence takes. */
const longest = (spans: readonly PlacedSpan[]) => spans.reduce((n, { past, tokens }) => Math.max(n, past + tokens), 0);

/** Rows that a block's memory is laid out for: of the pass, or what one span sees. */
const widestOf = (spans: readonly PlacedSpan[]) => Math.max(rowsOf(spans), longest(spans));
