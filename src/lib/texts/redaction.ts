import { MEASURED } from './redaction-measured';
import { wilson } from '../core/proportion';
import { fixed, plural, whole } from './format';

/** Downwards: 100.0 is all of them. */
const percentOf = (share: number) => fixed(Math.floor(share * 1000) / 10, 1);

/** `99.2 % (98.4 to 99.6)` with Wilson's 95 % interval. */
function share(part: number, of: number): string {
  const { mid, low, high } = wilson(part, of);
  return of === 0 ? 'unknown' : `${percentOf(mid)} % (${percentOf(low)} to ${percentOf(high)})`;
}

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
  measured: `Measured on ${whole(MEASURED.sentences)} made-up sentences with names of 25 languages, ${MEASURED.date}: the share of things hidden, and of what was hidden rightly, each with a 95 % interval. Real tickets name people in more ways.`,
  rowsOf: MEASURED.kinds.map(
    ({ title, n, hidden, spans, right }) =>
      `${title}: ${share(hidden, n)} of ${whole(n)} hidden, ${share(right, spans)} of what was hidden was right`,
  ),
  figures: 'How well that works',
} as const;
