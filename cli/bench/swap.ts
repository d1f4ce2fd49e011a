import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../src/lib/core/stats';
import { LORA } from '../../src/lib/tune/lora';
import { TUNE } from '../../src/lib/tune/trainer';
import type { Driver } from '../shared/browser';
import { checkpointOf } from '../shared/context';
import { say } from '../shared/print';
import { demand, plain, type BenchRow } from '../shared/rows';
import { ticketsFor, type BenchTickets } from './speed/tickets';

/** What it takes to put another adapter to work beside the same packed weights, as a run of two tasks does. */

/** Milliseconds of a swap, at most. */
const MOST_MS = 5;
const TASKS = ['rca', 'response'] as const;

/** Trains an adapter of rank 8 a task, one step each, and times swaps between them. */
export async function swapRows(
  d: Driver,
  o: BenchTickets & { checkpoint: string; threads: number },
): Promise<BenchRow[]> {
  const dataset = await ticketsFor(d, o);
  const plainCheckpoint = await checkpointOf(d, o.checkpoint);
  const folder = mkdtempSync(join(tmpdir(), 'joulewise-swap-'));
  try {
    const adapters: Record<string, string> = {};
    for (const task of TASKS) {
      say(`Adapters that take turns: one step for ${task} ...`);
      const out = mkdtempSync(join(folder, `${task}-`));
      await d.call('tune', {
        checkpoint: plainCheckpoint,
        name: 'bench',
        recipe: 'int8',
        threads: o.threads,
        tasks: [task],
        dataset,
        train: 4,
        validation: 0,
        lora: LORA,
        options: { ...TUNE, steps: 1, batch: 2, warmup: 0, evaluateEvery: 0 },
        profile: null,
        arithmetic: null,
        engine: 'cpu',
        merged: false,
        fresh: true,
        upload: d.server.receive(out),
      });
      adapters[task] = out;
    }
    const s = await d.call('sharingSpeed', {
      checkpoint: await checkpointOf(d, o.checkpoint, { adapters }),
      recipe: 'int8',
      engine: 'cpu',
      threads: o.threads,
      tickets: dataset.tickets.filter(({ cause }) => cause !== null).slice(0, 2),
      causes: dataset.causes,
      slice: 2,
      rounds: 1,
    });
    say(`  ${s.kernel}: ${median(s.swapMs).toFixed(4)} ms a swap, ${Math.max(...s.swapMs).toFixed(4)} at most`);
    return [
      demand('cpu int8: another adapter of rank 8 at work', median(s.swapMs), 'ms', 'most', MOST_MS),
      plain('the slowest of these', Math.max(...s.swapMs), 'ms'),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
