import { rankVariants, splitBaseline } from '../../rank/rank';
import type { VariantResult } from '../../schema/result';

/** RFC 4180; text that a spreadsheet would take for a formula gets a leading apostrophe. */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvText = (rows: readonly (readonly (string | number | null)[])[]) =>
  rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');

const HEAD = [
  'rank', 'variant', 'stage', 'engine', 'kernel',
  'joules_per_ticket', 'joules_low', 'joules_high', 'joules_device_low', 'joules_device_high', 'tier', 'boundary',
  'seconds_per_ticket', 'quality', 'quality_low', 'quality_high', 'score', 'score_low', 'score_high', 'standing',
  'on_front', 'stored_bytes', 'computed_bytes', 'sparsity', 'tickets', 'slices', 'notes',
] as const; // prettier-ignore

/** Every variant, ranked by this weight of quality, ranked ones first, the baseline last; numbers unrounded, unknown ones empty; one column per task metric. */
export function resultsCsv(results: readonly VariantResult[], w: number): string {
  const { models, baseline } = splitBaseline(results);
  const ranking = rankVariants(models, w);
  const all: VariantResult[] = [
    ...[...ranking.ranked, ...ranking.apart].map(({ result }) => result),
    ...(baseline ? [baseline] : []),
  ];
  const metrics = [...new Set(all.flatMap((r) => Object.keys(r.metrics)))].sort();
  const rows = all.map((r, i) => {
    const row = ranking.ranked[i];
    return [
      row ? i + 1 : null, r.variant, r.stage + 1, r.engine, r.kernel,
      r.energy?.mid ?? null, r.energy?.low ?? null, r.energy?.high ?? null, r.deviceRange?.low ?? null, r.deviceRange?.high ?? null, r.tier, r.boundary,
      r.latency?.mid ?? null, r.quality?.mid ?? null, r.quality?.low ?? null, r.quality?.high ?? null,
      row?.score.mid ?? null, row?.score.low ?? null, row?.score.high ?? null, row?.standing ?? (r === baseline ? 'beside' : 'not ranked'),
      row ? String(row.onFront) : '', r.storedBytes, r.computedBytes, r.sparsity, r.tickets, r.slices, r.fallbacks.join(' '),
      ...metrics.map((m) => r.metrics[m]?.mid ?? null),
    ]; // prettier-ignore
  });
  return csvText([[...HEAD, ...metrics], ...rows]);
}
