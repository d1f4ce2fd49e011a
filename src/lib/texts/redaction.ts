import { MEASURED } from './redaction-measured';
import { percent, plural, whole } from './format';

const share = (x: number | null) => (x === null ? 'unknown' : percent(x));

/** What is hidden of a file on its way in, before anything is stored. */
export const REDACTION = {
  title: 'What would be hidden',
  look: 'Look again',
  looking: 'Looking at the first rows.',
  rows: (n: number) => `In the first ${plural(n, 'row')}; nothing is stored yet.`,
  kinds: 'Kinds',
  kind: (title: string, count: number) => `${title} (${whole(count)})`,
  people: 'Columns that name people: left out, and what they say is hidden in the others',
  noPeople: 'No column is called like one that names people.',
  words: 'Names of your own, one a line',
  wordsFile: 'Or a text file of them',
  entries: (n: number) => `${plural(n, 'name')} of your own`,
  left: 'Probably left',
  leftAbout: 'Capitalised words side by side that no rule hid. Rules miss names: look before you import.',
  nothingLeft: 'No capitalised pair is left in these rows.',
  hideOne: (words: string, n: number) => `${words} (${whole(n)})`,
  hide: 'Hide',
  hideAll: (n: number) => `Hide all ${whole(n)}`,
  marked: 'Your own rows, with what is hidden',
  measured: `Measured on ${whole(MEASURED.sentences)} made-up sentences with names of 20 languages, ${MEASURED.date}: the share of things hidden, and of what was hidden rightly.`,
  rowsOf: MEASURED.kinds.map(
    ({ title, n, recall, precision }) =>
      `${title}: ${share(recall)} of ${whole(n)} hidden, ${share(precision)} of what was hidden was right`,
  ),
  figures: 'How well that works',
} as const;
