import { formatJoules } from '../src/lib/rank/headline';
import type { Interval, Ranking } from '../src/lib/rank/rank';
import type { WinnersByWeight } from '../src/lib/rank/weights';
import type { VariantResult } from '../src/lib/schema/result';

/** Aligned columns; the first is text, the rest are numbers. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const width = head.map((_, c) => Math.max(...all.map((r) => (r[c] ?? '').length)));
  const line = (r: readonly string[]) =>
    r
      .map((cell, c) => (c === 0 ? cell.padEnd(width[c] ?? 0) : cell.padStart(width[c] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), width.map((w) => '-'.repeat(w)).join('  '), ...rows.map(line)].join('\n');
}

const interval = (x: Interval | null, format: (n: number) => string) =>
  x === null
    ? 'unknown'
    : x.low === null || x.high === null
      ? `${format(x.mid)} (no interval)`
      : `${format(x.mid)} (${format(x.low)}-${format(x.high)})`;

const fixed = (digits: number) => (n: number) => n.toFixed(digits);
const mebibytes = (n: number | null) => (n === null ? '' : (n / 2 ** 20).toFixed(1));

/** The ranking as text: best first, energy and quality with intervals, what cannot be ranked below. */
export function renderRanking(results: readonly VariantResult[], ranking: Ranking, winners: WinnersByWeight): string {
  const rows = ranking.ranked.map(({ result, rho, score, standing, onFront }) => [
    result.variant,
    String(result.stage + 1),
    interval(result.energy, formatJoules),
    interval(rho, fixed(3)),
    interval(score, fixed(3)),
    standing + (onFront ? ', front' : ''),
    result.latency ? result.latency.mid.toFixed(3) : '',
    mebibytes(result.storedBytes),
  ]);
  const lines = [
    renderTable(
      ['variant', 'stage', 'J/ticket (95 %)', 'quality rho (95 %)', `R, w=${ranking.w}`, 'standing', 's/ticket', 'MiB'],
      rows,
    ),
  ];
  for (const { result, why } of ranking.apart) lines.push(`${result.variant}: not ranked. ${why}`);
  lines.push('');
  const metrics = [...new Set(results.flatMap((r) => Object.keys(r.metrics)))].sort();
  lines.push(
    renderTable(
      ['variant', ...metrics],
      ranking.ranked.map(({ result }) => [
        result.variant,
        ...metrics.map((m) => (result.metrics[m] ? result.metrics[m].mid.toFixed(3) : '')),
      ]),
    ),
    '',
  );
  const [first] = ranking.ranked;
  if (first)
    lines.push(
      `Energy: ${first.result.tier} tier, boundary ${first.result.boundary}; estimated, not measured. Intervals are repeat noise; the profile itself may be off by more, alike for all variants.`,
      `n: ${first.result.tickets} tickets, ${first.result.repeats} repeats.`,
    );
  lines.push(...ranking.warnings);
  lines.push(
    winners.segments.length > 1
      ? `The winner depends on w: ${winners.segments.map((s) => `${s.variant} for w ${s.from.toFixed(2)}-${s.to.toFixed(2)}`).join(', ')}.`
      : `The winner is the same for every w.`,
  );
  return lines.join('\n');
}
