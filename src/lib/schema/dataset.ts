import * as v from 'valibot';
import { defineRecord } from './record';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** One fault ticket. `cause` and `response` are the reference answers; null where the source has none. */
export const TicketSchema = v.object({
  id: v.string(),
  text: v.string(),
  cause: v.nullable(v.string()),
  response: v.nullable(v.string()),
  /** Keeps tickets of one incident on one side of the split. */
  group: v.nullable(v.string()),
  /** ISO 8601, as the source had it, or null. */
  time: v.nullable(v.string()),
});
export type Ticket = v.InferOutput<typeof TicketSchema>;

export const SPLITS = ['train', 'validation', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** Which source columns make a ticket. `text` columns are joined by a line break, in order. */
export const MappingSchema = v.object({
  text: v.array(v.string()),
  cause: v.nullable(v.string()),
  response: v.nullable(v.string()),
  group: v.nullable(v.string()),
  time: v.nullable(v.string()),
});
export type Mapping = v.InferOutput<typeof MappingSchema>;

const CountsSchema = v.object({
  rows: count,
  kept: count,
  emptyText: count,
  exactDuplicates: count,
  nearDuplicates: count,
  /** Redactions by kind; null where redaction was switched off. */
  redactions: v.nullable(v.record(v.string(), count)),
});

/** What an importer, or the generator, made. Tickets are already redacted. */
export const Dataset = defineRecord({
  name: 'dataset',
  version: 1,
  upgraders: {},
  schema: v.object({
    v: v.literal(1),
    /** SHA-256 of the canonical JSON of `tickets` and `split`. */
    hash: v.string(),
    name: v.string(),
    source: v.object({
      kind: v.picklist(['generated', 'csv', 'tsv', 'json', 'jsonl', 'parquet', 'xlsx', 'html', 'xml']),
      /** File name, or the generator's name. */
      origin: v.string(),
      licence: v.nullable(v.string()),
    }),
    mapping: v.nullable(MappingSchema),
    seed: v.number(),
    tickets: v.array(TicketSchema),
    /** Parallel to `tickets`. */
    split: v.array(v.picklist(SPLITS)),
    /** Allowed causes, most frequent first (train split), from which RCA chooses. */
    causes: v.array(v.string()),
    counts: CountsSchema,
  }),
});
export type DatasetRecord = v.InferOutput<typeof Dataset.schema>;

/** What pages say of a dataset: a few lines, however many tickets and causes it has. */
export const DatasetSummary = defineRecord({
  name: 'dataset summary',
  version: 1,
  upgraders: {},
  schema: v.object({
    v: v.literal(1),
    hash: v.string(),
    name: v.string(),
    tickets: count,
    /** Tickets of each part. */
    splits: v.object({ train: count, validation: count, test: count }),
    /** Test tickets that have a cause, and those that have a response. */
    testable: v.object({ cause: count, response: count }),
    /** Allowed causes, and the characters of a prompt's list of them. */
    causes: count,
    causeCharacters: count,
    /** The most frequent causes with their tickets; `labelled` tickets have one of `classCount` causes. */
    classes: v.array(v.tuple([v.string(), count])),
    classCount: count,
    labelled: count,
    /** Characters of all texts, as far as prompts carry them. */
    textCharacters: count,
    counts: CountsSchema,
  }),
});
export type DatasetSummaryRecord = v.InferOutput<typeof DatasetSummary.schema>;

/** Tickets of a dataset that lie one after another: what the store reads and writes at a time. */
export const TicketPiece = defineRecord({
  name: 'ticket',
  version: 1,
  upgraders: {},
  schema: v.object({
    v: v.literal(1),
    /** The dataset's hash. */
    dataset: v.string(),
    /** Place of the first ticket. */
    at: count,
    tickets: v.array(TicketSchema),
    /** Parallel to `tickets`. */
    split: v.array(v.picklist(SPLITS)),
  }),
});
export type TicketPieceRecord = v.InferOutput<typeof TicketPiece.schema>;
