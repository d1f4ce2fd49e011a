/** JSON objects as cells: digits as they were written, and values that systems wrap as people read them. */

/** Levels of objects that become columns; deeper values are kept as JSON text. */
const MAX_PATH = 4;
/** Columns of one object. */
const MAX_COLUMNS = 2000;

/** Texts of a document in Atlassian's format (ADF), which Jira exports descriptions and comments in, block by block. */
function documentText(node: unknown): string {
  if (typeof node !== 'object' || node === null) return '';
  const { type, text, content } = node as { type?: unknown; text?: unknown; content?: unknown };
  if (typeof text === 'string') return text;
  if (type === 'hardBreak') return '\n';
  if (!Array.isArray(content)) return '';
  const inner = content.map(documentText).join('');
  return BLOCKS.has(String(type)) ? `${inner}\n` : inner;
}
const BLOCKS: ReadonlySet<string> = new Set([
  'paragraph',
  'heading',
  'codeBlock',
  'blockquote',
  'listItem',
  'tableRow',
]);

/**
 * Values that systems wrap: ServiceNow's `{display_value, value}` (people read the first), Jira's documents.
 * Undefined where the value is none of these.
 */
function unwrapped(value: object): unknown {
  if ('display_value' in value && ('value' in value || 'link' in value))
    return (value as { display_value: unknown }).display_value;
  const [[tag, inner] = ['', undefined], second] = Object.entries(value);
  // DynamoDB's {"S": "text"} and MongoDB's {"$oid": "..."}: a value under the name of its type.
  if (second === undefined && TYPE_TAGS.has(tag) && (typeof inner !== 'object' || inner === null)) return inner;
  if ((value as { type?: unknown }).type === 'doc' && Array.isArray((value as { content?: unknown }).content))
    return documentText(value).trim();
  return undefined;
}

const TYPE_TAGS: ReadonlySet<string> = new Set([
  'S', 'N', 'BOOL', '$oid', '$date', '$numberLong', '$numberInt', '$numberDouble', '$numberDecimal', '$uuid',
]); // prettier-ignore

const NAME_KEYS = /^(?:\w*name|key|id|field|code|label|\w*characteristic)$/i;
const VALUE_KEYS = /^(?:\w*values?|val)$/i;
/** An item of a list of names and values says little else. */
const MAX_PAIR_KEYS = 4;

/** Name and value of each item of a list such as `[{"name": "rootCause", "value": "fibre cut"}]`; null where it is none. */
function pairsOf(list: readonly unknown[]): { name: string; value: unknown }[] | null {
  const pairs: { name: string; value: unknown }[] = [];
  for (const item of list) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return null;
    const entries = Object.entries(item);
    const value = entries.find(([key]) => VALUE_KEYS.test(key));
    const names = entries.filter(
      ([key, name]) => NAME_KEYS.test(key) && (typeof name === 'string' || typeof name === 'number'),
    );
    // A name says more than an id where an item has both.
    const name = names.find(([key]) => /name/i.test(key)) ?? names[0];
    if (!value || !name || value === name || entries.length > MAX_PAIR_KEYS) return null;
    pairs.push({ name: String(name[1]), value: value[1] });
  }
  return pairs.length > 0 && new Set(pairs.map(({ name }) => name)).size === pairs.length ? pairs : null;
}

/** A value that is no column of its own, as text. */
export const scalar = (value: unknown) =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);

/**
 * An object as cells: `{"fields": {"summary": "x"}}` has the column "fields.summary". Lists join their items by line
 * breaks, also where items are objects: the texts of TMF621's `note[]` make one column "note.text". Lists of names and
 * values become columns by name. `direct` leaves lists of other objects out: what is in them is not one thing's own.
 */
export function flatten(object: object, direct = false): Map<string, string> {
  const cells = new Map<string, string>();
  const put = (path: string, text: string) => {
    if (!cells.has(path) && cells.size >= MAX_COLUMNS) return;
    const before = cells.get(path);
    cells.set(path, before === undefined || before === '' ? text : text === '' ? before : `${before}\n${text}`);
  };
  const list = (items: readonly unknown[], path: string, level: number) => {
    const pairs = pairsOf(items);
    if (pairs) for (const { name, value } of pairs) visit(value, `${path}.${name}`, level + 1);
    else
      for (const item of items) if (!direct || typeof item !== 'object' || item === null) visit(item, path, level + 1);
  };
  const visit = (value: unknown, path: string, level: number) => {
    const inner = typeof value === 'object' && value !== null && path !== '' ? unwrapped(value) : undefined;
    if (inner !== undefined) put(path, scalar(inner));
    else if (typeof value !== 'object' || value === null || level >= MAX_PATH) put(path, scalar(value));
    else if (Array.isArray(value)) list(value, path, level);
    else
      for (const [key, inner] of Object.entries(value)) visit(inner, path === '' ? key : `${path}.${key}`, level + 1);
  };
  visit(object, '', 0);
  return cells;
}

/** A number that a double would write otherwise, or Python's words for what is none; also met inside strings, where they do no harm. */
const RISKY = /[:[,]\s*-?(?:\d{16}|\d+[.eE])|[:[,]\s*(?:NaN|-?Infinity)\b/;
const TOKENS = /"[^"\\]*(?:\\[^][^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\bNaN\b|-?\bInfinity\b/g;

/**
 * JSON in which numbers that a double cannot hold as written are texts: ids past 2^53 stay apart, and 1.10 is not 1.1.
 * NaN and Infinity, which Python writes and JSON lacks, are null. Throws where it is no JSON.
 */
export function parseKept(text: string): unknown {
  if (!RISKY.test(text)) return JSON.parse(text);
  return JSON.parse(
    text.replace(TOKENS, (token) => (token.startsWith('"') ? token : /^-?\d/.test(token) ? `"${token}"` : 'null')),
  );
}

/** The object that a text holds, also as JSON inside a JSON string; null where it is none. */
export function objectOf(text: string): object | null {
  try {
    let value = parseKept(text);
    if (typeof value === 'string') value = parseKept(value);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** The cells of an object written as JSON; null where the text is no JSON object. */
export function parseObject(text: string): Map<string, string> | null {
  const value = objectOf(text);
  return value && flatten(value);
}

/** The cells of a list written as JSON, in order; null where the text is no list. */
export function parseList(text: string): string[] | null {
  try {
    const value = parseKept(text);
    return Array.isArray(value) ? value.map(scalar) : null;
  } catch {
    return null;
  }
}
