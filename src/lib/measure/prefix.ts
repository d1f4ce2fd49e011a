import type { Task } from '../data/tasks';
import type { EngineSession } from '../engine/session';
import type { Tokenizer } from '../engine/open';
import type { Meter } from '../meter/meter';
import { slicesOf } from '../plan/units';
import type { Ticket } from '../schema/dataset';
import type { PlanRecord } from '../schema/plan';
import { countWork } from './work';

/**
 * What all prompts of a task begin with: instruction and causes, up to the ticket. Computed once, kept, and gone on from
 * with every ticket.
 */

/** Fewer tokens than this are not worth a pass of their own, which reads all weights. */
const LEAST_TOKENS = 16;
/** Fewer tickets than this share nothing. */
const LEAST_TICKETS = 2;

/** Texts that begin as differently as tickets do: no two of their first tokens are the same. */
const UNLIKE = ['', 'a', 'The', '1', '.', '"', '(', '\u00e9', '\u4e2d'];

const ticketOf = (text: string): Ticket => ({ id: '', text, cause: null, response: null, group: null, time: null });

/** How many tokens lists begin with alike. */
function alike(a: readonly number[], b: readonly number[]): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
}

/**
 * Tokens that a task's prompts begin with, whatever the ticket; empty where they are too few to be kept. A ticket whose
 * first letters merge with what stands before them makes another prompt, which is then computed whole.
 */
export function prefixOf(task: Task, causes: readonly string[], tokenizer: Pick<Tokenizer, 'chat'>): number[] {
  const [first, ...others] = UNLIKE.map((text) => tokenizer.chat(task.messages(ticketOf(text), causes)));
  const prompt = first ?? [];
  const tokens = Math.min(...others.map((other) => alike(prompt, other)));
  return tokens < LEAST_TOKENS ? [] : prompt.slice(0, tokens);
}

/** Whether a plan's slices have enough tickets to share a prefix: of all its slices alike, so that they stay comparable. */
export const sharesPrefix = (plan: Pick<PlanRecord, 'slices' | 'limit'>): boolean =>
  Math.floor(plan.limit / slicesOf(plan)) >= LEAST_TICKETS;

/** Puts a task's own adapter to work where the session has one a task, or none where it has none for this one. */
export function useAdapterOf({ adapters }: EngineSession, { name }: Pick<Task, 'name'>): void {
  adapters?.use(adapters.names.includes(name) ? name : null);
}

/** What a record says of an engine that keeps none. */
export const COMPUTED_WHOLE =
  'This engine computes every prompt whole: what the prompts of a task begin with is not shared between tickets.';

/** Computes a prefix and keeps it, in a window of its own. Resolves to its tokens: 0 where the engine keeps none. */
export async function holdPrefix(
  session: EngineSession,
  meter: Meter,
  phase: 'prefix' | 'warm-up',
  ids: readonly number[],
): Promise<number> {
  const { prefixes } = session;
  if (!prefixes || ids.length === 0) return 0;
  return meter.window(phase, countWork(session, [prefixes.pass(ids.length)], ids.length), () => prefixes.hold(ids));
}

/** The prefix of the task that an open variant of a plan is asked, computed anew for every slice. */
export class SlicePrefix {
  #now: readonly number[] = [];
  #prompts = { computed: 0, shared: 0 };

  constructor(
    private readonly session: EngineSession,
    private readonly tokenizer: Pick<Tokenizer, 'chat'>,
    private readonly plan: Pick<PlanRecord, 'slices' | 'limit'>,
    private readonly causes: readonly string[],
  ) {}

  /** What the record has to say of it. */
  get notes(): string[] {
    return this.session.prefixes || !sharesPrefix(this.plan) ? [] : [COMPUTED_WHOLE];
  }

  /** Tokens of prompts since `begin`: computed, the prefix among them, and taken from it. */
  get prompts(): { computed: number; shared: number } {
    return { ...this.#prompts };
  }

  /**
   * Before a slice's first ticket. Nothing of earlier slices or other tasks is left, so that equal slices do equal work.
   * Resolves to the tokens computed.
   */
  async begin(task: Task, meter: Meter, phase: 'prefix' | 'warm-up'): Promise<number> {
    useAdapterOf(this.session, task);
    this.session.prefixes?.release();
    this.#now = this.session.prefixes && sharesPrefix(this.plan) ? prefixOf(task, this.causes, this.tokenizer) : [];
    const computed = await holdPrefix(this.session, meter, phase, this.#now);
    this.#prompts = { computed, shared: 0 };
    return computed;
  }

  /** A ticket was answered. */
  count(promptTokens: number, shared: number): void {
    this.#prompts.computed += promptTokens - shared;
    this.#prompts.shared += shared;
  }

  /** After other work on the session: has it back in the cache, outside any window, as no such work is part of answering. */
  async resume(): Promise<void> {
    await this.session.prefixes?.hold(this.#now);
  }

  end(): void {
    this.session.prefixes?.release();
    this.#now = [];
  }
}
