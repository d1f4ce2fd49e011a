import * as v from 'valibot';
import { JoulewiseError } from '../core/errors';

/**
 * A versioned record kind. Every stored or shared record carries its version in `v`; `upgraders[k]` lifts version k to
 * k + 1, so a record written by any older Joulewise reads as the newest one. Frozen examples of each version stand in the tests.
 */
export interface RecordKind<S extends v.GenericSchema> {
  name: string;
  version: number;
  schema: S;
  upgraders: Readonly<Record<number, (old: Record<string, unknown>) => Record<string, unknown>>>;
}

export const defineRecord = <S extends v.GenericSchema>(kind: RecordKind<S>): RecordKind<S> => kind;

/** Upgrades step by step, then validates. Throws `record.newer` or `record.invalid` with the place of the first fault. */
export function parseRecord<S extends v.GenericSchema>(kind: RecordKind<S>, input: unknown): v.InferOutput<S> {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new JoulewiseError('record.invalid', `This is not a ${kind.name} record: an object was expected.`);
  let record = input as Record<string, unknown>;
  let version = record['v'];
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1)
    throw new JoulewiseError('record.invalid', `This ${kind.name} record carries no version, so it cannot be read.`);
  if (version > kind.version)
    throw new JoulewiseError(
      'record.newer',
      `This ${kind.name} record has version ${version}; this Joulewise reads up to ${kind.version}. Open it in a newer Joulewise.`,
    );
  for (; version < kind.version; version++) {
    const step = kind.upgraders[version];
    if (!step)
      throw new JoulewiseError(
        'record.invalid',
        `No upgrade from version ${version} of a ${kind.name} record is known.`,
      );
    record = { ...step(record), v: version + 1 };
  }
  const result = v.safeParse(kind.schema, record);
  if (!result.success) {
    const issue = result.issues[0];
    const path = issue.path?.map((p: { key?: unknown }) => String(p.key)).join('.') ?? '';
    throw new JoulewiseError('record.invalid', `This ${kind.name} record is not valid at "${path}": ${issue.message}.`);
  }
  return result.output;
}
