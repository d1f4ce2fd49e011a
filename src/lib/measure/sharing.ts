import { taskOf } from '../data/tasks';
import { createRandom } from '../core/random';
import { answerIds, type OpenVariant } from '../engine/open';
import type { Pass } from '../engine/session';
import type { Ticket } from '../schema/dataset';
import { prefixOf } from './prefix';

/** What a prefix that is kept saves: slices of tickets whose causes are scored, computed whole and shared, in turn. */
export interface SharingSpeed {
  prefixTokens: number;
  /** Of a mean prompt, and of all causes behind it. */
  promptTokens: number;
  causeTokens: number;
  /** Milliseconds of each slice: computed whole; with its prefix, computed once at its beginning and among them; that prefix alone. */
  wholeMs: number[];
  sharedMs: number[];
  prefixMs: number[];
  /** Milliseconds of putting the next adapter to work, in turn; empty where none take turns. */
  swapMs: number[];
  /** Operations of computing all slices whole, over those of sharing; null where nobody counts them. */
  operations: number | null;
  /** Largest difference of a log-probability between the two ways, nats; 0 = the same bits. */
  apart: number;
  kernel: string;
  /** False on engines that keep no prefix: both ways are then the same. */
  shares: boolean;
}

/** Swaps of adapters that are timed. */
const SWAPS = 20;

export interface SharingOptions {
  tickets: Ticket[];
  causes: string[];
  /** Tickets of a slice. */
  slice: number;
  rounds: number;
}

export async function timeSharing(
  { session, tokenizer, stopIds }: OpenVariant,
  { tickets, causes, slice, rounds, onRound }: SharingOptions & { onRound: (done: number) => void },
): Promise<SharingSpeed> {
  const task = taskOf('rca', undefined);
  const prefix = prefixOf(task, causes, tokenizer);
  const candidates = causes.map((cause) => answerIds(tokenizer, stopIds, cause));
  const read = candidates.map((c) => c.length - 1);
  const prompts = tickets.map((ticket) => tokenizer.chat(task.messages(ticket, causes)));
  const found: SharingSpeed = {
    prefixTokens: prefix.length,
    promptTokens: prompts.reduce((n, p) => n + p.length, 0) / prompts.length,
    causeTokens: read.reduce((sum, n) => sum + n, 0),
    wholeMs: [],
    sharedMs: [],
    prefixMs: [],
    swapMs: [],
    operations: null,
    apart: 0,
    kernel: session.kernel,
    shares: session.prefixes !== null,
  };
  const time = async <T>(into: number[], work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const made = await work();
    await session.fence();
    into.push(performance.now() - start);
    return made;
  };
  const score = async (own: readonly (readonly number[])[]) => {
    const all = [];
    for (const prompt of own) all.push(await session.score(prompt, candidates));
    return all.flat().map(({ logProb }) => logProb);
  };
  const operations = { whole: 0, shared: 0 };
  const count = (into: keyof typeof operations, pass: Pass) =>
    (operations[into] += session.work(...pass)?.operations ?? NaN);
  const ways = {
    async whole(own: readonly (readonly number[])[]) {
      session.prefixes?.release();
      for (const prompt of own) for (const pass of session.scorePasses(prompt.length, 0, read)) count('whole', pass);
      return time(found.wholeMs, () => score(own));
    },
    async shared(own: readonly (readonly number[])[]) {
      session.prefixes?.release();
      const made = await time(found.sharedMs, async () => {
        await time(found.prefixMs, async () => session.prefixes?.hold(prefix));
        return score(own);
      });
      if (session.prefixes) count('shared', session.prefixes.pass(prefix.length));
      for (const prompt of own)
        for (const pass of session.scorePasses(prompt.length, session.prefixes?.of(prompt) ?? 0, read))
          count('shared', pass);
      return made;
    },
  };
  const random = createRandom(1);
  await score(prompts.slice(0, 2));
  for (let round = 0; round < rounds; round++) {
    const own = Array.from({ length: slice }, (_, i) => prompts[(round * slice + i) % prompts.length] as number[]);
    // Whatever else the machine does falls on both.
    const scores: Partial<Record<keyof typeof ways, number[]>> = {};
    for (const way of random.shuffle(['whole', 'shared'] as const)) scores[way] = await ways[way](own);
    scores.whole?.forEach((x, i) => (found.apart = Math.max(found.apart, Math.abs(x - (scores.shared?.[i] ?? NaN)))));
    onRound(round + 1);
  }
  session.prefixes?.release();
  const { adapters } = session;
  for (let i = 0; adapters && i < SWAPS; i++) {
    await time(found.swapMs, () => Promise.resolve(adapters.use(adapters.names[i % adapters.names.length] ?? null)));
    // So that each finds the caches as answering leaves them.
    await session.prefill(prefix);
  }
  return { ...found, operations: Number.isFinite(operations.whole) ? operations.whole / operations.shared : null };
}
