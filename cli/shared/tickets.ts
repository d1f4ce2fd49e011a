import { parseMapping } from '../../src/lib/data/mapping';
import { VOCABULARIES, type Vocabulary } from '../../src/lib/data/vocabulary';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import { TASKS } from '../../src/lib/schema/run';
import type { Parsed } from './args';
import type { Driver } from './browser';
import { ticketFile } from './context';

/** Flags of every command that reads tickets. */
export const TICKET_FLAGS = { map: 'text', seed: 'whole', 'no-redaction': 'flag' } as const;

export const taskOf = (a: Parsed) => taskBy(a.text('task') ?? 'rca');

function taskBy(name: string) {
  const task = TASKS.find((t) => t === name);
  if (!task) throw new JoulewiseError('option.unknown', `Task "${name}" is not known. Tasks: ${TASKS.join(', ')}.`);
  return task;
}

/** Tasks of a command that takes several, `rca+response`. */
export function tasksOf(a: Parsed): [ReturnType<typeof taskOf>, ...ReturnType<typeof taskOf>[]] {
  const [first, ...others] = (a.text('task') ?? 'rca').split('+').map(taskBy);
  return [first ?? 'rca', ...others.filter((task, i) => task !== first && others.indexOf(task) === i)];
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

/**
 * Whose words tickets are generated in by `--data generated` or `--data generated:VOCABULARY`; null where the option names
 * a file. Refuses vocabularies that are not known.
 */
export function generatedBy(data: string): Vocabulary | null {
  const match = /^generated(?::(.*))?$/.exec(data);
  if (!match) return null;
  const name = match[1] ?? 'usual';
  const found = VOCABULARIES.find((v) => v === name);
  if (found) return found;
  throw new JoulewiseError(
    'option.unknown',
    `Vocabulary ${quote(name)} is not known. Write --data generated, or generated: and one of ${VOCABULARIES.join(', ')}.`,
  );
}
