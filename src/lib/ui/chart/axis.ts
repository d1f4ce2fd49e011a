/** Scales and ticks of the one picture: pure, a log x axis and a linear y axis. */

export interface Scale {
  (value: number): number;
  domain: readonly [number, number];
}

/** Decades to at least a factor of 2, with some room at both ends. Values <= 0 do not count. */
export function logDomain(values: readonly number[]): [number, number] {
  const positive = values.filter((x) => x > 0 && Number.isFinite(x));
  if (positive.length === 0) return [0.1, 10];
  const [low, high] = [Math.min(...positive), Math.max(...positive)];
  const room = Math.max(Math.log10(high / low) * 0.08, 0.12);
  return [low / 10 ** room, high * 10 ** room];
}

/** How far beyond the middle values an axis follows their intervals: two repeats give intervals of a factor of ten. */
const INTERVAL_REACH = 2;
/** A baseline leaner than this share of the leanest model stands beside the scale, not on it. */
const BESIDE = 1 / 15;

/**
 * Domain of the energy axis. A classical baseline that is thousands of times leaner would press all models into one
 * corner, so it is set beside the scale with its value written out; `beside` holds such values' indices.
 */
export function energyDomain(
  rows: readonly { mid: number; low: number | null; high: number | null; classical: boolean }[],
): { domain: [number, number]; beside: Set<number> } {
  const models = rows.filter((r) => !r.classical && r.mid > 0);
  const least = Math.min(...models.map((r) => r.mid));
  const beside = new Set(
    rows.flatMap((r, i) => (r.classical && r.mid < least * BESIDE && models.length > 0 ? [i] : [])),
  );
  const onScale = rows.filter((r, i) => r.mid > 0 && !beside.has(i));
  const mids = onScale.map((r) => r.mid);
  const [floor, ceiling] = [Math.min(...mids) / INTERVAL_REACH, Math.max(...mids) * INTERVAL_REACH];
  const ends = onScale.flatMap((r) => [Math.max(r.low ?? r.mid, floor), Math.min(r.high ?? r.mid, ceiling)]);
  return { domain: logDomain([...mids, ...ends]), beside };
}

export function logScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [a, b] = [Math.log(domain[0]), Math.log(domain[1])];
  const scale = (value: number) => range[0] + ((Math.log(value) - a) / (b - a)) * (range[1] - range[0]);
  return Object.assign(scale, { domain: [...domain] as const });
}

export function linearScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const scale = (value: number) => range[0] + ((value - domain[0]) / (domain[1] - domain[0])) * (range[1] - range[0]);
  return Object.assign(scale, { domain: [...domain] as const });
}

/** Mantissas of ticks and how many decades apart they stand, from sparse to dense. */
const STEPS: readonly { mantissas: readonly number[]; decades: number }[] = [
  { mantissas: [1], decades: 3 },
  { mantissas: [1], decades: 2 },
  { mantissas: [1], decades: 1 },
  { mantissas: [1, 3], decades: 1 },
  { mantissas: [1, 2, 5], decades: 1 },
  { mantissas: [1, 1.5, 2, 3, 5, 7], decades: 1 },
  { mantissas: [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9], decades: 1 },
];

/** Round numbers within the domain: the densest set that has at most `most` of them, and room for its labels. */
export function logTicks(
  [low, high]: readonly [number, number],
  most: number,
  fits: (ticks: readonly number[]) => boolean = () => true,
): number[] {
  const sets = STEPS.map(({ mantissas, decades }) => {
    const ticks: number[] = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
      if (e % decades === 0)
        for (const mantissa of mantissas) {
          const tick = Number(`${mantissa}e${e}`);
          if (tick >= low && tick <= high) ticks.push(tick);
        }
    return ticks;
  });
  return sets.findLast((ticks) => ticks.length <= most && fits(ticks)) ?? [];
}

/** Whether texts of these widths, centred at these ascending places, stand at least `gap` apart. */
export const apart = (labels: readonly { at: number; width: number }[], gap: number): boolean =>
  labels.every(({ at, width }, i) => {
    const next = labels[i + 1];
    return !next || next.at - at >= (width + next.width) / 2 + gap;
  });

/** [0, 1] unless everything lies in a part of it; then that part, rounded outwards to tenths. */
export function qualityDomain(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = Math.max(0, Math.floor(Math.min(...values) * 10 - 0.25) / 10);
  const high = Math.min(1, Math.ceil(Math.max(...values) * 10 + 0.25) / 10);
  return high - low < 0.2 ? [Math.max(0, high - 0.2), Math.max(high, 0.2)] : [low, high];
}

export function linearTicks([low, high]: readonly [number, number], most: number): number[] {
  for (const step of [0.02, 0.05, 0.1, 0.2, 0.5]) {
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    if (last - first + 1 <= most)
      return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(4)));
  }
  return [low, high];
}

/**
 * The best quality to be had for up to x joules: level from each point of the front to the next, then up.
 * `front` in pixels, in any order; y grows downwards. No corners where there is no point.
 */
export function stepsOf(front: readonly { x: number; y: number }[], right: number): { x: number; y: number }[] {
  const [first, ...rest] = front.toSorted((a, b) => a.x - b.x || b.y - a.y);
  if (!first) return [];
  const corners = [{ x: first.x, y: first.y }];
  for (const { x, y } of rest) corners.push({ x, y: corners.at(-1)?.y ?? y }, { x, y });
  return [...corners, { x: right, y: corners.at(-1)?.y ?? first.y }];
}

/** From corner to corner, straight. */
export const pathOf = (corners: readonly { x: number; y: number }[]): string =>
  corners.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${Number(x.toFixed(1))},${Number(y.toFixed(1))}`).join('');
