/** Records of an XML export: the element that returns, with what is in it as columns. */
import { JoulewiseError } from '../core/errors';
import { type Candidate, choiceSentence, choose } from './candidates';
import type { Row, Sink } from './formats';
import { flatten } from './json';
import { MarkupReader, type Token } from './markup';

type Text = AsyncIterable<string>;
type Value = string | { [name: string]: Value | Value[] };

interface Node {
  name: string;
  path: string;
  fields: Map<string, Value[]>;
  text: string;
}

/** How deep records lie: `rss/channel/item`, `response/result/records/record`. */
const MAX_LEVEL = 4;
const MAX_DEPTH = 256;
const SAMPLES = 30;
const MAX_PATHS = 500;

/** An element without children is its text; attributes are fields beside it, as ServiceNow's `display_value`. */
function valueOf({ fields, text }: Node): Value {
  const said = text.trim();
  if (fields.size === 0) return said;
  const value: { [name: string]: Value | Value[] } = {};
  for (const [name, values] of fields) value[name] = values.length === 1 ? (values[0] as Value) : values;
  if (said !== '' && !fields.has('value')) value.value = said;
  return value;
}

/** Elements of some paths, as they close. `keep` says how many children of a name an element above the records keeps. */
class RecordReader {
  private readonly open: Node[] = [];
  get unfinished(): boolean {
    return this.open.length > 0;
  }

  constructor(
    private readonly wants: (path: string, level: number) => boolean,
    private readonly keep: (path: string, level: number) => number,
  ) {}

  take(tokens: readonly Token[]): { path: string; value: Value }[] {
    const out: { path: string; value: Value }[] = [];
    for (const token of tokens) {
      const top = this.open.at(-1);
      if (token.kind === 'text') {
        if (top) top.text += token.text;
      } else if (token.kind === 'open') this.begin(token.name, token.attributes);
      else if (top) {
        // An end that fits nothing open is passed over; one that fits an outer element ends the inner ones too.
        const at = this.open.findLastIndex(({ name }) => name === token.name);
        if (at >= 0) while (this.open.length > at) this.end(out);
      }
    }
    return out;
  }

  private begin(name: string, attributes: ReadonlyMap<string, string>): void {
    if (this.open.length >= MAX_DEPTH)
      throw new JoulewiseError(
        'input.format',
        `The XML is nested more than ${MAX_DEPTH} levels deep: export a plain list of tickets.`,
      );
    const path = [...this.open.map((node) => node.name), name].join('/');
    this.open.push({ name, path, text: '', fields: new Map([...attributes].map(([key, value]) => [key, [value]])) });
  }

  private end(out: { path: string; value: Value }[]): void {
    const node = this.open.pop() as Node;
    const level = this.open.length;
    const value = valueOf(node);
    if (this.wants(node.path, level)) out.push({ path: node.path, value });
    const parent = this.open.at(-1);
    if (!parent) return;
    const siblings = parent.fields.get(node.name);
    if (!siblings) {
      if (this.keep(parent.path, level - 1) > 0) parent.fields.set(node.name, [value]);
    } else if (siblings.length < this.keep(parent.path, level - 1)) siblings.push(value);
    // A parent's text is what stands between its children; above the records it would only grow.
    if (parent.text.length > 0 && level <= MAX_LEVEL) parent.text = parent.text.trimStart();
  }
}

async function* records(text: Text, reader: RecordReader, rowChars: number) {
  const markup = new MarkupReader('xml', rowChars);
  for await (const chunk of text) yield reader.take(markup.push(chunk));
}

const isObject = (value: Value): value is Exclude<Value, string> => typeof value !== 'string';

async function survey(text: Text, rowChars: number): Promise<Candidate[]> {
  const found = new Map<string, { count: number; samples: object[] }>();
  const inner = (level: number) => level >= 1 && level <= MAX_LEVEL;
  const reader = new RecordReader(
    (_path, level) => inner(level),
    (_path, level) => (level < MAX_LEVEL ? SAMPLES : Infinity),
  );
  for await (const batch of records(text, reader, rowChars))
    for (const { path, value } of batch) {
      if (!isObject(value)) continue;
      const seen = found.get(path);
      if (!seen && found.size >= MAX_PATHS) continue;
      const own = seen ?? { count: 0, samples: [] };
      found.set(path, own);
      own.count++;
      if (own.samples.length < SAMPLES) own.samples.push(value);
    }
  return [...found].map(([path, { count, samples }]) => ({
    id: path,
    title: `<${path.slice(path.lastIndexOf('/') + 1)}>`,
    rows: count,
    samples: samples.map((o) => flatten(o)),
    direct: samples.map((o) => flatten(o, true)),
    contains: (other) => other.id.startsWith(`${path}/`),
  }));
}

/** Rows of the records in an XML text. Throws `input.format` where nothing in it returns. */
export async function* xmlRows(text: Text, sink: Sink, again: () => Text): AsyncGenerator<Row[], void, undefined> {
  const { rowChars } = sink.limits;
  const choice = choose(await survey(again(), rowChars));
  if (!choice)
    throw new JoulewiseError(
      'input.format',
      'The XML holds no list of records: export the tickets as CSV, XLSX or JSON, or one element for each ticket.',
    );
  const said = choiceSentence(choice, 'kinds of elements');
  if (said !== null) sink.warn(said);
  const paths = new Set(choice.chosen.map(({ id }) => id));
  const outer = (path: string) => choice.chosen.some(({ id }) => id.startsWith(`${path}/`));
  const reader = new RecordReader(
    (path) => paths.has(path),
    (path) => (outer(path) ? 0 : Infinity),
  );
  for await (const batch of records(text, reader, rowChars)) {
    const rows = batch.map(({ value }) => flatten(isObject(value) ? value : { value }));
    if (rows.length > 0) yield rows;
  }
  if (reader.unfinished)
    sink.warn(
      'The XML ends before its list does: tickets at the end may be missing. Export it again if you need them.',
    );
}
