/** Causes as people write them: one class may be spelt in several ways, and a class may read like "no answer". */
import { quote } from '../core/errors';
import type { ClassCount } from './review';

/** Signs without a width: they come with copied text and make two classes of one. Joiners inside Indic and Persian words stay. */
const INVISIBLE = /[\u00ad\u200b\u2060\ufeff]|[\u200c\u200d](?![\p{L}\p{M}])|(?<![\p{L}\p{M}])[\u200c\u200d]/gu;

/** A cause in one Unicode form (NFC), without signs that have no width, and with single spaces. */
export const tidyCause = (cause: string) => cause.normalize('NFC').replace(INVISIBLE, '').replace(/\s+/g, ' ').trim();

/** What two spellings of one cause share: letters without case and width, no signs around them, no trailing zeros. */
function likeness(cause: string): string {
  // By their digits, not by value: ids past 2^53 are equal as doubles.
  if (/^\d+[.,]\d+$/.test(cause)) return cause.replace(',', '.').replace(/\.?0+$/, '');
  const folded = cause.normalize('NFKC').toLowerCase().replace(/ß/g, 'ss');
  return folded.replace(/[\s_\p{Pd}]+/gu, ' ').replace(/^[\s.,;:!]+|[\s.,;:!]+$/gu, '');
}

/** Spellings that probably mean one cause: the most frequent, and the others. */
export interface LikeCauses {
  to: string;
  from: string[];
  /** Tickets with one of `from`. */
  tickets: number;
}

/** Causes that differ only in case, spaces, hyphens, final dots or trailing zeros; `classes` are most frequent first. */
export function likeCauses(classes: readonly ClassCount[]): LikeCauses[] {
  const sets = new Map<string, LikeCauses>();
  for (const { cause, count } of classes) {
    const key = likeness(cause);
    const set = sets.get(key);
    if (!set) sets.set(key, { to: cause, from: [], tickets: 0 });
    else {
      set.from.push(cause);
      set.tickets += count;
    }
  }
  return [...sets.values()].filter(({ from }) => from.length > 0);
}

const MAX_NAMED = 3;

/** The sentence on causes that are alike; `merged` where they were made one. */
export function likeSentence(likes: readonly LikeCauses[], merged: boolean): string {
  const n = likes.reduce((a, { from }) => a + from.length + 1, 0);
  const named = likes
    .slice(0, MAX_NAMED)
    .map(
      ({ to, from }) =>
        `${from.slice(0, MAX_NAMED).map(quote).join(', ')}${from.length > MAX_NAMED ? ' ...' : ''} and ${quote(to)}`,
    )
    .join('; ');
  const more = likes.length > MAX_NAMED ? ` and ${likes.length - MAX_NAMED} more` : '';
  return merged
    ? `${n} spellings of ${likes.length} causes were made one each, the most frequent: ${named}${more}.`
    : `${n} causes differ only in case, spaces, hyphens, final dots or trailing zeros, and would be ${likes.length} if merged: ${named}${more}. They stay apart until you merge them.`;
}

/** Words that say "no answer" in one file and name a class (North America, no fault found) in the next. */
const DOUBTFUL = /^(?:n\/?a|n\.a\.|none|nil|unknown|not applicable|tbd)$/i;
/** Of those, the words that are no answer unless they are frequent. */
const UNLESS_FREQUENT = /^n\/?a$/i;
/** As frequent as a class would be. */
const FREQUENT = 0.05;
const FEWEST = 3;

export const isDoubtful = (cause: string) => UNLESS_FREQUENT.test(cause);

/** Whether so many of `labelled` tickets are too many to leave out. */
export const isFrequent = (count: number, labelled: number) => count >= FEWEST && count >= FREQUENT * labelled;

/** Causes that are as frequent as a class, and read like "no answer". */
export function doubtfulCauses(classes: readonly ClassCount[]): ClassCount[] {
  const labelled = classes.reduce((a, { count }) => a + count, 0);
  return classes.filter(({ cause, count }) => DOUBTFUL.test(cause) && isFrequent(count, labelled));
}

/** What to ask of `doubtfulCauses`. */
export function doubtfulSentence(doubtful: readonly ClassCount[], column: string): string {
  const list = doubtful.map(({ cause, count }) => `${quote(cause)} (${count} tickets)`).join(', ');
  return `${list} in ${quote(column)} may be a cause or mean "not known"; it is kept as a cause. If it means "not known", say so and the tickets are left out of root cause analysis.`;
}
