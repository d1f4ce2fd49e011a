/** A rectangle of a treemap, px. */
export interface Tile<T> {
  item: T;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Longest side over shortest of the worst rectangle, if `areas` filled a strip along a side of length `side`. */
function worst(areas: readonly number[], side: number): number {
  const sum = areas.reduce((a, x) => a + x, 0);
  const thick = sum / side;
  return Math.max(...areas.map((area) => Math.max((thick * thick) / area, area / (thick * thick))));
}

/**
 * Squarified treemap (Bruls, Huizing, van Wijk 2000): areas in proportion to sizes, rectangles as square as strips
 * allow, largest first. Sizes that are not above 0 have no rectangle.
 */
export function treemap<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  frame: { width: number; height: number },
): Tile<T>[] {
  const sized = items
    .map((item) => ({ item, size: sizeOf(item) }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size);
  const total = sized.reduce((n, { size }) => n + size, 0);
  const scale = total > 0 ? (frame.width * frame.height) / total : 0;
  // A figure that is not laid out yet has no width.
  if (!(scale > 0)) return [];
  const cells: Tile<T>[] = [];
  let [x, y, width, height] = [0, 0, frame.width, frame.height];
  for (let i = 0; i < sized.length;) {
    const side = Math.min(width, height);
    const strip = [(sized[i]?.size ?? 0) * scale];
    let end = i + 1;
    for (; end < sized.length; end++) {
      const next = (sized[end]?.size ?? 0) * scale;
      if (worst([...strip, next], side) > worst(strip, side)) break;
      strip.push(next);
    }
    const thick = strip.reduce((a, b) => a + b, 0) / side;
    let along = 0;
    for (const [k, area] of strip.entries()) {
      const { item } = sized[i + k] as { item: T };
      const length = area / thick;
      cells.push(
        width >= height
          ? { item, x, y: y + along, width: thick, height: length }
          : { item, x: x + along, y, width: length, height: thick },
      );
      along += length;
    }
    if (width >= height) [x, width] = [x + thick, Math.max(0, width - thick)];
    else [y, height] = [y + thick, Math.max(0, height - thick)];
    i = end;
  }
  return cells;
}

interface InLayer {
  layer: number;
  linear: string;
  bytes: number;
}

/**
 * Matrices that are still to come, as large as those of the first layer: with them in the picture those that are
 * finished stay where they are. None before the first layer is complete, as its matrices are not known yet.
 *
 * @param expected layers of the whole model
 */
export function toCome(done: readonly InLayer[], expected: number): InLayer[] {
  if (!done.some(({ layer }) => layer > 0)) return [];
  const finished = new Set(done.map(({ layer, linear }) => `${layer} ${linear}`));
  const first = done.filter(({ layer }) => layer === 0);
  return Array.from({ length: expected }, (_, layer) => layer).flatMap((layer) =>
    first.filter(({ linear }) => !finished.has(`${layer} ${linear}`)).map((matrix) => ({ ...matrix, layer })),
  );
}
