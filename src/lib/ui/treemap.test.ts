import { describe, expect, it } from 'vitest';
import { treemap } from './treemap';

describe('treemap', () => {
  const sizes = [6, 6, 4, 3, 2, 2, 1];
  const cells = treemap(sizes, (x) => x, { width: 600, height: 400 });

  it('gives each size its share of the area, inside the frame, without overlap', () => {
    for (const { item, width, height } of cells) expect(width * height).toBeCloseTo((item / 24) * 240_000, 5);
    for (const { x, y, width, height } of cells) {
      expect(x).toBeGreaterThanOrEqual(-1e-9);
      expect(x + width).toBeLessThanOrEqual(600 + 1e-6);
      expect(y + height).toBeLessThanOrEqual(400 + 1e-6);
    }
    for (const [i, a] of cells.entries())
      for (const b of cells.slice(i + 1)) {
        const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
        const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
        expect(Math.min(across, down)).toBeLessThan(1e-6);
      }
  });

  it('keeps rectangles near squares, as in the paper’s example', () => {
    for (const { width, height } of cells) expect(Math.max(width / height, height / width)).toBeLessThan(3);
  });

  it('leaves out what has no size', () => {
    expect(treemap([0, NaN, -1], (x) => x, { width: 10, height: 10 })).toEqual([]);
    expect(treemap([5], (x) => x, { width: 10, height: 10 })).toEqual([{ item: 5, x: 0, y: 0, width: 10, height: 10 }]);
  });

  it('draws nothing where there is no room', () => {
    expect(treemap([1, 2], (x) => x, { width: 0, height: 320 })).toEqual([]);
  });
});
