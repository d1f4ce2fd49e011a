import { placeholder, redact, type RedactionKind, type RedactionSpan, REDACTION_TITLES } from './redact';

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

/** Redacts texts, and counts what it found over all of them, with examples. */
export class Redactor {
  private readonly found = new Map<RedactionKind, RedactionReport>();

  apply(text: string): string {
    const { text: clean, counts, spans } = redact(text);
    for (const span of spans) {
      const { examples } = this.reportOf(span.kind);
      if (examples.length >= EXAMPLES) continue;
      const part = windowOf(text, span, spans);
      examples.push({
        before: excerpt(text, part, spans, ({ start, end }) => text.slice(start, Math.min(end, start + LONGEST))),
        after: excerpt(text, part, spans, ({ kind }) => placeholder(kind)),
      });
    }
    for (const [kind, count] of Object.entries(counts) as [RedactionKind, number][]) this.reportOf(kind).count += count;
    return clean;
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
