import { quote } from '../core/errors';
import { bytes, listed, percent, plural, whole } from './format';

/** More columns than anyone reads: the first and last of them stand for all. */
const MANY_COLUMNS = 12;

/** The panel of the step "Tickets", and a file on its way in. */
export const TICKETS = {
  useGenerated: 'Use generated tickets instead',
  aboutGenerated:
    'Generated faults of a small telecom network, with causes and responses. Some do not tell their cause, so the best possible accuracy is about 0.9.',
  count: 'Number of tickets',
  countHint: 'a fifth of them is for testing',
  seed: 'Seed',
  seedHint: 'the same seed gives the same tickets',
  noise: 'Noise',
  noiseHint: 'abbreviations and typing errors, times the usual',
  gaps: 'Gaps',
  gapsHint: 'evidence that is left out, times the usual',
  file: 'Import a file: CSV, TSV, JSON, JSON lines, HTML or XML (also gzipped), XLSX or Parquet; exports of ServiceNow, Jira and TMF621 are known. It stays on this device.',
  tickets: 'Where tickets come from',
  drop: 'Or drop it here.',
  paste: 'Or paste a table, JSON, or rows copied from a sheet',
  usePasted: 'Look at it',
  catalogue: {
    title: 'Public sets',
    about: 'Nothing is fetched before you press the button, which says from where.',
    row: (rows: number, size: number | null, licence: string) =>
      `${whole(rows)} rows, ${size === null ? 'size not told' : bytes(size)}, ${licence}`,
    columns: (columns: readonly string[]) =>
      columns.length <= MANY_COLUMNS
        ? `Columns: ${columns.join(', ')}.`
        : `${columns.length} columns: ${columns.slice(0, 2).join(', ')} … ${columns.slice(-2).join(', ')}.`,
    fetch: (host: string) => `Fetch it from ${host}`,
    failed: (title: string, host: string, why: string, advice: string) =>
      `${quote(title)} could not be fetched from ${host} (${why}). ${advice}`,
    again: 'Check the connection and try again.',
    nothingKept: 'Nothing was kept of it.',
    other: 'what came is not the file that the catalogue names',
    status: (status: number) => `status ${status}`,
    noAnswer: 'no answer',
    brokenOff: 'the connection broke off',
  },
  prompts: {
    title: (task: string) => `Prompt: ${task}`,
    about:
      'What the model is asked. With your own words and the right column, the same two tasks do other work: choosing one of the values of a column, or writing a text.',
    preset: 'Wording',
    usual: 'Fault tickets (the usual)',
    own: 'My own',
    name: 'Name of the task',
    system: 'System message',
    user: 'User message',
    places: {
      rca: '{text} and {causes} are filled in.',
      response: '{text} is filled in.',
      summary: '{text} is filled in.',
    },
    ownTitle: { rca: 'My choice', response: 'My text', summary: 'My summary' },
    ownUser: {
      rca: 'Choices: {causes}\nText: {text}\nWhich one?',
      response: 'Text: {text}\nAnswer?',
      summary: 'Text: {text}\nSummary?',
    },
  },
  here: 'In this browser',
  hereSet: (name: string, n: number) => `${name}, ${plural(n, 'ticket')}`,
  use: 'Use them',
  chosen: 'Chosen',
  remove: 'Delete',
  notKept: (why: string) => `These tickets last until this page is closed: they could not be stored. ${why}`,
  tasks: 'Tasks',
  task: { rca: 'find the root cause', response: 'write the response', summary: 'summarise the text' },
  import: {
    looking: 'Fetching or looking at the file.',
    format: (format: string, gzipped: boolean, encoding: string, columns: number) =>
      `${format.toUpperCase()}${gzipped ? ', gzipped' : ''}, ${encoding}, ${plural(columns, 'column')}`,
    encoding: 'Encoding',
    text: 'Text of a ticket',
    roles: {
      cause: { title: 'Root cause', about: 'the answer of the task "rca"' },
      response: { title: 'Response', about: 'the answer of "response" and of "summary"' },
      group: { title: 'Incident', about: 'keeps tickets of one incident on one side of the split' },
      time: { title: 'Time', about: '' },
    },
    none: 'none',
    chosen: (n: number, of: number) => `${n} of ${plural(of, 'column')}`,
    counters: (n: number, of: number) =>
      n === of
        ? `${whole(of)} counter columns become the text`
        : `${whole(n)} of ${whole(of)} counter columns become the text`,
    countersAbout: 'Each that is not 0, as its name and its number.',
    which: 'Choose among the counters',
    notFound: 'No column has this in its name.',
    asRead: 'Text, as a model reads it',
    find: 'Find a column',
    all: (n: number) => `Choose all ${n}`,
    noneOf: (n: number) => `Choose none of ${n}`,
    sample: (rows: number, wide: boolean) =>
      `The first ${plural(rows, 'row')}, as read${wide ? '; only the columns that make the ticket' : ''}`,
    redact: 'Hide names of people and machines, addresses and numbers, as far as rules find them (redaction)',
    start: 'Import',
    cancel: 'Cancel',
    another: 'Choose another file',
    reading: (rows: number | null) => `Reading${rows ? `: ${whole(rows)} rows` : ''}.`,
    incomplete: 'Choose the text, and a root cause or a response.',
  },
  summary: {
    counts: (tickets: number, rows: number, causes: number, test: number) =>
      `${plural(tickets, 'ticket')} of ${plural(rows, 'row')}, ${plural(causes, 'cause')}; ${test} of them are for testing.`,
    dropped: (reasons: readonly (readonly [reason: string, n: number])[]) =>
      `Left out: ${listed(reasons.map(([reason, n]) => `${n} (${reason})`))}.`,
    notRedacted: 'Nothing was redacted, as you chose.',
    redacted: (kinds: readonly (readonly [kind: string, n: number])[]) =>
      `Redacted: ${listed(kinds.map(([kind, n]) => `${kind} (${whole(n)})`)) || 'nothing'}.`,
    nothingFound: 'Redaction found nothing to hide.',
    examples: 'Examples of what was redacted',
    example: { kind: 'What', before: 'Before', after: 'After' },
    duplicates: (exact: number, near: number, conflicting: number) =>
      `Duplicates: ${whole(exact)} exact ones left out${conflicting > 0 ? ` (${whole(conflicting)} of them with another cause)` : ''}, ${whole(near)} near ones kept together in the split.`,
    splits: (train: number, validation: number, test: number) =>
      `Split: ${whole(train)} for training, ${whole(validation)} for validation, ${whole(test)} for testing.`,
    lengths: ({ min, median, p90, max }: { min: number; median: number; p90: number; max: number }) =>
      `Characters a ticket: median ${whole(median)}, nine in ten up to ${whole(p90)}, from ${whole(min)} to ${whole(max)}.`,
    classes: (n: number) => `${plural(n, 'class', 'classes')}, most frequent first`,
    share: (count: number, of: number) => `${whole(count)} (${percent(count / of)})`,
    merge: (of: number, to: number) => `Merge them: ${whole(of)} spellings become ${plural(to, 'cause')}`,
    notKnown: (cause: string, count: number) =>
      `${quote(cause)} means "not known": leave ${plural(count, 'ticket')} out`,
    moreClasses: (n: number) => `and ${n} more`,
  },
} as const;
