import type { Leftover } from './leftovers';
import type { RedactionKind } from './redact';
import type { Redactor } from './redaction-report';

/** A part of a text: as it stays, or hidden, with what stands there then. */
export interface Marked {
  text: string;
  kind: RedactionKind | null;
  placeholder: string | null;
}

/** What redaction would do to the first rows of a file. Shown, never stored. */
export interface RedactionPreview {
  /** Rows that were looked at. */
  rows: number;
  hits: { kind: RedactionKind; title: string; count: number }[];
  /** Some of the rows, those first in which each kind is met for the first time. */
  marked: Marked[][];
  /** What is probably left. */
  left: Leftover[];
}

/** A ticket's texts, and what columns of people say beside them. */
export interface PreviewedTicket {
  texts: readonly string[];
  people: readonly string[];
}

const SHOWN_ROWS = 12;
/** Characters of a row that are shown. */
const LONGEST = 600;

/** Hides as an import would, and marks. */
export function previewRows(tickets: readonly PreviewedTicket[], redactor: Redactor): RedactionPreview {
  const telling: Marked[][] = [];
  const plain: Marked[][] = [];
  const met = new Set<RedactionKind>();
  for (const { texts, people } of tickets) {
    const hidden = redactor.ticket();
    for (const name of people) hidden.know(name.slice(0, 200));
    const parts = texts.flatMap((text, i) => [
      ...(i > 0 ? [{ text: '\n', kind: null, placeholder: null }] : []),
      ...hidden.mark(text),
    ]);
    const tells = parts.some(({ kind }) => kind !== null && !met.has(kind));
    for (const { kind } of parts) if (kind !== null) met.add(kind);
    const into = tells ? telling : plain;
    if (into.length < SHOWN_ROWS) into.push(shortened(parts));
  }
  return {
    rows: tickets.length,
    hits: redactor.reports.map(({ kind, title, count }) => ({ kind, title, count })),
    marked: [...telling, ...plain].slice(0, SHOWN_ROWS),
    left: redactor.leftovers.list,
  };
}

/** The parts within the first characters; of a longer one the beginning. */
function shortened(parts: readonly Marked[]): Marked[] {
  const out: Marked[] = [];
  let room = LONGEST;
  for (const part of parts) {
    if (room <= 0) break;
    out.push(part.text.length <= room ? part : { ...part, text: `${part.text.slice(0, room).toWellFormed()} …` });
    room -= part.text.length;
  }
  return out;
}
