import { describe, expect, it } from 'vitest';
import { JOULES } from '../../texts/energy';
import {
  apart,
  energyDomain,
  linearScale,
  linearTicks,
  logDomain,
  logScale,
  logTicks,
  pathOf,
  qualityDomain,
  stepsOf,
} from './axis';
import { energyTicks } from './energy-axis';
import { placeLabels, shorten, type LabelPoint } from './labels';
import { hueOf, shapeOf, shapePath, type Shape } from './marks';

describe('axis', () => {
  it('maps a log domain onto pixels', () => {
    const scale = logScale([0.01, 100], [0, 400]);
    expect([0.01, 0.1, 1, 10, 100].map((x) => Math.round(scale(x)))).toEqual([0, 100, 200, 300, 400]);
    expect(linearScale([0, 1], [100, 0])(0.25)).toBe(75);
  });

  it('has room around the values, even around one', () => {
    for (const values of [[1], [1, 1000], [0, -1, 5], []]) {
      const [low, high] = logDomain(values);
      expect(low).toBeGreaterThan(0);
      expect(high / low).toBeGreaterThan(1.5);
      for (const x of values.filter((v) => v > 0)) expect(low < x && x < high).toBe(true);
    }
  });

  it('sets a far leaner baseline beside the scale, and does not follow every interval', () => {
    const row = (mid: number, low: number | null, high: number | null, classical = false) => ({
      mid,
      low,
      high,
      classical,
    });
    const { domain, beside } = energyDomain([row(1, 0, 40), row(2, null, null), row(0.001, 0.0009, 0.0011, true)]);
    expect([...beside]).toEqual([2]);
    expect(domain[0]).toBeGreaterThan(0.3);
    expect(domain[1]).toBeLessThan(6);
    expect(energyDomain([row(1, null, null), row(0.5, null, null, true)]).beside.size).toBe(0);
    expect(energyDomain([row(0.5, null, null, true)]).beside.size).toBe(0);
  });

  it('gives two to `most` round ticks over any span', () => {
    for (const span of [1.6, 2, 5, 30, 1e3, 1e6, 1e9])
      for (const start of [1e-6, 0.013, 0.77, 90]) {
        const ticks = logTicks([start, start * span], 8);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(8);
      }
    expect(logTicks([0.5, 20], 8)).toEqual([0.5, 1, 2, 5, 10, 20]);
    // Long labels leave room for fewer.
    const at = logScale([0.5, 20], [0, 300]);
    const roomy = (width: number) =>
      logTicks([0.5, 20], 8, (ticks) =>
        apart(
          ticks.map((t) => ({ at: at(t), width })),
          16,
        ),
      );
    expect(roomy(20)).toEqual([0.5, 1, 2, 5, 10, 20]);
    expect(roomy(70)).toEqual([1, 3, 10]);
  });

  it('keeps quality within 0 and 1', () => {
    expect(qualityDomain([])).toEqual([0, 1]);
    expect(qualityDomain([0.98, 1])).toEqual([0.8, 1]);
    expect(qualityDomain([0.51, 0.62])).toEqual([0.4, 0.7]);
    expect(qualityDomain([0])).toEqual([0, 0.2]);
    expect(linearTicks([0.4, 0.7], 6)).toEqual([0.4, 0.5, 0.6, 0.7]);
  });

  it('draws the front level first, then up', () => {
    const front = [{ x: 50, y: 30 }, { x: 10, y: 90 }]; // prettier-ignore
    expect(pathOf(stepsOf(front, 100))).toBe('M10,90L50,90L50,30L100,30');
    expect(pathOf(stepsOf([], 100))).toBe('');
  });
});

describe('energyTicks', () => {
  const x = logScale([0.1, 2], [40, 340]);

  it('is round in the unit that is read, stays inside and never touches', () => {
    for (const unit of [JOULES, { kind: 'Wh' }, { kind: 'gCO2e', gramsPerKWh: 342 }] as const) {
      const ticks = energyTicks(x, unit, 360);
      expect(ticks.length).toBeGreaterThan(1);
      for (const [i, { at, text, joules }] of ticks.entries()) {
        expect(x(joules)).toBeGreaterThanOrEqual(40);
        expect(at - (text.length * 12 * 0.62) / 2).toBeGreaterThanOrEqual(0);
        expect(at).toBeGreaterThan(ticks[i - 1]?.at ?? -Infinity);
        expect(text).toMatch(/^[\d.]+ [mµn]?(J|Wh|g)$/);
      }
    }
  });
});

describe('labels', () => {
  const bounds = { left: 0, right: 600, top: 0, bottom: 400 };
  const boxOf = ({ x, y, anchor, text }: ReturnType<typeof placeLabels>[number]) => {
    const width = text.length * 12 * 0.58;
    const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
    return { left, right: left + width, top: y - 10, bottom: y + 2 };
  };
  const at = (i: number, x: number, y: number): LabelPoint => ({
    id: String(i),
    x,
    y,
    text: `int8+ffn${i}`,
    radius: 5,
  });

  it('labels every point where there is room', () => {
    const points = [at(1, 100, 100), at(2, 300, 200), at(3, 590, 390), at(4, 5, 5)];
    expect(placeLabels(points, bounds, 12)).toHaveLength(4);
  });

  it('never lets labels overlap or leave the picture, and serves the first points first', () => {
    const points = Array.from({ length: 60 }, (_, i) => at(i, 100 + ((i * 37) % 200), 100 + ((i * 53) % 120)));
    const placed = placeLabels(points, bounds, 12);
    expect(placed.length).toBeGreaterThan(5);
    expect(placed[0]?.id).toBe('0');
    const boxes = placed.map(boxOf);
    for (const [i, a] of boxes.entries()) {
      expect(a.left >= bounds.left && a.right <= bounds.right).toBe(true);
      for (const b of boxes.slice(i + 1))
        expect(a.left < b.right && b.left < a.right && a.top < b.bottom - 2 && b.top < a.bottom - 2).toBe(false);
    }
  });

  it('keeps off lines, on whichever side there is room', () => {
    const roof = [{ x: 0, y: 300 }, { x: 200, y: 100 }, { x: 600, y: 100 }]; // prettier-ignore
    const points = [at(1, 150, 150), at(2, 200, 100), at(3, 400, 108), at(4, 500, 250)];
    const placed = placeLabels(points, bounds, 12, [roof]);
    expect(placed.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
    /** Height of the roof at x. */
    const level = (x: number) => Math.max(100, 300 - x);
    for (const { id, left, right, top, bottom } of placed.map((label) => ({ id: label.id, ...boxOf(label) })))
      expect(bottom < Math.min(level(left), level(right)) || top > Math.max(level(left), level(right)), id).toBe(true);
  });

  it('lies on thin lines only where there is no other room', () => {
    const cross = [{ x: 50, y: 100 }, { x: 250, y: 100 }]; // prettier-ignore
    const [name] = placeLabels([at(1, 100, 100)], bounds, 12, [], [cross]);
    expect(name && boxOf(name).bottom < 100).toBe(true);
    const grid = Array.from({ length: 40 }, (_, i) => [{ x: 0, y: i * 5 }, { x: 600, y: i * 5 }]); // prettier-ignore
    expect(placeLabels([at(1, 100, 100)], bounds, 12, [], grid)).toHaveLength(1);
  });

  it('leads to a name further out, past neither names nor marks, where there is no room beside its mark', () => {
    const crowd = Array.from({ length: 6 }, (_, i) => at(i, 300 + (i % 3) * 14, 200 + Math.floor(i / 3) * 14));
    const placed = placeLabels(crowd, bounds, 12);
    expect(placed).toHaveLength(6);
    expect(placed.filter(({ leader }) => leader).length).toBeGreaterThan(0);
    expect(placeLabels([at(1, 100, 100)], bounds, 12)[0]?.leader).toBeNull();
  });

  it('names a group once, where there is room', () => {
    const fence = [{ x: 0, y: 100 }, { x: 600, y: 100 }]; // prettier-ignore
    const walls = [60, 75, 85, 115, 125, 140].map((y) => [{ x: 0, y }, { x: 600, y }]); // prettier-ignore
    const pair = [at(1, 100, 100), at(2, 300, 300)].map((point) => ({ ...point, group: 'int8' }));
    expect(placeLabels(pair, bounds, 12).map(({ id }) => id)).toEqual(['1']);
    expect(placeLabels(pair, bounds, 12, [fence, ...walls]).map(({ id }) => id)).toEqual(['2']);
  });

  it('shortens long names in the middle', () => {
    expect(shorten('a'.repeat(40))).toHaveLength(24);
    expect(shorten('int8+layers25+ffn50+mag50xx')).toMatch(/^int8.*mag50xx$/);
    expect(shorten('int8')).toBe('int8');
  });
});

describe('marks', () => {
  it('shows precision as hue and pruning as shape, whatever the name', () => {
    expect(hueOf('int8+ffn25', 'ort-gpu')).toBe('var(--p-int8)');
    expect(hueOf('tf-idf', 'classical')).toBe('var(--p-classical)');
    expect(hueOf('</style>', 'hub')).toBe('var(--p-other)');
    expect(
      ['int8', 'int8+2:4', 'int8+mag50', 'int8+ffn25', 'int8+layers25+2:4'].map((v) => shapeOf(v, 'ort-gpu')),
    ).toEqual(['circle', 'square', 'triangle', 'diamond', 'cross']);
  });

  it('draws closed outlines', () => {
    const shapes: Shape[] = ['circle', 'square', 'triangle', 'diamond', 'cross', 'star'];
    for (const shape of shapes) expect(shapePath(shape, 5)).toMatch(/^M[^N]*Z$/);
  });
});
