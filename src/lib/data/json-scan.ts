/** JSON text, element by element: lists and keyed objects are found in it, and never is the file as a whole parsed. */
import { JoulewiseError } from '../core/errors';

/** Brackets deeper than this are an attack or a mistake, not a ticket. */
const MAX_DEPTH = 256;
/** How many objects may wrap the list: `{"data": {"items": [...]}}`. */
const MAX_WRAPPERS = 3;

const CODE = { quote: 34, backslash: 92, open: 123, close: 125, list: 91, endList: 93, comma: 44, colon: 58 } as const;
/** Space, and the record separator that JSON text sequences (RFC 7464) put before each value. */
const isSpace = (code: number) => code === 32 || (code >= 9 && code <= 13) || code === 30;

/** What holds elements: the text itself, a list, or an object by its values. */
export type Holder = 'top' | 'list' | 'object';

/** Names a holder: where it is, by the keys of the objects around it. */
export interface Place {
  holder: Holder;
  /** Keys from the outside; empty for the text itself and what stands at its top. */
  keys: readonly string[];
  /** The same as one text. */
  id: string;
}

export interface Element {
  place: Place;
  /** Of the element, where an object holds it; else empty. */
  key: string;
  kind: 'object' | 'list' | 'text' | 'other';
  /** JSON, where it was asked for; else empty. */
  text: string;
}

interface Open {
  place: Place | null;
  isObject: boolean;
  key: string;
  expectsKey: boolean;
  /** Where the text of this value begins in the current chunk; -1 where it is not kept. */
  start: number;
  before: string;
  /** The holder that this value is an element of, and its key there. */
  of: Place | null;
  ofKey: string;
}

const TOP: Place = { holder: 'top', keys: [], id: 'top' };

/**
 * Walks JSON that comes in chunks, and gives the elements of all holders that are wanted. Lists inside lists are not
 * looked into: they are values of an element. Brackets are counted, not matched: a wrong element fails when it is parsed.
 */
export class JsonScanner {
  /** Elements of wanted lists and objects that stood at the top of the text and were not wanted. */
  ignored = 0;
  /** Characters of elements that are kept and not finished. */
  get pending(): number {
    return this.open.reduce((a, { before }) => a + before.length, this.scalarBefore.length);
  }
  /** Whether the text stopped inside a value. */
  get unfinished(): boolean {
    return this.open.length > 0 || this.inString;
  }

  private readonly open: Open[] = [];
  private readonly places = new Map<string, Place>();
  private inString = false;
  private escaped = false;
  private isKey = false;
  private stringStart = -1;
  private scalarBefore = '';
  /** A number, true, false or null is being read. */
  private inScalar = false;

  /** `wants` says whether the elements of a holder are given with their text, without it, or not at all. */
  constructor(private readonly wants: (place: Place, kind: Element['kind']) => 'text' | 'count' | false) {}

  push(chunk: string): Element[] {
    const out: Element[] = [];
    for (const o of this.open) if (o.start >= 0) o.start = 0;
    if (this.stringStart >= 0) this.stringStart = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i);
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (code === CODE.backslash) this.escaped = true;
        else if (code === CODE.quote) this.endString(chunk, i, out);
        continue;
      }
      if (isSpace(code)) {
        this.inScalar = false;
        continue;
      }
      switch (code) {
        case CODE.quote:
          this.beginString(i);
          break;
        case CODE.open:
        case CODE.list:
          this.deepen(code === CODE.open, i);
          break;
        case CODE.close:
        case CODE.endList:
          this.end(chunk, i, out);
          break;
        case CODE.comma: {
          this.inScalar = false;
          const holder = this.open.at(-1);
          if (holder?.isObject) holder.expectsKey = true;
          break;
        }
        case CODE.colon:
          break;
        default:
          if (!this.inScalar) this.beginScalar(out);
      }
    }
    for (const o of this.open) if (o.start >= 0) o.before += chunk.slice(o.start);
    if (this.stringStart >= 0) this.scalarBefore += chunk.slice(this.stringStart);
    return out;
  }

  /** The holder that a value beginning here is an element of. */
  private holder(): { place: Place | null; key: string } {
    const inner = this.open.at(-1);
    return inner ? { place: inner.place, key: inner.isObject ? inner.key : '' } : { place: TOP, key: '' };
  }

  private placeOf(holder: Holder, keys: readonly string[]): Place {
    const id = `${holder} ${JSON.stringify(keys)}`;
    const known = this.places.get(id);
    if (known) return known;
    const place = { holder, keys, id };
    // A file of many keys has as many places; what is not remembered is only made again.
    if (this.places.size < 10_000) this.places.set(id, place);
    return place;
  }

  private beginString(i: number): void {
    this.inString = true;
    const inner = this.open.at(-1);
    this.isKey = inner?.expectsKey === true;
    const { place } = this.holder();
    if (this.isKey ? inner?.place : place !== null && this.wants(place, 'text') === 'text') {
      this.stringStart = i;
      this.scalarBefore = '';
    }
  }

  private endString(chunk: string, i: number, out: Element[]): void {
    this.inString = false;
    const text = this.stringStart >= 0 ? this.scalarBefore + chunk.slice(this.stringStart, i + 1) : '';
    this.stringStart = -1;
    this.scalarBefore = '';
    const inner = this.open.at(-1);
    if (this.isKey && inner) {
      inner.expectsKey = false;
      if (text !== '') inner.key = unescaped(text);
      return;
    }
    this.give('text', text, this.holder(), out);
  }

  private beginScalar(out: Element[]): void {
    this.inScalar = true;
    this.give('other', '', this.holder(), out);
  }

  private give(
    kind: Element['kind'],
    text: string,
    { place, key }: { place: Place | null; key: string },
    out: Element[],
  ) {
    if (place === null) return;
    if (this.wants(place, kind)) out.push({ place, key, kind, text });
    else if (place === TOP && kind === 'object') this.ignored++;
  }

  private deepen(isObject: boolean, i: number): void {
    this.inScalar = false;
    if (this.open.length >= MAX_DEPTH)
      throw new JoulewiseError(
        'input.format',
        `The JSON is nested more than ${MAX_DEPTH} levels deep: export a plain list of tickets.`,
      );
    const { place: of, key: ofKey } = this.holder();
    const keys = of === null || of.holder === 'list' ? null : of.holder === 'object' ? [...of.keys, ofKey] : of.keys;
    const place = keys === null || keys.length > MAX_WRAPPERS ? null : this.placeOf(isObject ? 'object' : 'list', keys);
    const kept = of !== null && this.wants(of, isObject ? 'object' : 'list') === 'text';
    this.open.push({ place, isObject, key: '', expectsKey: isObject, start: kept ? i : -1, before: '', of, ofKey });
  }

  private end(chunk: string, i: number, out: Element[]): void {
    this.inScalar = false;
    const closed = this.open.pop();
    if (!closed) return;
    const text = closed.start >= 0 ? closed.before + chunk.slice(closed.start, i + 1) : '';
    this.give(closed.isObject ? 'object' : 'list', text, { place: closed.of, key: closed.ofKey }, out);
  }
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text.slice(1, -1);
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}
