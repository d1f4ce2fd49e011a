import { describe, expect, it } from 'vitest';
import { toCome, treemap } from './treemap';

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

describe('matrices to come', () => {
  const q = { linear: 'q_proj', bytes: 4 };
  const up = { linear: 'up_proj', bytes: 9 };

  it('are those of the first layer in every layer that is not finished', () => {
    const done = [
      { ...q, layer: 0 },
      { ...up, layer: 0 },
      { ...q, layer: 1 },
    ];
    expect(toCome(done, 3)).toEqual([
      { ...up, layer: 1 },
      { ...q, layer: 2 },
      { ...up, layer: 2 },
    ]);
    expect(toCome(done, 0)).toEqual([]);
  });

  it('are not known while the first layer is at work', () => {
    expect(toCome([], 3)).toEqual([]);
    expect(toCome([{ ...q, layer: 0 }], 3)).toEqual([]);
  });

  it('leave what is finished where it is', () => {
    const all = [0, 1, 2].flatMap((layer) => [
      { ...q, layer },
      { ...up, layer },
    ]);
    const frame = { width: 300, height: 200 };
    const place = (done: typeof all) =>
      new Map(
        treemap(
          [...done, ...toCome(done, 3)].sort((a, b) => a.layer - b.layer),
          ({ bytes }) => bytes,
          frame,
        ).map(({ item, x, y }) => [`${item.layer} ${item.linear}`, [x, y]]),
      );
    expect(place(all.slice(0, 3))).toEqual(place(all));
  });
});
