import { createRandom } from '../../../src/lib/core/random';
import { median } from '../../../src/lib/core/stats';
import type { Driver } from '../../shared/browser';
import { say } from '../../shared/print';
import { plain, versus, type BenchRow } from '../../shared/rows';
import { pytorchSeconds, type Batches } from './pytorch';

/** A step of training all weights of the built-in model beside PyTorch in float32, in turn on the same token ids. */

/** Of PyTorch's tokens a second at equal work. */
const FLOOR = 0.75;

/** Sequences and tokens of a step of equal work, all of which the loss asks for. */
const EQUAL = { sequences: 16, tokens: 128 } as const;
const VOCABULARY = 2048;
/** Half of a step's tokens: one pass for each of two threads. */
const ROWS = (EQUAL.sequences / 2) * EQUAL.tokens;
/** Tickets of a step as the built-in model is trained on them: each asks for its cause and for a response. */
const TICKETS = 8;

const BUILTIN = { kind: 'builtin' } as const;
const FOLDER = 'static/builtin';

const settled = (values: readonly number[]) => median(values.slice(1));

/** Batches of random tokens, and of generated tickets as they are learnt: causes side by side, then responses. */
async function batchesOf(d: Driver, steps: number): Promise<{ equal: Batches; real: Batches }> {
  const random = createRandom(1);
  const sequence = () => ({ ids: Array.from({ length: EQUAL.tokens }, () => random.int(VOCABULARY)), answer: 1 });
  const { tickets, causes } = await d.call('generateTickets', { count: TICKETS * steps, seed: 3 });
  const real: Batches = [];
  for (let i = 0; i < steps; i++) {
    const own = tickets.slice(TICKETS * i, TICKETS * (i + 1));
    const [choices, texts] = [
      await d.call('lessons', { checkpoint: BUILTIN, tasks: ['rca'], tickets: own, causes }),
      await d.call('lessons', { checkpoint: BUILTIN, tasks: ['response'], tickets: own, causes }),
    ];
    real.push([...choices, ...texts]);
  }
  return { equal: Array.from({ length: steps }, () => Array.from({ length: EQUAL.sequences }, sequence)), real };
}

/** Steps of both in turn, `rounds` times, so that what else the machine does falls on both alike. */
export async function fullRows(d: Driver, o: { threads: number; steps: number; rounds: number }): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [name, batches] of Object.entries(await batchesOf(d, o.steps))) {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < o.rounds; round++) {
      say(`Training all weights: ${name} work, round ${round + 1} of ${o.rounds} ...`);
      const { steps } = await d.call('tuneSpeed', {
        checkpoint: BUILTIN,
        threads: o.threads,
        recipe: 'fp32',
        arithmetic: 'fp32',
        full: true,
        batches,
        shared: true,
        rows: ROWS,
      });
      ours.push(settled(steps.map(({ ms }) => ms / 1000)));
      const peer = pytorchSeconds(FOLDER, o.threads, batches, 'full');
      if (peer) theirs.push(settled(peer.seconds));
    }
    const examples = batches[0]?.length ?? 0;
    const [done, unit] =
      name === 'equal' ? [EQUAL.sequences * (EQUAL.tokens - 1), 'tokens/s'] : [examples, 'answers/s'];
    const title = `all weights, ${name === 'equal' ? `${EQUAL.sequences} x ${EQUAL.tokens} tokens` : 'generated tickets'}`;
    const each = ours.map((seconds) => done / seconds);
    if (theirs.length === 0) rows.push(plain(title, median(each), unit));
    else {
      // The median of the rounds' ratios: each pair ran side by side.
      const ratio = median(ours.map((seconds, i) => (theirs[i] as number) / seconds));
      const peer = done / median(theirs);
      rows.push(versus(`${title} / PyTorch fp32`, ratio * peer, unit, peer, name === 'equal' ? FLOOR : null));
    }
  }
  return rows;
}
