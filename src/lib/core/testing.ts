import { ERROR_CODES, JoulewiseError } from './errors';

/** Whether an error is one of ours, and the input is at fault. */
export const isUsage = (error: unknown): boolean => error instanceof JoulewiseError && ERROR_CODES[error.code].usage;

/** For tests of tables: what a column must hold. */
export type Column = (value: unknown) => boolean;

export const isText: Column = (x) => typeof x === 'string' && x !== '';
export const isFlag: Column = (x) => typeof x === 'boolean';
export const isFunction: Column = (x) => typeof x === 'function';
export const isOneOf =
  (...values: readonly unknown[]): Column =>
  (x) =>
    values.includes(x);
export const orNull =
  (column: Column): Column =>
  (x) =>
    x === null || column(x);

/** What a table's rows lack, a sentence each that names the row and the column; empty where all are whole. */
export function faultsOf(rows: Readonly<Record<string, object>>, columns: Readonly<Record<string, Column>>): string[] {
  return Object.entries(rows).flatMap(([name, row]) =>
    Object.entries(columns).flatMap(([column, holds]) => {
      if (!Object.hasOwn(row, column)) return [`"${name}" lacks the column "${column}".`];
      const value = (row as Record<string, unknown>)[column];
      return holds(value) ? [] : [`"${name}" has ${JSON.stringify(value)} in the column "${column}".`];
    }),
  );
}

/** Whether a row that lacks one of its columns is refused by that column's name, for each column in turn. */
export const namesMissing = (row: object, columns: Readonly<Record<string, Column>>): boolean =>
  Object.keys(columns).every((column) => {
    const rest = Object.fromEntries(Object.entries(row).filter(([key]) => key !== column));
    return faultsOf({ row: rest }, columns).includes(`"row" lacks the column "${column}".`);
  });

/** A table that a test may add rows to. */
export const open = <T>(table: Readonly<Record<string, T>>) => table as Record<string, T>;
