import { readFileSync } from 'node:fs';
import { encodingNamed } from '../../src/lib/data/encoding';
import type { Reading } from '../../src/lib/data/import';
import { parseMapping } from '../../src/lib/data/mapping';
import { parseOwnWords } from '../../src/lib/data/own-words';
import { ASKED_KINDS, REDACTION_KINDS, type RedactionKind } from '../../src/lib/data/redact';
import type { RedactorOptions } from '../../src/lib/data/redaction-report';
import { VOCABULARIES, type Vocabulary } from '../../src/lib/data/vocabulary';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import { TASKS } from '../../src/lib/schema/run';
import type { Parsed } from './args';
import type { Driver } from './browser';
import { existing, ticketFile } from './context';

/** Flags of every command that reads tickets. */
export const TICKET_FLAGS = {
  map: 'text',
  seed: 'whole',
  'no-redaction': 'flag',
  hide: 'text',
  keep: 'text',
  'hide-words': 'text',
  people: 'text',
  encoding: 'text',
  'merge-causes': 'flag',
  'not-known': 'text',
} as const;

/** What `help` says of them. */
export const REDACTION_HELP =
  'Tickets are redacted as they are read; --no-redaction: not at all. ' +
  `--keep KIND,KIND: kinds that stay (of ${REDACTION_KINDS.join(', ')}); --hide ${ASKED_KINDS.join(',')}: kinds that stay by default. ` +
  '--hide-words FILE: names of your own, one a line. --people COL,COL (or none): columns that name people, left out and hidden in the others; by default those that are called so (caller, assigned_to).';

/** What `help` says of how tickets are read. */
export const READING_HELP =
  '--encoding windows-1251: of a file that is not UTF-8, where the guess is wrong. --merge-causes: causes that differ only in case, spaces, hyphens or final dots become one. --not-known NA,none: causes that mean "not known"; without it, one as frequent as a class is kept as a class.';

/** Names in a list of options; throws `option.unknown` where a kind is not known. */
function kindsOf(a: Parsed, flag: 'hide' | 'keep'): RedactionKind[] {
  return (a.text(flag)?.split(',') ?? []).map((name) => {
    const kind = REDACTION_KINDS.find((k) => k === name.trim());
    if (kind) return kind;
    throw new JoulewiseError(
      'option.unknown',
      `Kind ${quote(name)} of --${flag} is not known. Kinds: ${REDACTION_KINDS.join(', ')}.`,
    );
  });
}

/** What the options say of redaction, as the importer takes it. */
function hidingOf(a: Parsed): { redaction: RedactorOptions; people?: string[] } {
  const shown = kindsOf(a, 'hide');
  const off = [...ASKED_KINDS.filter((kind) => !shown.includes(kind)), ...kindsOf(a, 'keep')];
  const list = a.text('hide-words');
  const people = a.text('people');
  return {
    redaction: { off, words: list === null ? [] : parseOwnWords(readFileSync(existing(list, 'List'), 'utf8')) },
    ...(people === null ? {} : { people: people === 'none' ? [] : people.split(',').map((name) => name.trim()) }),
  };
}

/** What the options say of how a file is read. */
function readingOf(a: Parsed): Reading {
  const encoding = a.text('encoding');
  return {
    ...(encoding === null ? {} : { encoding: encodingNamed(encoding) }),
    mergeCauses: a.flag('merge-causes'),
    notKnown: a.text('not-known')?.split(',') ?? [],
  };
}

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
    ...hidingOf(a),
    ...readingOf(a),
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
