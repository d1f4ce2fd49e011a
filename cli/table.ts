import { formatJoules } from '../src/lib/core/units';
import { significant } from '../src/lib/texts/format';
import { baselineSentence } from '../src/lib/texts/headline';
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

/** No ticket takes less than nothing, so a wide interval starts at 0. */
const joulesEnds = (x: Interval | null) => interval(x, formatJoules).replace(/\(0 J-/, '(0-');

const fixed = (digits: number) => (n: number) => n.toFixed(digits);
const mebibytes = (n: number | null) => (n === null ? '' : (n / 2 ** 20).toFixed(1));

/** The ranking as text: best first, energy and quality with intervals, what cannot be ranked below, the baseline beside. */
export function renderRanking(ranking: Ranking, baseline: VariantResult | null, winners: WinnersByWeight): string {
  const row = (result: VariantResult, quality: Interval | null, score: string, standing: string) => [
    result.variant,
    String(result.stage + 1),
    joulesEnds(result.energy),
    interval(quality, fixed(3)),
    score,
    standing,
    result.latency ? significant(result.latency.mid) : '',
    mebibytes(result.storedBytes),
  ];
  const lines = [
    renderTable(
      ['variant', 'stage', 'J/ticket (95 %)', 'quality rho (95 %)', `R, w=${ranking.w}`, 'standing', 's/ticket', 'MiB'],
      [
        ...ranking.ranked.map((r) =>
          row(r.result, r.rho, interval(r.score, fixed(3)), r.standing + (r.onFront ? ', front' : '')),
        ),
        ...(baseline ? [row(baseline, baseline.quality, '', 'beside')] : []),
      ],
    ),
  ];
  for (const { result, why } of ranking.apart) lines.push(`${result.variant}: not ranked. ${why}`);
  const all = [...ranking.ranked.map((r) => r.result), ...(baseline ? [baseline] : [])];
  const metrics = [...new Set(all.flatMap((r) => Object.keys(r.metrics)))].sort();
  lines.push(
    '',
    renderTable(
      ['variant', ...metrics],
      all.map((r) => [r.variant, ...metrics.map((m) => (r.metrics[m] ? significant(r.metrics[m].mid) : ''))]),
    ),
    '',
  );
  const [first] = ranking.ranked;
  if (first) {
    const { tier, boundary, tickets, repeats, energyRange } = first.result;
    const word = tier === 'profile' ? 'estimated, not measured' : 'measured';
    const range = energyRange
      ? ` ${first.result.variant} may take ${formatJoules(energyRange.low)} to ${formatJoules(energyRange.high)} on a device of this class; that is alike for all.`
      : '';
    lines.push(
      `Energy: ${tier} tier, boundary ${boundary}: ${word}. Intervals are 95 % over ${repeats} repeats.${range}`,
      `Quality: n = ${tickets} tickets, bootstrap 95 %.`,
    );
  }
  if (baseline) lines.push(baselineSentence(baseline, ranking));
  const fallbacks = new Set(all.flatMap((r) => r.fallbacks));
  lines.push(...ranking.warnings, ...[...fallbacks].map((f) => `Note: ${f}`));
  lines.push(
    winners.segments.length > 1
      ? `The winner depends on w: ${winners.segments.map((s) => `${s.variant} for w ${s.from.toFixed(2)}-${s.to.toFixed(2)}`).join(', ')}.`
      : 'The winner is the same for every w.',
  );
  return lines.join('\n');
}
