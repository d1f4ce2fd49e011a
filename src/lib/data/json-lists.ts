/** Where the tickets are in a JSON text, found by reading it once; and their rows, by reading it again. */
import { JoulewiseError, quote } from '../core/errors';
import { type Candidate, choiceSentence, choose } from './candidates';
import type { Row, Sink } from './formats';
import { flatten, objectOf, parseKept, parseList, scalar } from './json';
import { type Element, JsonScanner, type Place } from './json-scan';

const NO_LIST =
  'No list of objects was found in the JSON: export the tickets as [{...}, {...}], or one object per line.';

type Text = AsyncIterable<string>;
/** Rows of a source that can be read again from its beginning. */
type Reader = (text: Text, sink: Sink) => AsyncGenerator<Row[], void, undefined>;

/** Elements of a holder that are looked at, and how long one may be. */
const SAMPLES = 30;
const SAMPLE_CHARS = 65_536;
/** Names of columns: a list of texts is short, and each counts. */
const SAMPLE_TEXTS = 500;
/** Holders that are looked at; a keyed object has as many inner ones as it has keys. */
const MAX_PLACES = 500;

interface Seen {
  place: Place;
  counts: Record<Element['kind'], number>;
  samples: Element[];
}

/** All holders with the kinds of their elements and some of them. */
async function survey(text: Text, sink: Sink): Promise<Seen[]> {
  const seen = new Map<string, Seen>();
  const has = (place: Place) => {
    const known = seen.get(place.id);
    if (known || seen.size >= MAX_PLACES) return known;
    const fresh = { place, counts: { object: 0, list: 0, text: 0, other: 0 }, samples: [] };
    seen.set(place.id, fresh);
    return fresh;
  };
  const scanner = new JsonScanner((place, kind) => {
    const holder = has(place);
    if (!holder) return false;
    return holder.samples.length < (kind === 'text' ? SAMPLE_TEXTS : SAMPLES) ? 'text' : 'count';
  });
  for await (const chunk of text) {
    for (const element of scanner.push(chunk)) {
      const holder = has(element.place);
      if (!holder) continue;
      holder.counts[element.kind]++;
      if (element.kind !== 'other' && element.text !== '' && element.text.length <= SAMPLE_CHARS)
        holder.samples.push(element);
    }
    tooLong(scanner.pending > sink.limits.inflatedBytes, sink);
  }
  return [...seen.values()];
}

function tooLong(is: boolean, sink: Sink): void {
  if (is)
    throw new JoulewiseError(
      'input.format',
      `One object of the JSON is longer than ${sink.limits.rowChars} characters: check that its brackets and quotes close.`,
    );
}

const titleOf = ({ holder, keys }: Place) =>
  holder === 'top' ? 'the objects of the file' : keys.length === 0 ? 'the list' : quote(keys.join('.'));

const startsWith = (keys: readonly string[], prefix: readonly string[]) => prefix.every((key, i) => keys[i] === key);

/** Whether elements of one holder contain the other's. */
const containsPlace = (a: Place, b: Place) =>
  a.id !== b.id &&
  (a.holder === 'top'
    ? b.holder !== 'top'
    : a.holder === 'object' && startsWith(b.keys, a.keys) && b.keys.length > a.keys.length);

/** How many elements make rows; a list of one kind has few of another. */
const rowsIn = ({ object, text }: Seen['counts'], samples: readonly Element[]) =>
  object + (samples.some((e) => e.kind === 'text' && objectOf(e.text)) ? text : 0);

function candidateOf({ place, counts, samples }: Seen): Candidate & { place: Place } {
  const objects = samples.map(({ text }) => objectOf(text)).filter((o) => o !== null);
  return {
    id: place.id,
    place,
    title: titleOf(place),
    rows: rowsIn(counts, samples),
    samples: objects.map((o) => flatten(o)),
    direct: objects.map((o) => flatten(o, true)),
    contains: (other) => containsPlace(place, (other as Candidate & { place: Place }).place),
  };
}

/** Rows of the elements of some holders, as they are met. */
const readElements = (ids: ReadonlySet<string>, rowOf: (element: Element) => Row | null): Reader =>
  async function* (text, sink) {
    const scanner = new JsonScanner((place) => (ids.has(place.id) ? 'text' : false));
    let met = false;
    for await (const chunk of text) {
      const rows: Row[] = [];
      for (const element of scanner.push(chunk)) {
        met = true;
        const row = rowOf(element);
        if (row) rows.push(row);
        else sink.drop('unreadable');
      }
      tooLong(scanner.pending > sink.limits.rowChars, sink);
      if (rows.length > 0) yield rows;
    }
    if (!met && scanner.pending === 0) throw new JoulewiseError('input.format', NO_LIST);
    // A wrapper around a list that is read is one of these too.
    if (scanner.ignored > 0 && ids === PLAIN)
      sink.warn(`${scanner.ignored} objects stand outside the list of tickets and are left out.`);
    if (!scanner.unfinished) return;
    if (scanner.pending > 0) sink.drop('unreadable');
    sink.warn(
      'The JSON ends before its list does: tickets at the end may be missing. Export it again if you need them.',
    );
  };

const objectRow = ({ kind, text }: Element): Row | null => {
  const object = kind === 'object' || kind === 'text' ? objectOf(text) : null;
  return object && flatten(object);
};

/** Names beside a list of lists: `{"columns": [...], "data": [[...]]}`. */
const HEADERS = /^(?:columns?|columnnames|headers?|fields?|names|schema)$/i;

/** The names that a list of names, or of objects with a name each, gives. */
function namesIn({ samples }: Seen): string[] {
  return samples.map(({ text }) => {
    const value = parseKept(text);
    if (typeof value === 'string') return value;
    const { name, field, title, label, id } = value as Record<string, unknown>;
    return scalar(name ?? field ?? title ?? label ?? id);
  });
}

/** Lists of cells, whose names stand beside them or in the first; null where there are none. */
function tableIn(all: readonly Seen[]): Reader | null {
  const table = all
    .filter(({ place, counts }) => place.holder === 'list' && counts.list > 0 && counts.list >= counts.object)
    .sort((a, b) => b.counts.list - a.counts.list)[0];
  if (!table) return null;
  const parent = table.place.keys.slice(0, -1);
  const beside = all.find(
    ({ place, counts }) =>
      place.holder === 'list' &&
      place !== table.place &&
      place.keys.length === parent.length + 1 &&
      startsWith(place.keys, parent) &&
      HEADERS.test(place.keys.at(-1) ?? '') &&
      counts.text + counts.object > 0,
  );
  const first = beside ? namesIn(beside) : parseList(table.samples[0]?.text ?? '');
  if (!first || first.length < 2 || new Set(first).size < first.length) return null;
  let header = !beside;
  const rowOf = ({ text }: Element): Row | null => {
    const cells = parseList(text);
    return cells && cells.length <= first.length ? new Map(first.map((name, i) => [name, cells[i] ?? ''])) : null;
  };
  return async function* (text, sink) {
    for await (const rows of readElements(new Set([table.place.id]), rowOf)(text, sink)) {
      yield header ? rows.slice(1) : rows;
      header = false;
    }
  };
}

/** Columns instead of rows: `{"description": {"0": "..."}}` or `{"description": ["..."]}`, as pandas and datasets write; null where there are none. */
function columnsIn(all: readonly Seen[]): Reader | null {
  const root = all.find(({ place }) => place.holder === 'object' && place.keys.length === 0);
  if (!root) return null;
  const columns = all.filter(({ place }) => place.holder !== 'top' && place.keys.length === 1);
  const [first] = columns;
  const size = (s: Seen) => s.counts.text + s.counts.other;
  const whole = columns.filter(
    (s) =>
      s.counts.object + s.counts.list === 0 &&
      size(s) > 0 &&
      first &&
      size(s) === size(first) &&
      s.place.holder === first.place.holder,
  );
  const numbered = root.samples.every(
    ({ kind, text }) => kind === 'list' || Object.keys(objectOf(text) ?? { x: 0 }).every((key) => /^\d+$/.test(key)),
  );
  if (whole.length < 2 || whole.length < columns.length || !numbered) return null;
  return async function* (text, sink) {
    const scanner = new JsonScanner((place) => (place.id === root.place.id ? 'text' : false));
    const values: [string, unknown[]][] = [];
    for await (const chunk of text) {
      for (const { key, text: column } of scanner.push(chunk)) {
        const value = parseKept(column);
        values.push([key, Object.values(value as object)]);
      }
      tooLong(scanner.pending > 8 * sink.limits.rowChars, sink);
    }
    const rows = Math.max(0, ...values.map(([, cells]) => cells.length));
    yield Array.from({ length: rows }, (_, i) => new Map(values.map(([name, cells]) => [name, scalar(cells[i])])));
  };
}

/** True where the text begins as a list of objects: no other list can be meant. */
const PLAIN_LIST = /^\s*\[\s*\{/;
const PLAIN: ReadonlySet<string> = new Set(['list []']);
/** What APIs say where more pages follow. */
const NEXT_PAGE = /"(?:@?odata\.nextLink|next_?page|next_?link|nextPageToken|next)"\s*:\s*"[^"]/i;

/** Rows of the tickets in a JSON text. `again` gives the text from its beginning. Throws `input.format` where there are none. */
export async function* jsonRows(
  text: Text,
  sample: string,
  sink: Sink,
  again: () => Text,
): AsyncGenerator<Row[], void, undefined> {
  if (PLAIN_LIST.test(sample)) {
    yield* readElements(PLAIN, objectRow)(text, sink);
    return;
  }
  const all = await survey(again(), sink);
  const candidates = all.map(candidateOf);
  const choice = choose(candidates);
  const reader = columnsIn(all) ?? (choice?.maps ? null : tableIn(all));
  if (reader) {
    yield* reader(text, sink);
    return;
  }
  const [best] = choice?.chosen ?? [];
  const single = best && best.rows === 1 && !choice?.maps;
  if (!choice || !best || (single && best.samples.every((row) => row.size < 2)))
    throw new JoulewiseError('input.format', NO_LIST);
  if (NEXT_PAGE.test(sample))
    sink.warn('The file is one page of several: it names a next page, whose tickets are not in it. Export all pages.');
  const said = choiceSentence(choice, 'lists');
  if (said !== null) sink.warn(said);
  yield* readElements(new Set(choice.chosen.map(({ id }) => id)), objectRow)(text, sink);
}
