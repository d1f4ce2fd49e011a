import { JoulewiseError } from '../core/errors';

/**
 * Tokens that follow each other, behind those of `parent` (an index in the same list, of an earlier span; null = a
 * beginning). They see their ancestors and, causally, each other: an instruction once for all tickets, a ticket once for
 * all its answers. Rows of a pass are the spans' tokens in the list's order.
 */
export interface Span {
  tokens: number;
  parent: number | null;
}

/** A span with its place in a pass. */
export interface PlacedSpan {
  /** First row, and rows. */
  row: number;
  tokens: number;
  /** Rows that it sees, its own last: ranges of ancestors, from the beginning on. */
  seen: readonly { row: number; tokens: number }[];
  /** Tokens before it in its sequence: the position of its first. */
  past: number;
}

/** Spans with rows and positions. Throws `internal` where a parent does not come before its child. */
export function placeSpans(spans: readonly Span[]): PlacedSpan[] {
  const placed: PlacedSpan[] = [];
  let row = 0;
  for (const { tokens, parent } of spans) {
    const above = parent === null ? null : placed[parent];
    if (above === undefined) throw new JoulewiseError('internal', 'A span stands before what it follows.');
    const seen = [...(above?.seen ?? []), { row, tokens }];
    placed.push({ row, tokens, seen, past: above ? above.past + above.tokens : 0 });
    row += tokens;
  }
  return placed;
}

/** Rows of a pass. */
export const rowsOf = (spans: readonly Pick<Span, 'tokens'>[]) => spans.reduce((n, { tokens }) => n + tokens, 0);

/** Positions of a pass's rows. */
export const positionsOf = (placed: readonly PlacedSpan[]): number[] =>
  placed.flatMap(({ past, tokens }) => Array.from({ length: tokens }, (_, i) => past + i));
