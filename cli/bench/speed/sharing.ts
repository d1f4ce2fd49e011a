import type { EngineName } from '../../../src/lib/schema/engines';
import { DEFAULT_SLICES, LEAST_SLICE } from '../../../src/lib/schema/defaults';
import { median } from '../../../src/lib/core/stats';
import type { Driver } from '../../shared/browser';
import { checkpointOf } from '../../shared/context';
import { say } from '../../shared/print';
import { ticketsFor, type BenchTickets } from './tickets';
import { demand, plain, versus, type BenchRow } from '../../shared/rows';

/** What it saves to compute a task's instruction and causes once a slice. */

/** Of tickets a second, the prefix among their time; and how far apart scores may be on an engine that is not ours, nats. */
const FLOORS = { ratio: 1.5, apart: 1e-3 } as const;

const MEASURED: readonly (readonly [engine: EngineName, recipe: string])[] = [
  ['cpu', 'fp32'],
  ['cpu', 'int8'],
  ['cpu', 'int4'],
  ['cpu', 'int8+kv8'],
  ['ort-cpu', 'int8'],
];

interface SharingRun extends BenchTickets {
  checkpoint: string;
  threads: number;
  rounds: number;
}

export async function sharingRows(d: Driver, o: SharingRun): Promise<BenchRow[]> {
  const stored = await checkpointOf(d, o.checkpoint);
  const dataset = await ticketsFor(d, o);
  const { causes } = dataset;
  const own = dataset.tickets.filter((t, i) => dataset.split[i] === 'test' && t.cause !== null);
  const rows: BenchRow[] = [];
  for (const [engine, recipe] of MEASURED) {
    say(`Shared prefixes: ${engine} ${recipe} ...`);
    const s = await d.call('sharingSpeed', {
      checkpoint: stored,
      recipe,
      engine,
      threads: o.threads,
      tickets: own.slice(0, DEFAULT_SLICES * LEAST_SLICE),
      causes,
      slice: LEAST_SLICE,
      rounds: o.rounds,
    });
    if (rows.length === 0)
      rows.push(
        plain(`${causes.length} causes: tokens of a prompt`, s.promptTokens, 'tokens'),
        plain('of these, of the shared prefix', s.prefixTokens, 'tokens'),
        plain('of the causes behind it', s.causeTokens, 'tokens'),
      );
    const rate = (ms: readonly number[]) => (1000 * LEAST_SLICE) / median(ms);
    // Slices of one round ran side by side and asked the same tickets: their ratio, not that of medians.
    const ratio = median(s.wholeMs.map((ms, i) => ms / (s.sharedMs[i] ?? NaN)));
    const shared = rate(s.sharedMs);
    say(`  whole ${rate(s.wholeMs).toFixed(2)}, shared ${shared.toFixed(2)} tickets/s, ${ratio.toFixed(2)}x`);
    rows.push(
      versus(`${engine} ${recipe}: shared prefix / whole`, shared, 'tickets/s', shared / ratio, FLOORS.ratio),
      plain('the same in counted operations', s.operations ?? NaN, 'x'),
      plain('the prefix, of a slice of its tickets', median(s.prefixMs) / median(s.sharedMs), ''),
      demand('scores apart, at most', s.apart, 'nats', 'most', engine === 'cpu' ? 0 : FLOORS.apart),
    );
  }
  return rows;
}
