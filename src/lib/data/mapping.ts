/** Which columns make a ticket: guessed from names and content, or said by the user. */
import { JoulewiseError, quote } from '../core/errors';
import type { Mapping } from '../schema/dataset';
import type { TaskName } from '../schema/run';
import type { Row } from './formats';
import { numberOf } from './numbers';

type Role = keyof Mapping;

/** What a sample tells of a column. */
interface Profile {
  column: string;
  filled: number;
  distinct: number;
  /** Mean characters of filled cells. */
  length: number;
  /** The same as a Latin script would need: a sentence of Chinese or Japanese has a third of the characters. */
  reach: number;
  /** Share of filled cells that are numbers. */
  numeric: number;
}

/** Letters of scripts without spaces, that say as much as some three Latin ones. */
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const DENSE_WORTH = 3;

function profile(column: string, rows: readonly Row[]): Profile {
  const cells = rows.map((row) => row.get(column)?.trim() ?? '').filter((cell) => !isMissing(cell));
  const numeric = cells.filter((cell) => numberOf(cell) !== null).length;
  const characters = cells.reduce((a, cell) => a + cell.length, 0);
  const dense = cells.reduce((a, cell) => a + (cell.match(DENSE)?.length ?? 0), 0);
  return {
    column,
    filled: cells.length,
    distinct: new Set(cells).size,
    length: characters / Math.max(1, cells.length),
    reach: (characters + (DENSE_WORTH - 1) * dense) / Math.max(1, cells.length),
    numeric: numeric / Math.max(1, cells.length),
  };
}

/** Cells that say that nothing is known. */
export const isMissing = (cell: string) => /^(?:n\/?a|null|nan|undefined|-+|\?+)?$/i.test(cell.trim());

/** Few values that return: a class. */
const isClass = ({ filled, distinct, length }: Profile) =>
  distinct >= 1 && length <= 60 && distinct <= Math.max(2, Math.min(200, filled / 2));
const isProse = ({ reach, numeric, filled }: Profile) => filled > 0 && reach >= 15 && numeric < 0.5;
/** Too short for prose, and yet words: "fan 2 failed" in a column that is called text. */
const isWords = ({ reach, numeric, filled }: Profile) => filled > 0 && reach >= 4 && numeric < 0.5;

/**
 * Names in ticket systems, best first: ServiceNow, Jira, TMF621, 3GPP AlarmRecord, public data sets. Compared without
 * case, spaces and signs, against the last part of a path ("fields.summary") and the whole.
 */
const TITLES = ['shortdescription', 'title', 'subject', 'summary', 'headline', 'specificproblem', 'name'];
const BODIES = [
  'description', 'longdescription', 'document', 'text', 'body', 'tickettext', 'ticket', 'message', 'details', 'detail', 'problem',
  'problemdescription', 'symptom', 'instruction', 'report', 'article', 'symptoms', 'content', 'additionaltext', 'complaint', 'issue', 'question', 'alarmtext', 'note', 'summary',
]; // prettier-ignore
/** So many of `BODIES` are called so for their text alone. */
const SURE_BODIES = 12;
const NAMES = {
  cause: [
    'rootcause', 'rca', 'causecode', 'cause', 'probablecause', 'faultcause', 'failurecause', 'reason', 'closecode', 'resolutioncode',
    'topicgroup', 'faulttype', 'failuretype', 'faultclass', 'category', 'subcategory', 'label', 'class', 'topic', 'queue', 'tickettype',
    'failure', 'target', 'type', 'sector', 'provider', 'vendor', 'team', 'department',
  ],
  response: [
    'closenotes', 'resolutionnotes', 'resolutiontext', 'mitigation', 'response', 'answer', 'reply', 'resolution', 'solution', 'fix',
    'actiontaken', 'actionstaken', 'action', 'actions', 'repairaction', 'proposedrepairactions', 'workaround', 'feedback', 'worknotes',
    'statuschangereason', 'output', 'abstract',
  ],
  group: [
    'incidentid', 'incident', 'problemid', 'parentincident', 'parent', 'parentid', 'groupid', 'group', 'correlationid', 'outageid',
    'eventid', 'threadid',
  ],
  time: [
    'openedat', 'creationdate', 'created', 'createdat', 'createdon', 'opened', 'alarmraisedtime', 'starttime', 'timestamp', 'time',
    'datetime', 'date', 'raisedtime', 'syscreatedon',
  ],
} as const satisfies Record<Exclude<Role, 'text'>, readonly string[]>; // prettier-ignore

const plain = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
const KNOWN = new Set<string>([
  ...TITLES,
  ...BODIES,
  ...Object.values(NAMES).flat(),
  'id',
  'number',
  'status',
  'priority',
]);
/** True where ticket systems call a column so. */
export const isKnownColumn = (name: string) => KNOWN.has(plain(name));

/** Whether names of columns are those of a ticket: 2 for its text, 1 for an answer. A user has a name and a role too. */
export function ticketNames(text: readonly string[], answers: readonly string[]): number {
  const called = (columns: readonly string[], names: readonly string[]) =>
    columns.some((column) => names.includes(plain(column)) || names.includes(plain(lastPart(column))));
  return (called(text, BODIES) ? 2 : 0) + (called(answers, [...NAMES.cause, ...NAMES.response]) ? 1 : 0);
}

const lastPart = (name: string) => name.slice(name.lastIndexOf('.') + 1);

/** The column with the best-placed name that also `fits`. */
function named(
  profiles: readonly Profile[],
  names: readonly string[],
  fits: (profile: Profile) => boolean,
): string | null {
  for (const name of names) {
    const hit = profiles.find((p) => (plain(p.column) === name || plain(lastPart(p.column)) === name) && fits(p));
    if (hit) return hit.column;
  }
  return null;
}

/** So many columns of numbers beside a class are read as one vector. */
const FEWEST_COUNTERS = 4;

const isNumbers = ({ numeric }: Profile) => numeric > 0.9;

/** Columns of numbers, where there are enough of them to be counters or alarms; else none. */
export function counterColumns(columns: readonly string[], rows: readonly Row[]): string[] {
  const numbers = columns.map((column) => profile(column, rows)).filter((p) => p.filled > 0 && isNumbers(p));
  return numbers.length >= FEWEST_COUNTERS ? numbers.map(({ column }) => column) : [];
}

/**
 * What a cell adds to the text of a ticket; null where that is nothing. Of several columns, a number says something only
 * with its column's name, and 0 says nothing.
 */
export function wordsOf(column: string, said: string | null, columns: number): string | null {
  if (said === null || columns === 1) return said;
  const number = numberOf(said);
  return number === null ? said : number === 0 ? null : `${column} ${said}`;
}

const longest = (profiles: readonly Profile[]) =>
  profiles.reduce<Profile | null>((best, p) => (best === null || p.reach > best.reach ? p : best), null);

/** A mapping from column names first, then from content. `text` is empty where nothing reads like a ticket. */
export function guessMapping(columns: readonly string[], rows: readonly Row[]): Mapping {
  const profiles = columns.map((column) => profile(column, rows)).filter(({ filled }) => filled > 0);
  const free = (...taken: (string | null)[]) => profiles.filter(({ column }) => !taken.includes(column));

  const title = named(profiles, TITLES, ({ numeric, length }) => numeric < 0.5 && length >= 4);
  const body = named(free(title), BODIES, isProse);
  // What is the same in every row answers nothing: an "action" of an export, not of an engineer.
  const response = named(free(title, body), NAMES.response, (p) => isProse(p) && (p.distinct > 1 || p.filled < 3));
  // By name, free text is a cause too: some data sets explain it in words. A generic name needs the look of a class.
  const cause =
    named(free(title, body, response), NAMES.cause.slice(0, 7), () => true) ??
    named(free(title, body, response), NAMES.cause, isClass);
  const text = [title, body].filter((column) => column !== null);
  if (text.length === 0) {
    // In a file of a few rows everything looks like a class, so the longest prose may be one too.
    const prose = free(cause, response).filter((p) => isProse(p) && p.reach >= 20);
    const best = longest(prose.filter((p) => !isClass(p))) ?? longest(prose);
    const short = best ? null : named(free(cause, response), BODIES.slice(0, SURE_BODIES), isWords);
    if (best) text.push(best.column);
    else if (short !== null) text.push(short);
  }
  // A table of counters or alarms has no words: its columns' names and numbers are the text.
  if (text.length === 0) {
    const numbers = free(cause, response).filter(isNumbers);
    if (cause !== null && numbers.length >= FEWEST_COUNTERS) text.push(...numbers.map(({ column }) => column));
  }
  const group = named(free(cause, response, ...text), NAMES.group, ({ distinct, filled }) => distinct < filled);
  const time = named(free(cause, response, group, ...text), NAMES.time, () => true);
  const rest = free(response, group, time, ...text);
  const byContent = rest.filter((p) => isClass(p) && p.numeric < 0.5 && p.distinct >= 2).at(-1)?.column;
  return { text, cause: cause ?? (response === null ? (byContent ?? null) : null), response, group, time };
}

const KEYS = ['text', 'cause', 'response', 'target', 'group', 'time'] as const;
type Key = (typeof KEYS)[number];
const isKey = (key: string): key is Key => (KEYS as readonly string[]).includes(key);

/** What `target` means for a task. */
const TARGET: Readonly<Record<TaskName, 'cause' | 'response'>> = {
  rca: 'cause',
  response: 'response',
  summary: 'response',
};

/** Splits at a sign outside double quotes, and takes the quotes off. */
function splitQuoted(text: string, sign: string): string[] {
  const parts: string[] = [''];
  let quoted = false;
  for (const c of text) {
    if (c === '"') quoted = !quoted;
    if (c === sign && !quoted) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts;
}
const unquote = (text: string) => text.trim().replace(/^"(.*)"$/s, '$1');

/**
 * Reads the option `text=title|summary,target=root cause`. Columns of `text` are joined by "|"; a name that holds
 * "," or "|" stands in double quotes; `target` is the column that `task` answers. Throws `option.*`.
 */
export function parseMapping(option: string, task: TaskName = 'rca'): Partial<Mapping> {
  const mapping: Partial<Mapping> = {};
  for (const part of splitQuoted(option, ',')) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(0, at)).trim();
    const columns = splitQuoted(part.slice(at + 1), '|').map(unquote);
    if (at < 0 || columns.some((column) => column === ''))
      throw new JoulewiseError(
        'option.invalid',
        `The mapping part ${quote(part)} is not KEY=COLUMN: write for example text=title|summary,cause=root cause.`,
      );
    if (!isKey(key))
      throw new JoulewiseError('option.unknown', `The mapping key ${quote(key)} is not known: use ${KEYS.join(', ')}.`);
    const [column = '', ...more] = columns;
    if (key === 'text') mapping.text = columns;
    else if (more.length > 0)
      throw new JoulewiseError('option.invalid', `The mapping key ${key} takes one column; only text takes several.`);
    else mapping[key === 'target' ? TARGET[task] : key] = column;
  }
  return mapping;
}

const MAX_LISTED = 30;
/** Columns for a sentence. */
export const listColumns = (columns: readonly string[]) =>
  columns.slice(0, MAX_LISTED).map(quote).join(', ') +
  (columns.length > MAX_LISTED ? ` and ${columns.length - MAX_LISTED} more` : '');

/** The columns that a mapping names. */
export const mappedColumns = ({ text, cause, response, group, time }: Mapping) =>
  [...text, cause, response, group, time].filter((column) => column !== null);

/** The user's mapping over the guess. Throws `input.columns` where it cannot make tickets, and says what columns there are. */
export function resolveMapping(guess: Mapping, said: Partial<Mapping>, columns: readonly string[]): Mapping {
  const mapping = { ...guess, ...said };
  const there = `The columns are ${listColumns(columns)}.`;
  const unknown = mappedColumns(mapping).find((column) => !columns.includes(column));
  if (unknown !== undefined)
    throw new JoulewiseError('input.columns', `There is no column ${quote(unknown)}. ${there}`);
  // What the user names is not also used as something that was guessed.
  const claimed = new Set(Object.values(said).flat());
  for (const role of ['cause', 'response', 'group', 'time'] as const)
    if (said[role] === undefined && mapping[role] !== null && claimed.has(mapping[role])) mapping[role] = null;
  if (said.text === undefined) mapping.text = mapping.text.filter((column) => !claimed.has(column));
  if (mapping.text.length === 0)
    throw new JoulewiseError(
      'input.columns',
      `No column reads like the text of a ticket: say which, for example text=${columns[0] ?? 'description'}. ${there}`,
    );
  if (mapping.cause === null && mapping.response === null)
    throw new JoulewiseError(
      'input.columns',
      `No column reads like a root cause or a response: say which, for example cause=NAME or response=NAME. ${there}`,
    );
  return mapping;
}

/** Names of columns that say who: ServiceNow, Jira, Zendesk, Remedy and what people call them. */
const PEOPLE =
  /^(?:callerid|caller|caller.?name|callername|reporter|reportedby|requester|requestor|requestedby|requestedfor|requester(?:name|email)|assignee|assignedto|openedby|closedby|resolvedby|createdby|updatedby|syscreatedby|sysupdatedby|submitter|submittedby|creator|author|technician|technicianname|engineer|agent|agentname|contact|contactname|contactperson|customername|customeremail|customerphone|clientname|username|userid|fullname|firstname|lastname|surname|employee|employeename|email|emailaddress|mail|phone|phonenumber|telephone|mobile|watchlist|address|street|streetaddress|postcode|zip|zipcode)$/;

/** Columns that name people, by what they are called: `caller`, `u_assigned_to`, `fields.reporter.displayName`. */
export const peopleColumns = (columns: readonly string[]): string[] =>
  columns.filter((column) => {
    const parts = column.toLowerCase().split(/[./]/);
    const last = parts.at(-1) ?? '';
    const named = ['displayname', 'display_value', 'name', 'emailaddress', 'email', 'value'].includes(last)
      ? [last === 'name' ? '' : last, parts.at(-2) ?? '']
      : [last];
    return named.some((part) => PEOPLE.test(part.replace(/^u_/, '').replace(/[^\p{L}]/gu, '')));
  });
