import type { Span } from '../block/spans';
import { createRandom, hash32 } from '../core/random';
import type { Pass } from '../gradient/pass';

/** One ticket as it is learnt: the prompt's tokens and the answer's, whose first has index `answer`. */
export interface Example {
  ids: readonly number[];
  answer: number;
  /** What each token counts in the loss; absent: a prompt's 0, an answer's 1. */
  counts?: { prompt: number; answer: number };
}

/** What the tokens that the loss asks for count in all: those of the answer, its end of turn among them, and of the prompt. */
export function labelsOf({ ids, answer, counts }: Example): number {
  const { prompt, answer: each } = counts ?? COUNTS;
  // Nothing predicts a first token.
  return (ids.length - answer) * each + (answer - 1) * prompt;
}

const COUNTS = { prompt: 0, answer: 1 } as const;

/** Rows of a pass, at most, unless one example alone has more: it bounds memory, and is shared out over threads. */
export const PASS_ROWS = 256;

/**
 * Tokens that all begin with. The last of them stays each one's own, since it predicts what differs: the answer's first
 * token, or any where prompts count too.
 */
function sharedStart(examples: readonly Example[]): number {
  const [first, ...others] = examples;
  if (!first || others.length === 0) return 0;
  let n = Math.min(...examples.map(({ answer }) => answer - 1));
  for (const { ids } of others) {
    let same = 0;
    while (same < n && ids[same] === first.ids[same]) same++;
    n = same;
  }
  return examples.some(({ counts }) => counts?.prompt) ? Math.max(0, n - 1) : n;
}

/** Examples side by side behind what they begin with alike, which is computed once. The last token is only predicted. */
export function packExamples(examples: readonly Example[]): Pass {
  const shared = sharedStart(examples);
  const weighted = examples.some(({ counts }) => counts);
  const spans: Span[] = shared > 0 ? [{ tokens: shared, parent: null }] : [];
  const [first] = examples;
  const ids: number[] = [...(first?.ids.slice(0, shared) ?? [])];
  // What all begin with counts for each of them.
  const prompts = examples.reduce((n, { counts }) => n + (counts?.prompt ?? 0), 0);
  const labels: (number | null)[] = ids.map((_, i) => (prompts > 0 ? (first?.ids[i + 1] as number) : null));
  const weights: number[] = ids.map(() => prompts);
  for (const example of examples) {
    const { prompt, answer } = example.counts ?? COUNTS;
    const own = example.ids.slice(shared, -1);
    spans.push({ tokens: own.length, parent: shared > 0 ? 0 : null });
    own.forEach((id, i) => {
      const next = shared + i + 1;
      const count = next >= example.answer ? answer : prompt;
      ids.push(id);
      labels.push(count > 0 ? (example.ids[next] as number) : null);
      weights.push(count);
    });
  }
  return weighted ? { spans, ids, labels, weights } : { spans, ids, labels };
}

/** One pass of several, side by side; those without rows are left out. */
export function joinPasses(passes: readonly Pass[]): Pass {
  const some = passes.filter(({ ids }) => ids.length > 0);
  const weighted = some.some(({ weights }) => weights);
  let before = 0;
  const spans = some.flatMap(({ spans: own }) => {
    const moved = own.map(({ tokens, parent }) => ({ tokens, parent: parent === null ? null : parent + before }));
    before += own.length;
    return moved;
  });
  const joined = { spans, ids: some.flatMap(({ ids }) => ids), labels: some.flatMap(({ labels }) => labels) };
  return weighted ? { ...joined, weights: some.flatMap(({ ids, weights }) => weights ?? ids.map(() => 1)) } : joined;
}

/** What the labels of a pass count in all. */
export const countOf = ({ labels, weights }: Pass): number =>
  labels.reduce<number>((n, label, i) => n + (label === null ? 0 : (weights?.[i] ?? 1)), 0);

/**
 * Passes of a batch, each of at most `rows` rows: the same for any number of threads, so that sums have the same bits.
 * Examples of a batch that begin alike share their beginning within a pass.
 */
export function passesOf(examples: readonly Example[], rows = PASS_ROWS): Pass[] {
  const passes: Pass[] = [];
  let open: Example[] = [];
  for (const example of examples) {
    const more = [...open, example];
    if (open.length > 0 && packExamples(more).ids.length > rows) {
      passes.push(packExamples(open));
      open = [example];
    } else open = more;
  }
  if (open.length > 0) passes.push(packExamples(open));
  return passes;
}

/**
 * Passes of a step in which adapters read less: a `share` of what each reads is left out, which of it is a function of seed,
 * step, the pass's place in the step, layer, linear layer, row and column, and so of no thread and of no earlier step.
 */
export const withDropout = (passes: readonly Pass[], share: number, seed: number, step: number): readonly Pass[] =>
  share === 0
    ? passes
    : passes.map((pass, i) => ({ ...pass, dropout: { share, key: hash32(`dropout ${step} ${i}`, seed) } }));

/** Examples of step `step` (from 0): each epoch in an order of its own, which the seed gives; the last batch is not short. */
export function batchAt(count: number, batch: number, step: number, seed: number): number[] {
  const out: number[] = [];
  for (let i = step * batch; i < (step + 1) * batch; i++)
    out.push(orderOf(count, Math.floor(i / count), seed)[i % count] as number);
  return out;
}

let known: { key: string; order: number[] } | null = null;
function orderOf(count: number, epoch: number, seed: number): number[] {
  const key = `${count} ${epoch} ${seed}`;
  if (known?.key !== key)
    known = {
      key,
      order: createRandom(seed)
        .fork(`epoch ${epoch}`)
        .shuffle(Array.from({ length: count }, (_, i) => i)),
    };
  return known.order;
}
