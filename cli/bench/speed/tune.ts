import { createRandom } from '../../../src/lib/core/random';
import { median } from '../../../src/lib/core/stats';
import type { Driver } from '../../shared/browser';
import { checkpointOf } from '../../shared/context';
import { say } from '../../shared/print';
import { plain, versus, type BenchRow } from '../../shared/rows';
import { pytorchSeconds, type Batches } from './pytorch';
import { ticketsFor, type BenchTickets } from './tickets';

/** A step of LoRA (rank 8, all linear layers) beside PyTorch + PEFT, in turn on the same token ids. */

/** Of tokens a second at equal work, by arithmetic; of tickets a second as each is run by its users. */
const FLOORS = { int8: 1.3, fp32: 0.8, tickets: 3 } as const;

/** Sequences and tokens of a step of equal work, and answer tokens of each. */
const EQUAL = { sequences: 4, tokens: 128, answer: 8 } as const;
const TICKETS = 8;

/** Without the first step, in which compilers warm up. */
const settled = (values: readonly number[]) => median(values.slice(1));

export async function tuneRows(
  d: Driver,
  o: BenchTickets & { checkpoint: string; threads: number; steps: number },
): Promise<BenchRow[]> {
  const checkpoint = await checkpointOf(d, o.checkpoint);
  const random = createRandom(1);
  const sequence = () => ({
    ids: Array.from({ length: EQUAL.tokens }, () => 100 + random.int(10_000)),
    answer: EQUAL.tokens - EQUAL.answer,
  });
  const equal: Batches = Array.from({ length: o.steps }, () => Array.from({ length: EQUAL.sequences }, sequence));
  const dataset = await ticketsFor(d, o);
  const { causes, tickets, split } = dataset;
  const own = random.shuffle(tickets.filter((t, i) => split[i] === 'train' && t.cause !== null));
  const lessons = await d.call('lessons', {
    checkpoint,
    tasks: ['rca'],
    tickets: own.slice(0, TICKETS * o.steps),
    causes,
  });
  const real: Batches = Array.from({ length: o.steps }, (_, i) => lessons.slice(TICKETS * i, TICKETS * (i + 1)));
  const rows: BenchRow[] = [];
  // In turn, so that what else the machine does falls on all alike.
  const peers = { equal: [] as number[], real: [] as number[] };
  const ours = new Map<string, { ms: number[]; tokens: number }>();
  for (const [name, batches, shared] of [
    ['equal', equal, false],
    ['real', real, true],
  ] as const) {
    for (const [recipe, arithmetic] of [
      ['fp32', 'fp32'],
      ['int8', 'int8'],
      ['int4', 'int8'],
    ] as const) {
      say(`Training: ${name} work, ${recipe} ...`);
      const { steps } = await d.call('tuneSpeed', {
        checkpoint,
        threads: o.threads,
        recipe,
        arithmetic,
        full: false,
        batches,
        shared,
        rows: 256,
      });
      ours.set(`${name} ${recipe}`, {
        ms: steps.map(({ ms }) => ms),
        tokens: median(steps.map(({ tokens }) => tokens)),
      });
    }
    say(`Training: ${name} work, PEFT ...`);
    const peft = pytorchSeconds(o.checkpoint, o.threads, batches, 'lora');
    peers[name] = peft?.seconds ?? [];
    if (peft) rows.push(plain(`PEFT, ${name} work: peak memory`, peft.peakBytes / 2 ** 20, 'MiB'));
  }
  const peer = (name: keyof typeof peers) => (peers[name].length > 1 ? settled(peers[name]) : null);
  for (const recipe of ['fp32', 'int8', 'int4'] as const) {
    const a = ours.get(`equal ${recipe}`);
    const b = ours.get(`real ${recipe}`);
    if (!a || !b) continue;
    const [tokens, perTicket] = [a.tokens / (settled(a.ms) / 1000), TICKETS / (settled(b.ms) / 1000)];
    const [equalPeer, realPeer] = [peer('equal'), peer('real')];
    const floor = recipe === 'fp32' ? FLOORS.fp32 : FLOORS.int8;
    rows.push(
      equalPeer === null
        ? plain(`${recipe}: ${EQUAL.sequences} x ${EQUAL.tokens} tokens`, tokens, 'tokens/s')
        : versus(
            `${recipe}: ${EQUAL.sequences} x ${EQUAL.tokens} tokens / PEFT fp32`,
            tokens,
            'tokens/s',
            (EQUAL.sequences * (EQUAL.tokens - 1)) / equalPeer,
            floor,
          ),
      realPeer === null
        ? plain(`${recipe}: tickets`, perTicket, 'tickets/s')
        : versus(
            `${recipe}: tickets / PEFT fp32, padded`,
            perTicket,
            'tickets/s',
            TICKETS / realPeer,
            recipe === 'int8' ? FLOORS.tickets : null,
          ),
    );
  }
  return rows;
}
