import { JoulewiseError } from '../../src/lib/core/errors';
import { parseArgs } from '../shared/args';
import { withDriver } from '../shared/context';
import { print } from '../shared/print';
import { importFile, taskOf, TICKET_FLAGS } from '../shared/tickets';

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
