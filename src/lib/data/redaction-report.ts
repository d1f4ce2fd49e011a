import { Leftovers } from './leftovers';
import type { Marked } from './redaction-preview';
import { OwnWords } from './own-words';
import { Placeholders } from './placeholders';
import {
  addPerson,
  redact,
  type Redaction,
  type RedactionKind,
  type RedactionSpan,
  type RedactOptions,
  REDACTION_TITLES,
} from './redact';

export interface RedactionReport {
  kind: RedactionKind;
  title: string;
  count: number;
  /** Up to three excerpts; shown, never stored. */
  examples: { before: string; after: string }[];
}

/** About this many characters around a redaction are shown. */
const CONTEXT = 30;
/** Characters of what was redacted that are shown, and examples of a kind. */
const LONGEST = 80;
const EXAMPLES = 3;

/** Where what is shown around a redaction begins and ends: between words, and through no other redaction. */
function windowOf(text: string, { start, end }: RedactionSpan, spans: readonly RedactionSpan[]): [number, number] {
  const back = Math.max(0, start - CONTEXT);
  const on = Math.min(text.length, end + CONTEXT);
  const from = back === 0 ? 0 : back + (/^\S*\s?/.exec(text.slice(back, start))?.[0].length ?? 0);
  const to = on === text.length ? on : on - (/\s?\S*$/.exec(text.slice(end, on))?.[0].length ?? 0);
  const touched = spans.filter((span) => span.start < to && span.end > from);
  return [Math.min(from, ...touched.map((span) => span.start)), Math.max(to, ...touched.map((span) => span.end))];
}

/** A part of a text with what `show` makes of each redaction in it. */
function excerpt(
  text: string,
  [from, to]: readonly [number, number],
  spans: readonly RedactionSpan[],
  show: (span: RedactionSpan) => string,
): string {
  let out = from > 0 ? '… ' : '';
  let at = from;
  for (const span of spans.filter(({ start, end }) => start >= from && end <= to)) {
    out += text.slice(at, span.start) + show(span);
    at = span.end;
  }
  return `${out}${text.slice(at, to)}${to < text.length ? ' …' : ''}`.replace(/\s+/g, ' ').trim();
}

/** What is hidden, and what of it is known beforehand. */
export interface RedactorOptions {
  /** Kinds that are not hidden; those of `ASKED_KINDS` by default. */
  off?: readonly RedactionKind[];
  /** Words of the user's own, hidden wherever they stand. */
  words?: readonly string[];
}

/** What is hidden; what is not said is as usual. */
export interface Hiding {
  redaction?: RedactorOptions;
  /** Columns of people; absent = guessed by their names. */
  people?: readonly string[];
}

/** Redacts the texts of one ticket: who and what is hidden in several of them has one number. */
export interface TicketRedactor {
  apply(text: string): string;
  /** The text in parts, with what is hidden marked. */
  mark(text: string): Marked[];
  /** Says a name that is hidden wherever its words stand in this ticket: of a column of people. */
  know(name: string): void;
}

/** Redacts texts, and counts what it found over all of them, with examples. */
export class Redactor {
  private readonly found = new Map<RedactionKind, RedactionReport>();
  readonly #options: Pick<RedactOptions, 'off' | 'words'>;
  /** Of classes every spelling keeps a number of its own, over the whole file. */
  readonly #classes = new Placeholders(true);
  readonly #groups = new Placeholders(true);
  /** Classes as they came, by what they became. */
  readonly #became = new Map<string, Set<string>>();
  readonly leftovers = new Leftovers();

  constructor({ off, words }: RedactorOptions = {}) {
    this.#options = {
      ...(off && { off: new Set(off) }),
      words: words && words.length > 0 ? new OwnWords(words) : null,
    };
  }

  ticket(): TicketRedactor {
    const people = new Set<string>();
    const placeholders = new Placeholders();
    const hidden = (text: string) => {
      const found = this.#apply(text, { people, placeholders });
      this.leftovers.add(found.text);
      return found;
    };
    return {
      apply: (text) => hidden(text).text,
      mark(text) {
        const parts: Marked[] = [];
        let at = 0;
        for (const { start, end, kind, placeholder } of hidden(text).spans) {
          if (start > at) parts.push({ text: text.slice(at, start), kind: null, placeholder: null });
          parts.push({ text: text.slice(start, end), kind, placeholder });
          at = end;
        }
        if (at < text.length) parts.push({ text: text.slice(at), kind: null, placeholder: null });
        return parts;
      },
      know: (name) => addPerson(people, name),
    };
  }

  /** A class with what identifies hidden: two of them stay two. */
  class(cause: string): string {
    const { text: clean } = this.#apply(cause, { placeholders: this.#classes });
    const from = this.#became.get(clean);
    if (from) from.add(cause);
    else this.#became.set(clean, new Set([cause]));
    return clean;
  }

  /** The number of an incident instead of what it is called, where that identifies something. */
  group = (name: string): string => redact(name, { ...this.#options, placeholders: this.#groups }).text;

  /** Classes that became one, by what they became, most first; only a file that holds placeholders itself makes such. */
  get merged(): { to: string; from: number }[] {
    return [...this.#became]
      .filter(([, from]) => from.size > 1)
      .map(([to, from]) => ({ to, from: from.size }))
      .sort((a, b) => b.from - a.from);
  }

  #apply(text: string, options: RedactOptions): Redaction {
    const redaction = redact(text, { ...this.#options, ...options });
    const { counts, spans } = redaction;
    for (const span of spans) {
      const { examples } = this.reportOf(span.kind);
      if (examples.length >= EXAMPLES) continue;
      const part = windowOf(text, span, spans);
      examples.push({
        before: excerpt(text, part, spans, ({ start, end }) => text.slice(start, Math.min(end, start + LONGEST))),
        after: excerpt(text, part, spans, ({ placeholder }) => placeholder),
      });
    }
    for (const [kind, count] of Object.entries(counts) as [RedactionKind, number][]) this.reportOf(kind).count += count;
    return redaction;
  }

  /** Most frequent first. */
  get reports(): RedactionReport[] {
    return [...this.found.values()].sort((a, b) => b.count - a.count);
  }

  private reportOf(kind: RedactionKind): RedactionReport {
    const known = this.found.get(kind);
    if (known) return known;
    const report = { kind, title: REDACTION_TITLES[kind], count: 0, examples: [] };
    this.found.set(kind, report);
    return report;
  }
}
