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
      kind: v.picklist(['generated', 'csv', 'tsv', 'json', 'jsonl', 'parquet']),
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
    counts: v.object({
      rows: count,
      kept: count,
      emptyText: count,
      exactDuplicates: count,
      nearDuplicates: count,
      /** Redactions by kind; null where redaction was switched off. */
      redactions: v.nullable(v.record(v.string(), count)),
    }),
  }),
});
export type DatasetRecord = v.InferOutput<typeof Dataset.schema>;
