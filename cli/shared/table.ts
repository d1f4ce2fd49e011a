import { isEstimated } from '../../src/lib/schema/run';
import { formatJoules } from '../../src/lib/core/units';
import { significant } from '../../src/lib/texts/format';
import type { Contrast, DecidedRow, Decision } from '../../src/lib/rank/decide';
import { ANSWER, energyWords, qualityWords } from '../../src/lib/texts/answer';
import { untrained } from '../../src/lib/rank/payback';
import type { Claim } from '../../src/lib/rank/claims';
import { CLAIMS } from '../../src/lib/texts/claims';
import { TRAINING } from '../../src/lib/texts/training';
import { whatIf, type Workload } from '../../src/lib/rank/what-if';
import { WHAT_IF } from '../../src/lib/texts/what-if';
import { plainName } from '../../src/lib/texts/names';
import type { Interval, Ranking } from '../../src/lib/rank/rank';
import type { WinnersByWeight } from '../../src/lib/rank/weights';
import type { VariantResult } from '../../src/lib/schema/result';

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

/** `-0.012 (-0.034 to +0.010)`, by a variant's own interval. */
const signed = (x: Contrast | null) => {
  const at = (n: number) => `${n < 0 ? '-' : '+'}${Math.abs(n).toFixed(3)}`;
  return x === null ? '' : `${at(x.mid)} (${at(x.low)} to ${at(x.high)})`;
};
const ratio = (x: Contrast | null) =>
  x === null ? '' : `x${significant(x.mid, 2)} (${significant(x.low, 2)}-${significant(x.high, 2)})`;

/** The answer's table: words against the reference and against the answer, the baseline and the constant answer beside. */
export function renderDecision(decision: Decision): string {
  const row = (r: DecidedRow, name: string) => [
    name,
    joulesEnds(r.result.energy),
    ratio(r.energy),
    energyWords(r.energyWord, r.sameWork),
    interval(r.result.quality, fixed(3)),
    signed(r.quality),
    qualityWords(r.qualityWord),
    ANSWER.words.met[r.floor],
    `${r.drawn} %`,
    plainName(r.result.variant),
  ];
  const blank = (name: string, quality: string) => [name, '', '', '', quality, '', '', '', '', plainName(name)];
  const { answer, reference, baseline, always } = decision;
  return [
    renderTable(
      [
        'variant',
        'J/ticket (95 %)',
        'joules',
        'word',
        'quality (95 %)',
        'difference',
        'word',
        'does the job',
        'is the answer',
        '',
      ],
      [
        ...decision.rows.map((r) => row(r, r.result.variant)),
        ...(baseline ? [row(baseline, baseline.result.variant)] : []),
        ...always.map(({ task, quality }) => blank('always', `${quality.toFixed(3)} (${task})`)),
      ],
    ),
    `Quality: against ${reference?.result.variant ?? 'none'}, on the same tickets, margin ${decision.margin}. Joules: against ${answer?.result.variant ?? decision.against?.result.variant ?? 'none'}, ${decision.slices} slices. Brackets are each row's own 95 %; words hold for all rows at once.`,
  ].join('\n');
}

/** What fine-tuning each variant took, and when that is won back; null where nothing was fine-tuned. */
export function renderTraining(decision: Decision): string | null {
  const against = untrained(decision).map(({ result }) => result);
  const trained = decision.rows.flatMap(({ result }) =>
    result.training
      ? [
          [
            result.variant,
            TRAINING.joules(result.training),
            TRAINING.time(result.training.seconds),
            String(result.training.steps),
            TRAINING.loss(result.training.loss),
            against.flatMap((other) => TRAINING.back(result, other) ?? []).join('; '),
          ],
        ]
      : [],
  );
  const { variant, joules, seconds, steps, loss, back } = TRAINING.columns;
  return trained.length === 0
    ? null
    : renderTable(
        [variant, joules, seconds, steps, loss, back].map((s) => s.toLowerCase()),
        trained,
      );
}

/** The answer, the reference and the baseline in a year of so many tickets a day. Null where there is nothing to say. */
export function renderWhatIf(decision: Decision, load: Workload): string | null {
  const { rows } = whatIf(decision, load);
  const said = WHAT_IF.sentence(rows, load);
  if (said === null) return null;
  const { variant, kWh, co2, against } = WHAT_IF.columns;
  return [
    said,
    renderTable(
      [variant, 'tier', kWh, co2, against].map((s) => s.toLowerCase()),
      rows.map((row) => [
        row.variant,
        row.result?.tier ?? '',
        WHAT_IF.energy(row.yearly?.kWh ?? null),
        WHAT_IF.mass(row.yearly?.kgCO2e ?? null),
        row.role === 'answer' ? WHAT_IF.answer : WHAT_IF.difference(row.difference),
      ]),
    ),
    `${WHAT_IF.about} Grid: ${WHAT_IF.world} g a kWh, the world's average (Ember, 2024).`,
  ].join('\n');
}

/** The paper's claims beside what was measured. */
export const renderClaims = (claims: readonly Claim[], w: number): string =>
  [
    CLAIMS.about(
      w,
      claims.some(({ tuned }) => tuned),
    ),
    ...claims.map((claim) => `${CLAIMS.claim[claim.claim]} ${CLAIMS.verdict[claim.verdict]}. ${CLAIMS.why(claim)}`),
  ].join('\n');

/** The paper's view as text: by R, what cannot be ranked below, the baseline beside. */
export function renderRanking(ranking: Ranking, baseline: VariantResult | null, winners: WinnersByWeight): string {
  const row = (result: VariantResult, quality: Interval | null, score: string, front: string) => [
    result.variant,
    String(result.stage + 1),
    joulesEnds(result.energy),
    interval(quality, fixed(3)),
    score,
    front,
    result.latency ? significant(result.latency.mid) : '',
    mebibytes(result.storedBytes),
  ];
  const lines = [
    renderTable(
      ['variant', 'stage', 'J/ticket (95 %)', 'quality rho (95 %)', `R, w=${ranking.w}`, 'front', 's/ticket', 'MiB'],
      [
        ...ranking.ranked.map((r) => row(r.result, r.rho, interval(r.score, fixed(3)), r.onFront ? 'front' : '')),
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
    const { tier, boundary, tickets, slices, energy, deviceRange } = first.result;
    const word = isEstimated(tier) ? 'estimated, not measured' : 'measured';
    const range =
      energy && deviceRange
        ? ` ${first.result.variant} may take ${formatJoules(energy.mid * deviceRange.low)} to ${formatJoules(energy.mid * deviceRange.high)} ${isEstimated(tier) ? 'on a device of this class; that is alike for all' : 'by what the steps of the meter leave open, at most'}.`
        : '';
    lines.push(
      `Energy: ${tier} tier, boundary ${boundary}: ${word}. Intervals are 95 % over ${slices} slices, timing alone.${range}`,
      `Quality: n = ${tickets} tickets, bootstrap 95 %.`,
    );
  }
  const fallbacks = new Set(all.flatMap((r) => r.fallbacks));
  lines.push(...ranking.warnings, ...[...fallbacks].map((f) => `Note: ${f}`));
  lines.push(
    winners.segments.length > 1
      ? `By the paper's R the winner depends on w: ${winners.segments.map((s) => `${s.variant} for w ${s.from.toFixed(2)}-${s.to.toFixed(2)}`).join(', ')}.`
      : winners.segments[0]
        ? `By the paper's R ${winners.segments[0].variant} comes first for every w.`
        : 'Nothing can be ranked.',
  );
  return lines.join('\n');
}
