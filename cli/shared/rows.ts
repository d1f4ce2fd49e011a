import { renderTable } from './table';

/** One number of the bench. `floor` is demanded of `ratio` where there is one, else of `value`. */
export interface BenchRow {
  name: string;
  value: number;
  unit: string;
  /** Ours over the peer's; null where there is no peer. */
  ratio: number | null;
  floor: number | null;
  /** Whether `floor` is the least or the most allowed. */
  bound: 'least' | 'most';
}

/** A number that nothing is demanded of. */
export const plain = (name: string, value: number, unit: string): BenchRow => ({
  name,
  value,
  unit,
  ratio: null,
  floor: null,
  bound: 'least',
});

/** A number and what it must be at least, or at most. */
export const demand = (
  name: string,
  value: number,
  unit: string,
  bound: BenchRow['bound'],
  floor: number | null,
): BenchRow => ({ name, value, unit, ratio: null, floor, bound });

/** A speed beside a peer's, both of the same run. */
export const versus = (name: string, value: number, unit: string, peer: number, floor: number | null): BenchRow => ({
  name,
  value,
  unit,
  ratio: value / peer,
  floor,
  bound: 'least',
});

const met = (r: BenchRow): boolean | null => {
  if (r.floor === null) return null;
  const measured = r.ratio ?? r.value;
  return r.bound === 'least' ? measured >= r.floor : measured <= r.floor;
};

export function renderBench(rows: readonly BenchRow[]): string {
  const digits = (n: number) => (n >= 100 ? n.toFixed(0) : n >= 1 ? n.toFixed(2) : n.toFixed(3));
  return renderTable(
    ['what', 'value', 'unit', 'ratio', 'demanded', 'met'],
    rows.map((r) => {
      const ok = met(r);
      return [
        r.name,
        digits(r.value),
        r.unit,
        r.ratio === null ? '' : `${r.ratio.toFixed(2)}x`,
        r.floor === null ? '' : `${r.bound === 'least' ? '>=' : '<='} ${r.floor}${r.ratio === null ? '' : 'x'}`,
        ok === null ? '' : ok ? 'yes' : 'NO',
      ];
    }),
  );
}
