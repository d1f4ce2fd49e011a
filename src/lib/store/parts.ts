import { JoulewiseError, quote } from '../core/errors';
import { summaryOf } from '../data/summary';
import {
  Dataset,
  TicketPiece,
  type DatasetRecord,
  type DatasetSummaryRecord,
  type TicketPieceRecord,
} from '../schema/dataset';
import { parseRecord } from '../schema/record';

/**
 * How a dataset lies in the store: what lists show, the record without its tickets, and the tickets a few thousand at a
 * time, so that nobody reads 100,000 of them to say how many there are.
 */
export interface DatasetParts {
  summary: DatasetSummaryRecord;
  head: DatasetHead;
  pieces: TicketPieceRecord[];
}

/** A dataset's record without its tickets and their split. */
export type DatasetHead = Omit<DatasetRecord, 'tickets' | 'split'>;

/** Tickets of one piece. */
const PIECE = 2000;

export function partsOf(dataset: DatasetRecord): DatasetParts {
  const { tickets, split, ...head } = dataset;
  const pieces: TicketPieceRecord[] = [];
  for (let at = 0; at < tickets.length; at += PIECE)
    pieces.push({
      v: 1,
      dataset: dataset.hash,
      at,
      tickets: tickets.slice(at, at + PIECE),
      split: split.slice(at, at + PIECE),
    });
  return { summary: summaryOf(dataset), head, pieces };
}

/** Puts a dataset together again. Throws `record.invalid` where a part is damaged or missing. */
export function wholeOf(head: unknown, pieces: readonly unknown[], expected: number): DatasetRecord {
  const dataset = parseRecord(Dataset, { ...(head as DatasetHead), tickets: [], split: [] });
  const { tickets, split } = dataset;
  for (const row of pieces) {
    const piece = parseRecord(TicketPiece, row);
    if (piece.at !== tickets.length) break;
    for (const ticket of piece.tickets) tickets.push(ticket);
    for (const part of piece.split) split.push(part);
  }
  if (tickets.length !== expected || split.length !== expected)
    throw new JoulewiseError(
      'record.invalid',
      `Of the tickets ${quote(dataset.name)} only ${tickets.length} of ${expected} are stored here. Delete them under "Storage" and import them again.`,
    );
  return dataset;
}
