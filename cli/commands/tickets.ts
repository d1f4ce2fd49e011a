import { parseMapping } from '../../src/lib/data/mapping';
import { JoulewiseError } from '../../src/lib/core/errors';
import { TASKS } from '../../src/lib/schema/run';
import { parseArgs, type Parsed } from '../args';
import type { Driver } from '../browser';
import { print, ticketFile, withDriver } from '../context';

/** Flags of every command that reads tickets. */
export const TICKET_FLAGS = { map: 'text', seed: 'whole', 'no-redaction': 'flag' } as const;

export function taskOf(a: Parsed) {
  const name = a.text('task') ?? 'rca';
  const task = TASKS.find((t) => t === name);
  if (!task) throw new JoulewiseError('option.unknown', `Task "${name}" is not known. Tasks: ${TASKS.join(', ')}.`);
  return task;
}

export function importFile(d: Driver, path: string, a: Parsed, task: ReturnType<typeof taskOf>) {
  const map = a.text('map');
  return d.call('importTickets', {
    file: ticketFile(d, path),
    mapping: map === null ? null : parseMapping(map, task),
    redact: !a.flag('no-redaction'),
    seed: a.whole('seed', 1, 0),
  });
}

export async function importTickets(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, { ...TICKET_FLAGS, task: 'text' });
  const [path] = a.positional;
  if (path === undefined || a.positional.length > 1)
    throw new JoulewiseError('option.invalid', 'Say which file to look at: joulewise import FILE.');
  const { dataset, report } = await withDriver({}, (d) => importFile(d, path, a, taskOf(a)));
  const splits = Object.fromEntries(
    ['train', 'validation', 'test'].map((s) => [s, dataset.split.filter((x) => x === s).length]),
  );
  print(JSON.stringify({ ...report, splits, hash: dataset.hash, firstTicket: dataset.tickets[0] ?? null }, null, 2));
}
