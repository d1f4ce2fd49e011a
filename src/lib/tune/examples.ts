import type { Span } from '../block/spans';
import { createRandom } from '../core/random';
import type { Pass } from '../gradient/pass';

/** One ticket as it is learnt: the prompt's tokens and the answer's, whose first has index `answer`. */
export interface Example {
  ids: readonly number[];
  answer: number;
}

/** Tokens that the loss asks for: the answer's, its end of turn among them. */
export const labelsOf = ({ ids, answer }: Example) => ids.length - answer;

/** Rows of a pass, at most, unless one example alone has more: it bounds memory, and is shared out over threads. */
export const PASS_ROWS = 256;

/** Tokens that all begin with. The last prompt token of each stays its own, since it predicts the answer. */
function sharedStart(examples: readonly Example[]): number {
  const [first, ...others] = examples;
  if (!first || others.length === 0) return 0;
  let n = Math.min(...examples.map(({ answer }) => answer - 1));
  for (const { ids } of others) {
    let same = 0;
    while (same < n && ids[same] === first.ids[same]) same++;
    n = same;
  }
  return n;
}

/** Examples side by side behind what they begin with alike, which is computed once. The last token is only predicted. */
export function packExamples(examples: readonly Example[]): Pass {
  const shared = sharedStart(examples);
  const spans: Span[] = shared > 0 ? [{ tokens: shared, parent: null }] : [];
  const ids: number[] = [...(examples[0]?.ids.slice(0, shared) ?? [])];
  const labels: (number | null)[] = ids.map(() => null);
  for (const example of examples) {
    const own = example.ids.slice(shared, -1);
    spans.push({ tokens: own.length, parent: shared > 0 ? 0 : null });
    own.forEach((id, i) => {
      const next = shared + i + 1;
      ids.push(id);
      labels.push(next >= example.answer ? (example.ids[next] as number) : null);
    });
  }
  return { spans, ids, labels };
}

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
