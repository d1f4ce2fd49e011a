import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { PUBLISHED, PUBLISHED_TEST, publishedFigures, SPLIT_SEED, type PublishedRow } from './published';

/** Half of each product's rows, drawn; of an odd one the draw says which half it falls to. */
function drawSplit(): string[] {
  const random = createRandom(SPLIT_SEED);
  const products = new Map<string, PublishedRow[]>();
  for (const row of PUBLISHED) products.set(row.profile, [...(products.get(row.profile) ?? []), row]);
  return [...products.values()]
    .flatMap((rows) => {
      const half = rows.length / 2;
      return random
        .shuffle(rows)
        .slice(0, rows.length % 2 === 0 || random.int(2) === 0 ? Math.floor(half) : Math.ceil(half));
    })
    .map(({ id }) => id)
    .sort();
}

describe('published measurements', () => {
  it('are split as they were drawn once', () => {
    expect([...PUBLISHED_TEST].sort()).toEqual(drawSplit());
  });
  it('are at least 30, each once', () => {
    expect(PUBLISHED.length).toBeGreaterThanOrEqual(30);
    expect(new Set(PUBLISHED.map(({ id }) => id)).size).toBe(PUBLISHED.length);
  });
  it.each(['fit', 'test'] as const)('lie within what the table says, part %s', (part) => {
    const { inside, off, width, order } = publishedFigures(part);
    expect(inside).toBeGreaterThanOrEqual(0.95);
    expect(off).toBeLessThanOrEqual(0.15);
    expect(width).toBeLessThanOrEqual(3);
    expect(order).toBeGreaterThanOrEqual(0.9);
  });
});
