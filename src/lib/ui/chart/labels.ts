import { groupBy } from '../../core/group';

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
  /** From the mark to a name that found no room beside it. */
  leader: { x1: number; y1: number; x2: number; y2: number } | null;
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
/** Whether boxes meet or touch; they may have no width or height. */
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

/** Further out a name is led to by a thin line: how far from the mark, px. */
const RINGS = [20, 32, 46] as const;
const AROUND = 12;
/** With more names than these, lines to them would be a thicket. */
const MOST_LED = 16;
/** What a place costs: each thin line that it lies on, and each ring further out. One hair is worse than the first ring. */
const ON_HAIR = 3;
const PER_RING = 2;

interface Option {
  id: string;
  x: number;
  y: number;
  anchor: PlacedLabel['anchor'];
  box: Box;
  ring: number;
  leader: PlacedLabel['leader'];
}

/** Places for a name around its mark, the preferred ones first. */
function optionsOf(point: LabelPoint, width: number, fontSize: number, led: boolean): Option[] {
  const at = (x: number, middle: number, anchor: Option['anchor']) => {
    const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
    return {
      id: point.id,
      x,
      y: middle + fontSize * 0.35,
      anchor,
      box: { left, right: left + width, top: middle - fontSize * 0.6, bottom: middle + fontSize * 0.6 },
    };
  };
  const anchorOf = (dx: number) => (dx > 0 ? 'start' : dx < 0 ? 'end' : 'middle');
  const reach = point.radius + GAP;
  const beside = PLACES.map(({ dx, dy }) => ({
    ...at(
      point.x + dx * (dy === 0 ? reach : reach * 0.7),
      point.y + dy * (dx === 0 ? reach + fontSize * 0.5 : reach + fontSize * 0.25),
      anchorOf(dx),
    ),
    ring: 0,
    leader: null,
  }));
  if (!led) return beside;
  const further = RINGS.flatMap((distance, ring) =>
    Array.from({ length: AROUND }, (_, i) => {
      // Never level or upright: there it would pass for a longer interval.
      const angle = (2 * Math.PI * (i + 0.5)) / AROUND;
      const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
      const [x, y] = [point.x + dx * (point.radius + distance), point.y + dy * (point.radius + distance)];
      return {
        ...at(x + Math.sign(dx) * 2, y, anchorOf(dx)),
        ring: ring + 1,
        leader: { x1: point.x + dx * point.radius, y1: point.y + dy * point.radius, x2: x, y2: y },
      };
    }),
  );
  return [...beside, ...further];
}

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
  const marks = points.map(({ id, x, y, radius: r }) => ({ id, left: x - r, right: x + r, top: y - r, bottom: y + r }));
  const names: Box[] = [];
  const placed: PlacedLabel[] = [];
  const hairs = thin.map((line) => ({ line, box: aroundLine(line) }));
  const groups = groupBy(points, (point) => point.group ?? `alone ${point.id}`);
  const led = groups.size <= MOST_LED;
  for (const members of groups.values()) {
    const text = shorten(members[0]?.text ?? '');
    const width = text.length * fontSize * ADVANCE;
    let best: { option: Option; cost: number } | null = null;
    for (const option of members.flatMap((point) => optionsOf(point, width, fontSize, led))) {
      const { id, box, leader, ring } = option;
      const way = leader && [{ x: leader.x1, y: leader.y1 }, { x: leader.x2, y: leader.y2 }]; // prettier-ignore
      const far = ring * PER_RING;
      if (best && best.cost <= far) continue;
      if (!inside(box, bounds) || names.some((other) => meets(box, other))) continue;
      if (marks.some((mark) => mark.id !== id && (meets(box, mark) || (way && meetsLine(mark, way))))) continue;
      if (lines.some((line) => meetsLine(box, line)) || (way && names.some((other) => meetsLine(other, way)))) continue;
      const cost = far + ON_HAIR * hairs.filter((hair) => touches(hair.box, box) && meetsLine(box, hair.line)).length;
      if (!best || cost < best.cost) best = { option, cost };
    }
    if (!best) continue;
    const { id, x, y, anchor, box, leader } = best.option;
    names.push({ left: box.left - GAP, right: box.right + GAP, top: box.top - LEADING, bottom: box.bottom + LEADING });
    if (leader) {
      const line = [{ x: leader.x1, y: leader.y1 }, { x: leader.x2, y: leader.y2 }]; // prettier-ignore
      hairs.push({ line, box: aroundLine(line) });
    }
    placed.push({ id, x, y, anchor, text, leader });
  }
  return placed;
}
