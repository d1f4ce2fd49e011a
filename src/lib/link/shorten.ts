import { canonicalJson, type Json } from '../core/canonical';
import { decimal, inUnitsOf } from '../core/digits';
import { JoulewiseError } from '../core/errors';
import { numberReader, spellNumber, spellNumbers } from './spell';

/**
 * The layout of codecs e2 and e3, which has more keys: JSON in, smaller JSON out. Keys become letters; a list of objects becomes one column per key;
 * a column of equal values is written once; numbers of a column are written as text of few characters each, and the ends
 * of intervals as distances from their middles. It knows nothing of any schema, so records of later versions pack too.
 * **Frozen**: a change here is codec e4. What e1 (fewer keys, numbers as lists) and e2 (fewer keys) wrote is still read,
 * since a key without a short name travels under its own: so later records may have any further keys.
 */

/** Known keys in the order of their short names. Append nothing: other keys travel as "_" + key. */
const KEYS = [
  'v',
  'kind',
  'createdAt',
  'device',
  'name',
  'profile',
  'browser',
  'checkpoint',
  'dataset',
  'tasks',
  'w',
  'variants',
  'variant',
  'stage',
  'engine',
  'kernel',
  'energy',
  'energyRange',
  'tier',
  'boundary',
  'latency',
  'quality',
  'metrics',
  'storedBytes',
  'computedBytes',
  'sparsity',
  'tickets',
  'repeats',
  'fallbacks',
  'low',
  'mid',
  'high',
  'n',
  'rca.accuracy',
  'rca.macroF1',
  'rca.causeNll',
  'response.rouge1',
  'response.rouge2',
  'response.rougeL',
  'response.chrf',
  'response.bleu',
  'response.nll',
  'plan',
  'hash',
  'repo',
  'revision',
  'stages',
  'prunings',
  'k',
  'baseline',
  'threads',
  'limit',
  'maxNewTokens',
  'seed',
  // From here on since e2.
  'summary.rouge1',
  'summary.rouge2',
  'summary.rougeL',
  'summary.chrf',
  'summary.bleu',
  'summary.nll',
  'templates',
  'title',
  'system',
  'user',
  'withheld',
  'calibration',
  // From here on since e3.
  'slices',
  'taskShare',
  'deviceRange',
  'rca',
  'response',
  'summary',
  'evidence',
  'reference',
  'margin',
  'df',
  'work',
  'energySd',
  'energyHalf',
  'qualitySd',
  'share',
  'floors',
  'task',
  'always',
  'chance',
  'rows',
  'above',
  'overChance',
  'disturbed',
  'of',
  'stopped',
  'after',
  'why',
  'untilDecided',
  'critical',
] as const;

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const shortName = (i: number) => (i < LETTERS.length ? '' : 'a') + LETTERS.charAt(i % LETTERS.length);
const SHORT: ReadonlyMap<string, string> = new Map(KEYS.map((key, i) => [key, shortName(i)]));
const LONG: ReadonlyMap<string, string> = new Map(KEYS.map((key, i) => [shortName(i), key]));

const ESCAPE = '_';
const shortenKey = (key: string) => SHORT.get(key) ?? ESCAPE + key;

/** Marks an object that stands for a list of objects, and holds its length. No packed key begins with it. */
const LENGTH = '#';
/** Inside a table or a column: columns by key, the one value of all rows, the values of rows that have any, rows that are null, rows that lack the key. */
const [COLUMNS, SAME, VALUES, NULLS, HOLES] = ['c', '=', 'l', '0', '-'];

type JsonObject = Record<string, Json>;
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keys are anyone's: "__proto__" must not find what every object inherits. */
const own = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

const indicesOf = <T>(items: readonly T[], test: (item: T) => boolean) =>
  items.flatMap((item, i) => (test(item) ? [i] : []));

/** Adds a key only where its list says something. */
const unlessEmpty = (key: string, list: Json[]): JsonObject => (list.length > 0 ? { [key]: list } : {});

/** Inside a column: its numbers as text: exponent of ten, whole numbers. */
const NUMBERS = '~';
/** Inside columns: low, mid and high of all rows as text: exponent of ten, mids, mid - low, high - mid. */
const INTERVALS = '~';
const ENDS = ['low', 'mid', 'high'] as const;

const lastPlace = (x: number) => {
  const { digits, exponent } = decimal(x);
  return exponent - (digits.split('.')[1]?.length ?? 0);
};

/** Null where an end is missing in some row, or where the numbers have too many digits for whole numbers. */
function shortenIntervals(rows: readonly JsonObject[]): JsonObject | null {
  const ends = ENDS.map((end) => rows.map((row) => own(row, end)));
  if (!ends.flat().every((x) => typeof x === 'number')) return null;
  const place = Math.min(...(ends.flat() as number[]).map(lastPlace));
  const [low, mid, high] = ends.map((column) => column.map((x) => inUnitsOf(place, x as number))) as [
    number[],
    number[],
    number[],
  ];
  const below = mid.map((m, i) => m - (low[i] as number));
  const above = mid.map((m, i) => (high[i] as number) - m);
  // Apart from their middles they must come back as they were.
  if (![low, high].flat().every(Number.isSafeInteger)) return null;
  const lists = [mid, below, above].map(spellNumbers);
  return lists.includes(null) ? null : { [INTERVALS]: spellNumber(place) + lists.join('') };
}

/** Null where the numbers have too many digits for whole numbers. */
function shortenNumbers(list: readonly number[]): string | null {
  const place = Math.min(...list.map(lastPlace));
  const whole = spellNumbers(list.map((x) => inUnitsOf(place, x)));
  return whole === null ? null : spellNumber(place) + whole;
}

function shortenColumns(rows: readonly JsonObject[]): JsonObject {
  const intervals = shortenIntervals(rows);
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (key) => !intervals || !(ENDS as readonly string[]).includes(key),
  );
  return {
    ...intervals,
    ...Object.fromEntries(keys.map((key) => [shortenKey(key), shortenColumn(rows.map((row) => own(row, key)))])),
  };
}

function shortenColumn(values: readonly (Json | undefined)[]): Json {
  const present = values.filter((value) => value !== undefined);
  const [first] = present;
  if (first === undefined) return [];
  if (present.length === values.length && new Set(present.map(canonicalJson)).size === 1)
    return { [SAME]: shorten(first) };
  const holes = unlessEmpty(
    HOLES,
    indicesOf(values, (value) => value === undefined),
  );
  const objects = present.filter(isObject);
  if (objects.length > 0 && present.every((value) => value === null || isObject(value)))
    return {
      [COLUMNS]: shortenColumns(objects),
      ...unlessEmpty(
        NULLS,
        indicesOf(values, (value) => value === null),
      ),
      ...holes,
    };
  const numbers = present.filter((value) => typeof value === 'number');
  const spelled =
    numbers.length > 1 && present.every((value) => value === null || typeof value === 'number')
      ? shortenNumbers(numbers)
      : null;
  if (spelled !== null)
    return {
      [NUMBERS]: spelled,
      ...unlessEmpty(
        NULLS,
        indicesOf(values, (value) => value === null),
      ),
      ...holes,
    };
  const packed = present.map(shorten);
  return present.length === values.length ? packed : { [VALUES]: packed, ...holes };
}

/** Any JSON value as smaller JSON; `unpack` gives it back. */
export function shorten(value: Json): Json {
  if (Array.isArray(value))
    return value.length > 1 && value.every(isObject)
      ? { [LENGTH]: value.length, [COLUMNS]: shortenColumns(value) }
      : value.map(shorten);
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, v]) => [shortenKey(key), shorten(v)]))
    : value;
}

const MAX_DEPTH = 24;
const MAX_ROWS = 1000;
/** Values that one link may unfold into: a repeated value is cheap to write and must not be dear to read. */
const MAX_VALUES = 100_000;

const broken = (what: string) =>
  new JoulewiseError('link.invalid', `This link is damaged (${what}). Ask for it again.`);

const restoreKey = (key: string): string => {
  const long = key.startsWith(ESCAPE) ? key.slice(1) : LONG.get(key);
  if (long === undefined) throw broken('unknown key');
  return long;
};

const rowsAt = (marks: JsonObject, key: string, length: number): Set<number> => {
  const list = marks[key] ?? [];
  const valid =
    Array.isArray(list) &&
    list.every((i): i is number => typeof i === 'number' && Number.isInteger(i) && i >= 0 && i < length);
  if (!valid) throw broken('row numbers');
  return new Set(list);
};

/** Places the given values into the rows that are in neither set. */
const spread = (values: readonly Json[], length: number, nulls: Set<number>, holes: Set<number>) => {
  let next = 0;
  const rows = Array.from({ length }, (_, i) => (holes.has(i) ? undefined : nulls.has(i) ? null : values[next++]));
  if (next !== values.length || rows.some((row, i) => row === undefined && !holes.has(i))) throw broken('row count');
  return rows;
};

/** Whole numbers times a power of ten. */
const scale = (list: readonly number[], place: number): number[] => {
  const scaled = list.map((x) => Number(`${x}e${place}`));
  if (!scaled.every(Number.isFinite)) throw broken('a number is out of range');
  return scaled;
};

/** An exponent of ten, and so many lists of whole numbers. */
const spelled = (value: Json, lists: number, length: number): { place: number; lists: number[][] } => {
  const reader = typeof value === 'string' ? numberReader(value) : null;
  const place = reader?.number() ?? null;
  const read = Array.from({ length: lists }, () => reader?.numbers(length) ?? null);
  if (!reader?.ended || place === null || !read.every((list) => list !== null)) throw broken('numbers');
  return { place, lists: read };
};

const numbers = (value: Json, length: number): number[] => {
  const { place, lists } = spelled(value, 1, length);
  return scale(lists[0] as number[], place);
};

/** Codec e1 wrote them as lists. */
const listed = (value: Json, length: number): { place: number; lists: number[][] } => {
  const whole = (x: Json | undefined): x is number => typeof x === 'number' && Number.isSafeInteger(x);
  const valid = (list: Json): list is number[] => Array.isArray(list) && list.length === length && list.every(whole);
  const [place, ...lists] = Array.isArray(value) ? value : [];
  if (!whole(place) || lists.length < 3 || !lists.every(valid)) throw broken('intervals');
  return { place, lists };
};

/** Reverses `pack` on JSON from anyone. @throws link.invalid on any other layout, on NaN and Infinity, on bombs */
export function restore(packed: Json): Json {
  let left = MAX_VALUES;

  const spend = (amount: number) => {
    left -= amount;
    if (left < 0) throw broken('it unfolds into too much');
  };

  const column = (value: Json, length: number, depth: number): (Json | undefined)[] => {
    spend(length);
    if (Array.isArray(value))
      return spread(
        value.map((item) => expand(item, depth)),
        length,
        new Set(),
        new Set(),
      );
    if (!isObject(value)) throw broken('column');
    const same = value[SAME];
    if (same !== undefined) {
      const before = left;
      const one = expand(same, depth);
      spend((before - left) * length);
      return Array.from({ length }, () => one);
    }
    const [nulls, holes] = [rowsAt(value, NULLS, length), rowsAt(value, HOLES, length)];
    const present = length - new Set([...nulls, ...holes]).size;
    const [list, text] = [value[VALUES], value[NUMBERS]];
    const filled =
      text !== undefined
        ? numbers(text, present)
        : list === undefined
          ? table(value[COLUMNS], present, depth)
          : Array.isArray(list)
            ? list.map((item) => expand(item, depth))
            : undefined;
    if (!filled) throw broken('column');
    return spread(filled, length, nulls, holes);
  };

  const intervals = (value: Json, length: number): (readonly [string, number[]])[] => {
    spend(3 * length);
    const { place, lists } = Array.isArray(value) ? listed(value, length) : spelled(value, 3, length);
    const [mid, below, above] = lists as [number[], number[], number[]];
    const ends = {
      low: mid.map((m, i) => m - (below[i] as number)),
      mid,
      high: mid.map((m, i) => m + (above[i] as number)),
    };
    return ENDS.map((end) => [end, scale(ends[end], place)]);
  };

  const table = (columns: Json | undefined, length: number, depth: number): JsonObject[] => {
    if (!isObject(columns)) throw broken('table');
    const filled = Object.entries(columns).flatMap(([key, value]): (readonly [string, (Json | undefined)[]])[] =>
      key === INTERVALS ? intervals(value, length) : [[restoreKey(key), column(value, length, depth + 1)]],
    );
    return Array.from({ length }, (_, i) =>
      Object.fromEntries(
        filled.flatMap(([key, values]) => {
          const value = values[i];
          return value === undefined ? [] : [[key, value] as const];
        }),
      ),
    );
  };

  const expand = (value: Json, depth: number): Json => {
    spend(1);
    if (depth > MAX_DEPTH) throw broken('it is nested too deep');
    if (typeof value === 'number' && !Number.isFinite(value)) throw broken('a number is out of range');
    if (Array.isArray(value)) return value.map((item) => expand(item, depth + 1));
    if (!isObject(value)) return value;
    const length = value[LENGTH];
    if (length === undefined)
      return Object.fromEntries(Object.entries(value).map(([key, v]) => [restoreKey(key), expand(v, depth + 1)]));
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || length > MAX_ROWS)
      throw broken('table length');
    return table(value[COLUMNS], length, depth);
  };

  return expand(packed, 0);
}
