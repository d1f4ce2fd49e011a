import { answerIds, type Tokenizer } from '../engine/open';
import { JoulewiseError } from '../core/errors';
import type { Task } from '../data/tasks';
import type { Meter } from '../meter/meter';
import type { EngineSession, Pass } from '../engine/session';
import { generate } from '../engine/generate';
import type { Ticket } from '../schema/dataset';
import type { Phase } from '../schema/run';
import type { OpenBlend } from './blend';
import { countWork } from './work';

/** What a model made of one ticket. */
export interface Output {
  promptIds: number[];
  /** Tokens of the prompt that came from a prefix that was kept. */
  shared: number;
  newTokens: number;
  prefillMs: number;
  decodeMs: number;
  /** The chosen cause, or the text that was written. */
  output: string;
  /** Log-probability of each allowed cause, in nats; null for tasks that write. */
  scores: number[] | null;
}

export interface OutputOptions {
  kind: 'warm-up' | 'measured';
  /** Ceiling of a written answer, in tokens. */
  limit: number;
  signal?: AbortSignal;
  /** The text so far, after every token. */
  onText?: (text: string) => void;
}

/** Answers one ticket inside the meter's windows: prefill and decode, or warm-up for both. A prefix that is kept is not computed again. */
export type WriteOutput = (ticket: Ticket, o: OutputOptions) => Promise<Output>;

/**
 * Log-probabilities as they came. Numbers that overflowed on the device would make every answer after them chance, and no
 * record can hold them, so the variant fails.
 * @throws engine.failed
 */
export function finiteScores(logProbs: readonly number[]): readonly number[] {
  if (!logProbs.every(Number.isFinite))
    throw new JoulewiseError(
      'engine.failed',
      'The device computed values that are not numbers, so its answers would mean nothing. Choose another precision, or another engine under "Budget".',
    );
  return logProbs;
}

/** How an open model answers tickets of a task, by what the task scores. */
export function openOutputs(
  task: Task,
  causes: readonly string[],
  o: {
    session: EngineSession;
    tokenizer: Tokenizer;
    stopIds: readonly number[];
    meter: Meter;
    blend?: OpenBlend | null;
  },
): WriteOutput {
  const { session, tokenizer, stopIds, meter } = o;
  const workOf = (passes: readonly Pass[], tokens: number) => countWork(session, passes, tokens);
  const sharedOf = (promptIds: readonly number[]) => session.prefixes?.of(promptIds) ?? 0;
  const phaseOf = (kind: OutputOptions['kind'], phase: 'prefill' | 'decode'): Phase =>
    kind === 'warm-up' ? 'warm-up' : phase;

  if (task.scored === 'labels') {
    const candidates = causes.map((cause) => answerIds(tokenizer, stopIds, cause));
    const read = candidates.map((c) => c.length - 1);
    const extra = read.reduce((sum, n) => sum + n, 0);
    return async (ticket, { kind }) => {
      const promptIds = tokenizer.chat(task.messages(ticket, causes));
      const shared = sharedOf(promptIds);
      const fresh = promptIds.length - shared + extra;
      const start = performance.now();
      const found = await meter.window(
        phaseOf(kind, 'prefill'),
        workOf(session.scorePasses(promptIds.length, shared, read), fresh),
        () => session.score(promptIds, candidates),
      );
      const own = finiteScores(found.map((s) => s.logProb));
      const scores = o.blend ? await o.blend.mix(ticket.text, own, meter, phaseOf(kind, 'prefill')) : [...own];
      return {
        promptIds,
        shared,
        newTokens: 0,
        prefillMs: performance.now() - start,
        decodeMs: 0,
        output: causes[scores.indexOf(Math.max(...scores))] ?? '',
        scores,
      };
    };
  }
  return async (ticket, { kind, limit, signal, onText }) => {
    const promptIds = tokenizer.chat(task.messages(ticket, causes));
    const shared = sharedOf(promptIds);
    const fresh = promptIds.length - shared;
    const sofar: number[] = [];
    const made = await generate(session, promptIds, {
      maxNewTokens: limit,
      stopIds,
      signal,
      onToken: (id) => {
        sofar.push(id);
        onText?.(tokenizer.decode(sofar).trim());
      },
      inPhase: (phase, work) =>
        meter.window(
          phaseOf(kind, phase),
          () =>
            phase === 'prefill'
              ? workOf([[fresh, shared, 1]], fresh)
              : workOf(
                  // A pass follows every token but one that reached the limit.
                  Array.from({ length: sofar.length < limit ? sofar.length : sofar.length - 1 }, (_, i): Pass => [
                    1,
                    promptIds.length + i,
                    1,
                  ]),
                  sofar.length,
                ),
          work,
        ),
    });
    return {
      promptIds,
      shared,
      newTokens: made.ids.length,
      prefillMs: made.prefillMs,
      decodeMs: made.decodeMs,
      output: tokenizer.decode(made.ids).trim(),
      scores: null,
    };
  };
}
