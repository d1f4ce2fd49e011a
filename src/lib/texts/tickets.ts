import { listed, plural, whole } from './format';

/** The panel of the step "Tickets", and a file on its way in. */
export const TICKETS = {
  useGenerated: 'Use generated tickets instead',
  aboutGenerated:
    'Generated faults of a small telecom network, with causes and responses. Some do not tell their cause, so the best possible accuracy is about 0.9.',
  count: 'Number of tickets',
  countHint: 'a fifth of them is for testing',
  seed: 'Seed',
  seedHint: 'the same seed gives the same tickets',
  file: 'Import a file: CSV, TSV, JSON or JSON lines, also gzipped. It stays on this device.',
  earlier: 'From earlier experiments:',
  earlierSet: (name: string, n: number) => `${name} (${n})`,
  tasks: 'Tasks',
  task: { rca: 'find the root cause', response: 'write the response' },
  import: {
    looking: 'Looking at the file.',
    format: (format: string, gzipped: boolean, encoding: string, columns: number) =>
      `${format.toUpperCase()}${gzipped ? ', gzipped' : ''}, ${encoding}, ${plural(columns, 'column')}`,
    text: 'Text of a ticket',
    roles: {
      cause: { title: 'Root cause', about: 'the answer of the task "rca"' },
      response: { title: 'Response', about: 'the answer of the task "response"' },
      group: { title: 'Incident', about: 'keeps tickets of one incident on one side of the split' },
      time: { title: 'Time', about: '' },
    },
    none: 'none',
    sample: (rows: number) => `The first ${plural(rows, 'row')}, as read`,
    redact: 'Hide names of people and machines, addresses and numbers (redaction)',
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
    nearDuplicates: (n: number) => `${n} near duplicates stay together in the split.`,
    notRedacted: 'Nothing was redacted, as you chose.',
    redacted: (kinds: readonly (readonly [kind: string, n: number])[]) =>
      `Redacted: ${listed(kinds.map(([kind, n]) => `${n} ${kind}`)) || 'nothing'}.`,
    nothingFound: 'Redaction found nothing to hide.',
    became: 'became:',
  },
} as const;
