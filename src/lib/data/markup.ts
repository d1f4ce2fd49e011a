/** Tags and texts of HTML and XML that come in chunks. No document is built. */
import { JoulewiseError } from '../core/errors';

export type Token =
  | { kind: 'open'; name: string; attributes: ReadonlyMap<string, string> }
  | { kind: 'close'; name: string }
  | { kind: 'text'; text: string };

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', auml: 'ä', ouml: 'ö', uuml: 'ü', Auml: 'Ä', Ouml: 'Ö',
  Uuml: 'Ü', szlig: 'ß', eacute: 'é', egrave: 'è', agrave: 'à', ccedil: 'ç', ntilde: 'ñ', aring: 'å', oslash: 'ø', euro: '€',
  ndash: '–', mdash: '—', hellip: '…', deg: '°', micro: 'µ', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', bull: '•',
}; // prettier-ignore

/** A text with its character references resolved; unknown ones stay as they are. */
export const resolved = (text: string) =>
  !text.includes('&')
    ? text
    : text.replace(
        /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,8}));/gi,
        (whole, decimal?: string, hex?: string, name?: string) => {
          if (name !== undefined) return ENTITIES[name] ?? whole;
          const code = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal);
          return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
        },
      );

/** A name without its namespace. */
const local = (name: string) => name.slice(name.indexOf(':') + 1);

const ATTRIBUTE = /([^\s=/"'<>]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g;

function tagOf(inside: string): { name: string; attributes: Map<string, string> } {
  const [name = ''] = /^[^\s/>]+/.exec(inside) ?? [];
  const attributes = new Map<string, string>();
  for (const [, key = '', double, single, bare] of inside.slice(name.length).matchAll(ATTRIBUTE))
    if (!key.startsWith('xmlns')) attributes.set(local(key), resolved(double ?? single ?? bare ?? ''));
  return { name: local(name), attributes };
}

/** What is skipped as a whole: where it begins, and where it ends. */
const SKIPPED: readonly (readonly [string, string])[] = [
  ['<!--', '-->'],
  ['<?', '?>'],
  ['<!', '>'],
];
const CDATA = '<![CDATA[';

export class MarkupReader {
  private buffer = '';
  /** In HTML, a script or a style whose text is none. */
  private until: string | null = null;

  constructor(
    private readonly kind: 'html' | 'xml',
    private readonly maxChars: number,
  ) {}

  push(chunk: string): Token[] {
    this.buffer += chunk;
    const out: Token[] = [];
    let at = 0;
    for (;;) {
      const next = this.step(at, out);
      if (next < 0) break;
      at = next;
    }
    this.buffer = this.buffer.slice(at);
    if (this.buffer.length > this.maxChars)
      throw new JoulewiseError(
        'input.format',
        `A tag or a text of the file is longer than ${this.maxChars} characters: check that its brackets close, or export it as CSV.`,
      );
    return out;
  }

  /** Reads one token, and gives where it ends; -1 where more text is needed. */
  private step(at: number, out: Token[]): number {
    const { buffer } = this;
    if (this.until !== null) {
      const end = buffer.toLowerCase().indexOf(this.until, at);
      if (end < 0) return -1;
      this.until = null;
      return end;
    }
    const open = buffer.indexOf('<', at);
    if (open < 0) return -1;
    if (open > at) {
      out.push({ kind: 'text', text: resolved(buffer.slice(at, open)) });
      return open;
    }
    // What begins here may be longer than what has come.
    if (buffer.length - at < CDATA.length && !buffer.includes('>', at)) return -1;
    if (buffer.startsWith(CDATA, at)) {
      const end = buffer.indexOf(']]>', at);
      if (end >= 0) out.push({ kind: 'text', text: buffer.slice(at + CDATA.length, end) });
      return end < 0 ? -1 : end + 3;
    }
    const skipped = SKIPPED.find(([begin]) => buffer.startsWith(begin, at));
    if (skipped) {
      const end = buffer.indexOf(skipped[1], at);
      return end < 0 ? -1 : end + skipped[1].length;
    }
    const end = this.endOfTag(at + 1);
    if (end < 0) return -1;
    this.tag(buffer.slice(at + 1, end), out);
    return end + 1;
  }

  /** The ">" that is not inside quotes. */
  private endOfTag(from: number): number {
    let quote = '';
    for (let i = from; i < this.buffer.length; i++) {
      const c = this.buffer[i] as string;
      if (quote !== '') {
        if (c === quote) quote = '';
      } else if (c === '>') return i;
      else if ((c === '"' || c === "'") && this.buffer[i - 1] === '=') quote = c;
    }
    return -1;
  }

  private tag(inside: string, out: Token[]): void {
    const cased = (name: string) => (this.kind === 'html' ? name.toLowerCase() : name);
    if (inside.startsWith('/')) {
      out.push({ kind: 'close', name: cased(local(inside.slice(1).trim())) });
      return;
    }
    if (!/^[\p{L}_]/u.test(inside)) {
      out.push({ kind: 'text', text: `<${inside}>` });
      return;
    }
    const { name, attributes } = tagOf(inside);
    out.push({ kind: 'open', name: cased(name), attributes });
    if (inside.endsWith('/')) out.push({ kind: 'close', name: cased(name) });
    else if (this.kind === 'html' && /^(?:script|style)$/i.test(name)) this.until = `</${name.toLowerCase()}`;
  }
}
