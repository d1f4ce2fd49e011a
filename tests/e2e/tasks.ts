import type { Page } from 'playwright';
import { assert } from './site';

/** Longer tasks of the page's thread are felt as a stutter. */
export const LONG_TASK_MS = 50;

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** Wall time and this thread's own time, us. */
  dur?: number;
  tdur?: number;
  args: { name?: string };
}

/** The longest task, ms: as the clock saw it, and as the processor worked on it. */
export interface Tasks {
  clock: number;
  processor: number;
}

/**
 * Longest task of the page's own thread while `work` runs, ms: as the clock saw it, and as the processor worked on it.
 * A trace of no more than `least` tasks is none of what was meant to be watched.
 * Where other processes want the same cores the clock also counts what they took, so only the second is ours to answer for.
 */
export async function longestTask(page: Page, work: () => Promise<void>, least = 100): Promise<Tasks> {
  const cdp = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', '__metadata'] },
  });
  await work();
  const complete = new Promise((done) => cdp.once('Tracing.tracingComplete', done));
  await cdp.send('Tracing.end');
  await complete;
  const thread = (e: TraceEvent) => `${e.pid}/${e.tid}`;
  const main = new Set(
    events.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map((e) => thread(e)),
  );
  const tasks = events.filter((e) => e.name === 'RunTask' && main.has(thread(e)));
  assert(tasks.length > least, `the trace shows the page's tasks: ${tasks.length}`);
  const most = (of: (e: TraceEvent) => number | undefined) => Math.max(...tasks.map((e) => of(e) ?? 0)) / 1000;
  return { clock: most((e) => e.dur), processor: most((e) => e.tdur) };
}

/** A task took longer than people feel. */
export class Blocked extends Error {}

/**
 * Runs a test up to so many times until no task of it was too long: other work on the same cores (their caches, their
 * clock) makes a task longer, never shorter, so the best of three is the page's own. Any other failure is one at once.
 */
export async function bestOf(times: number, run: () => Promise<void>): Promise<void> {
  for (let time = 1; ; time++)
    try {
      await run();
      return;
    } catch (error) {
      if (!(error instanceof Blocked) || time === times) throw error;
      console.log(`      once more: ${error.message}`);
    }
}

/** Throws `Blocked` unless all of these steps kept within what is not felt; says each. */
export function checkBlocked(blocked: readonly string[]): void {
  if (blocked.length > 0) throw new Blocked(`tasks over ${LONG_TASK_MS} ms: ${blocked.join(', ')}`);
}
