import type { VariantResult } from '../schema/result';
import type { Range } from '../schema/run';

/** One variant's R as a line in w: `atQuality` at w = 0, `atEnergy` at w = 1. */
interface Line {
  variant: string;
  atQuality: number;
  atEnergy: number;
}

/** `variant` has the highest R for from <= w <= to. */
export interface Segment {
  from: number;
  to: number;
  variant: string;
}

/** Another way to compute R, and how far it agrees with ours. */
export interface Alternative {
  name: 'min-max' | 'profile low' | 'profile high';
  segments: Segment[];
  /** Share of w in [0, 1] for which the winner is the same. */
  agreement: number;
}

export interface WinnersByWeight {
  /** With phi = E_min / E and mid energies; empty where nothing is comparable. */
  segments: Segment[];
  /** The weights at which the winner changes, ascending. */
  crossings: number[];
  alternatives: Alternative[];
}

const slope = ({ atQuality, atEnergy }: Line) => atEnergy - atQuality;
const firstByName = (a: Line, b: Line) => (a.variant < b.variant ? -1 : 1);

/** Upper envelope of lines over [0, 1], with exact crossing points. Identical lines: the first by name. */
export function upperEnvelope(lines: readonly Line[]): Segment[] {
  let current = lines.toSorted((a, b) => b.atQuality - a.atQuality || slope(b) - slope(a) || firstByName(a, b))[0];
  const segments: Segment[] = [];
  let from = 0;
  while (current) {
    const holder: Line = current;
    // Only a steeper line can overtake; of those that do so first, the steepest leads from there on.
    const next = lines
      .filter((line) => slope(line) > slope(holder))
      .map((line) => ({ line, at: (holder.atQuality - line.atQuality) / (slope(line) - slope(holder)) }))
      .filter(({ at }) => at < 1)
      .sort((a, b) => a.at - b.at || slope(b.line) - slope(a.line) || firstByName(a.line, b.line))[0];
    const to = next ? Math.max(next.at, from) : 1;
    if (to > from) segments.push({ from, to, variant: holder.variant });
    from = to;
    current = next?.line;
  }
  return segments;
}

interface Point {
  variant: string;
  energy: number;
  quality: number;
}

const ratioLines = (points: readonly Point[]): Line[] => {
  const least = Math.min(...points.map((p) => p.energy));
  return points.map(({ variant, energy, quality }) => ({ variant, atQuality: quality, atEnergy: least / energy }));
};

/** Where all are equal, all are best. */
const position = (x: number, worst: number, best: number) => (worst === best ? 1 : (x - worst) / (best - worst));

const minMaxLines = (points: readonly Point[]): Line[] => {
  const energies = points.map((p) => p.energy);
  const qualities = points.map((p) => p.quality);
  return points.map(({ variant, energy, quality }) => ({
    variant,
    atQuality: position(quality, Math.min(...qualities), Math.max(...qualities)),
    atEnergy: position(energy, Math.max(...energies), Math.min(...energies)),
  }));
};

/** Energy at one end of what is not known about the device. All variants ran on it, so all go to the same end. */
const pointsAt = (results: readonly VariantResult[], end: keyof Range): Point[] =>
  results.flatMap(({ variant, energy, deviceRange, quality }) => {
    const at = energy && energy.mid * (end === 'mid' ? 1 : (deviceRange?.[end] ?? 1));
    return at === null || at <= 0 || quality === null ? [] : [{ variant, energy: at, quality: quality.mid }];
  });

/** The winner at weight w; at a crossing, the one that leads below it. Null where there is none. */
export const winnerAt = (segments: readonly Segment[], w: number): string | null =>
  segments.find(({ to }) => w <= to)?.variant ?? null;

/** Length of the part of [0, 1] on which both name the same winner. */
function agreement(a: readonly Segment[], b: readonly Segment[]): number {
  const shared = (x: Segment, y: Segment) => Math.max(0, Math.min(x.to, y.to) - Math.max(x.from, y.from));
  const total = a.flatMap((x) => b.filter((y) => y.variant === x.variant).map((y) => shared(x, y)));
  // Sums of differences of the same numbers: rounding must not turn 1 into 0.9999.
  return Math.round(total.reduce((sum, length) => sum + length, 0) * 1e9) / 1e9;
}

/** Which variant wins at which weight, and whether that depends on the normalisation or on the power profile. */
export function winnersByWeight(results: readonly VariantResult[]): WinnersByWeight {
  const segments = upperEnvelope(ratioLines(pointsAt(results, 'mid')));
  const alternatives = (
    [
      ['min-max', minMaxLines(pointsAt(results, 'mid'))],
      ['profile low', ratioLines(pointsAt(results, 'low'))],
      ['profile high', ratioLines(pointsAt(results, 'high'))],
    ] as const
  ).map(([name, lines]) => {
    const own = upperEnvelope(lines);
    return { name, segments: own, agreement: agreement(segments, own) };
  });
  return { segments, crossings: segments.slice(1).map(({ from }) => from), alternatives };
}
