/** Puts names next to points so that they cover neither each other, nor points, nor lines. Greedy, in order of importance. */

export interface LabelPoint {
  id: string;
  x: number;
  y: number;
  text: string;
  /** Radius of the mark. */
  radius: number;
  /** Points of one group, such as a variant joined by a line, bear one name: at the first of them that has room. */
  group?: string;
}

/** From point to point, straight. */
export type Line = readonly { x: number; y: number }[];

export interface PlacedLabel {
  id: string;
  x: number;
  /** Baseline of the text. */
  y: number;
  anchor: 'start' | 'middle' | 'end';
  text: string;
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Mean advance of a system font's letters over its size. */
const ADVANCE = 0.58;
const GAP = 5;
/** Between a name and what stands above or below it. */
const LEADING = 1;

const meets = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
/** The same for boxes that may have no width or height. */
const touches = (a: Box, b: Box) => a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
const inside = (a: Box, b: Box) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;

/** Whether a straight piece runs through a box: what is left of it between each pair of sides in turn (Liang and Barsky). */
function crosses(a: { x: number; y: number }, b: { x: number; y: number }, box: Box): boolean {
  let [from, to] = [0, 1];
  const sides = [
    { step: b.x - a.x, low: box.left - a.x, high: box.right - a.x },
    { step: b.y - a.y, low: box.top - a.y, high: box.bottom - a.y },
  ];
  for (const { step, low, high } of sides) {
    if (step === 0) {
      if (low > 0 || high < 0) return false;
      continue;
    }
    const [enters, leaves] = [low / step, high / step].sort((x, y) => x - y) as [number, number];
    [from, to] = [Math.max(from, enters), Math.min(to, leaves)];
    if (from > to) return false;
  }
  return true;
}

const meetsLine = (box: Box, line: Line) =>
  line.some((point, i) => i > 0 && crosses(line[i - 1] as (typeof line)[number], point, box));

/** The box around boxes, or around the ends of a line. */
const around = (boxes: readonly Box[]): Box => ({
  left: Math.min(...boxes.map((b) => b.left)),
  right: Math.max(...boxes.map((b) => b.right)),
  top: Math.min(...boxes.map((b) => b.top)),
  bottom: Math.max(...boxes.map((b) => b.bottom)),
});
const aroundLine = (line: Line) => around(line.map(({ x, y }) => ({ left: x, right: x, top: y, bottom: y })));

/** The intervals of points as lines: a name on one is hard to read. */
export const crossesOf = (
  points: readonly {
    x: number;
    y: number;
    xs: readonly [number, number] | null;
    ys: readonly [number, number] | null;
  }[],
): Line[] =>
  points.flatMap(({ x, y, xs, ys }) => [
    ...(xs ? [xs.map((end) => ({ x: end, y }))] : []),
    ...(ys ? [ys.map((end) => ({ x, y: end }))] : []),
  ]);

/** Long names keep both ends: the precision is at the start, the pruning at the end. */
export const shorten = (text: string, most = 24) =>
  text.length <= most ? text : `${text.slice(0, Math.ceil(most / 2) - 1)}\u2026${text.slice(-Math.floor(most / 2))}`;

const PLACES: readonly { dx: -1 | 0 | 1; dy: -1 | 0 | 1 }[] = [
  { dx: 1, dy: 0 },
  { dx: -1, dy: 0 },
  { dx: 1, dy: -1 },
  { dx: 1, dy: 1 },
  { dx: -1, dy: -1 },
  { dx: -1, dy: 1 },
  { dx: 0, dy: -1 },
  { dx: 0, dy: 1 },
];

/**
 * @param points most important first; a point whose label finds no room gets none (the table names it)
 * @param bounds labels stay within
 * @param lines labels never lie on them
 * @param thin labels lie on them only where there is no other room
 */
export function placeLabels(
  points: readonly LabelPoint[],
  bounds: Box,
  fontSize: number,
  lines: readonly Line[] = [],
  thin: readonly Line[] = [],
): PlacedLabel[] {
  const taken: Box[] = points.map(({ x, y, radius }) => ({
    left: x - radius,
    right: x + radius,
    top: y - radius,
    bottom: y + radius,
  }));
  const placed: PlacedLabel[] = [];
  const named = new Set<string>();
  const hairs = thin.map((line) => ({ line, box: aroundLine(line) }));
  for (const [index, point] of points.entries()) {
    if (point.group !== undefined && named.has(point.group)) continue;
    const text = shorten(point.text);
    const width = text.length * fontSize * ADVANCE;
    const options = PLACES.map(({ dx, dy }) => {
      const reach = point.radius + GAP;
      const x = point.x + dx * (dy === 0 ? reach : reach * 0.7);
      const middle = point.y + dy * (dx === 0 ? reach + fontSize * 0.5 : reach + fontSize * 0.25);
      const left = dx === 1 ? x : dx === -1 ? x - width : x - width / 2;
      const box: Box = { left, right: left + width, top: middle - fontSize * 0.6, bottom: middle + fontSize * 0.6 };
      return {
        x,
        y: middle + fontSize * 0.35,
        anchor: dx === 1 ? 'start' : dx === -1 ? 'end' : 'middle',
        box,
      } as const;
    });
    const roomy = options.filter(
      ({ box }) =>
        inside(box, bounds) &&
        taken.every((other, i) => i === index || !meets(box, other)) &&
        !lines.some((line) => meetsLine(box, line)),
    );
    const reached = around(options.map(({ box }) => box));
    const near = hairs.filter(({ box }) => touches(box, reached));
    const free = roomy.find(({ box }) => !near.some(({ line }) => meetsLine(box, line))) ?? roomy[0];
    if (!free) continue;
    const { left, right, top, bottom } = free.box;
    taken.push({ left: left - GAP, right: right + GAP, top: top - LEADING, bottom: bottom + LEADING });
    if (point.group !== undefined) named.add(point.group);
    placed.push({ id: point.id, x: free.x, y: free.y, anchor: free.anchor, text });
  }
  return placed;
}
