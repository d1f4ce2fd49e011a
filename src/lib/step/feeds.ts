import { placeSpans, positionsOf, type PlacedSpan } from '../block/spans';
import { ropeTables } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError } from '../core/errors';
import type { Pass } from '../gradient/pass';

/** Rows and labels are filled up to multiples of these, so that a GPU's buffers come in few sizes. */
const ROWS = 32;
const LABELS = 8;
/** Weight 0 after the softmax. */
const UNSEEN = -1e9;

const up = (n: number, to: number) => Math.max(to, Math.ceil(n / to) * to);

/** What a graph of a step is fed of a pass, with the sizes that it is filled up to. */
export interface StepFeeds {
  rows: number;
  labelled: number;
  /** Labels of the pass alone, and what they count. */
  labels: number;
  counts: Float64Array;
  /** By input: its numbers and dimensions. */
  floats: Record<'cos' | 'sin' | 'mask' | 'weights', { data: Float32Array; dims: number[] }>;
  ids: Record<'ids' | 'rows' | 'labels', BigInt64Array<ArrayBuffer>>;
}

/** The mask [rows, rows] of spans: each row sees its ancestors and those before it in its own span; rows that fill up see themselves. */
function maskOf(spans: readonly PlacedSpan[], rows: number): Float32Array {
  const mask = new Float32Array(rows * rows).fill(UNSEEN);
  for (let i = 0; i < rows; i++) mask[i * rows + i] = 0;
  for (const { row, tokens, seen } of spans)
    for (let i = 0; i < tokens; i++)
      for (const range of seen) {
        const end = range.row === row ? row + i + 1 : range.row + range.tokens;
        mask.fill(0, (row + i) * rows + range.row, (row + i) * rows + end);
      }
  return mask;
}

/** Lays a pass out for the graph. Throws `internal` for a pass that does not fit together. */
export function feedsOf(config: ModelConfig, pass: Pass, factor: number): StepFeeds {
  const spans = placeSpans(pass.spans);
  const positions = positionsOf(spans);
  if (positions.length !== pass.ids.length || pass.labels.length !== pass.ids.length)
    throw new JoulewiseError('internal', `A pass of ${positions.length} rows has ${pass.ids.length} tokens.`);
  // A GPU reads past the end of a table without a word.
  const strange = [...pass.ids, ...pass.labels].find((id) => id !== null && !(id >= 0 && id < config.vocabSize));
  if (strange !== undefined)
    throw new JoulewiseError('internal', `Token id ${strange} is outside the vocabulary of ${config.vocabSize}.`);
  const asked = pass.labels.flatMap((label, row) =>
    label === null ? [] : [{ row, label, count: pass.weights?.[row] ?? 1 }],
  );
  const [rows, labelled] = [up(pass.ids.length, ROWS), up(asked.length, LABELS)];
  const half = config.headDim / 2;
  const tables = ropeTables(config, Math.max(...positions) + 1);
  const turn = (table: Float32Array) => {
    const out = new Float32Array(rows * half);
    positions.forEach((at, row) => out.set(table.subarray(at * half, (at + 1) * half), row * half));
    return { data: out, dims: [rows, half] };
  };
  const filled = (all: readonly number[], size: number) => {
    const out = new BigInt64Array(size);
    all.forEach((n, i) => (out[i] = BigInt(n)));
    return out;
  };
  const weights = new Float32Array(labelled);
  asked.forEach(({ count }, i) => (weights[i] = factor * count));
  return {
    rows,
    labelled,
    labels: asked.length,
    counts: Float64Array.from(asked, ({ count }) => count),
    floats: {
      cos: turn(tables.cos),
      sin: turn(tables.sin),
      mask: { data: maskOf(spans, rows), dims: [rows, rows] },
      weights: { data: weights, dims: [labelled, 1] },
    },
    ids: {
      ids: filled(pass.ids, rows),
      rows: filled(
        asked.map(({ row }) => row),
        labelled,
      ),
      labels: filled(
        asked.map(({ label }) => label),
        labelled,
      ),
    },
  };
}
