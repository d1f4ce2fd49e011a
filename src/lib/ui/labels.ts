/** Puts names next to points so that they cover neither each other nor points. Greedy, in order of importance. */

export interface LabelPoint {
  id: string;
  x: number;
  y: number;
  text: string;
  /** Radius of the mark. */
  radius: number;
}

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

const meets = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const inside = (a: Box, b: Box) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;

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
 */
export function placeLabels(points: readonly LabelPoint[], bounds: Box, fontSize: number): PlacedLabel[] {
  const taken: Box[] = points.map(({ x, y, radius }) => ({
    left: x - radius,
    right: x + radius,
    top: y - radius,
    bottom: y + radius,
  }));
  const placed: PlacedLabel[] = [];
  for (const [index, point] of points.entries()) {
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
    const free = options.find(
      ({ box }) => inside(box, bounds) && taken.every((other, i) => i === index || !meets(box, other)),
    );
    if (!free) continue;
    taken.push({ ...free.box, left: free.box.left - GAP, right: free.box.right + GAP });
    placed.push({ id: point.id, x: free.x, y: free.y, anchor: free.anchor, text });
  }
  return placed;
}
