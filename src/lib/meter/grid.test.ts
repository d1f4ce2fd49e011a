import { describe, expect, it } from 'vitest';
import { GRID_SOURCES, gridRegions } from './grid';

describe('carbon intensity of grids', () => {
  it('has regions with positive grams in every source, by name', async () => {
    for (const { id } of GRID_SOURCES) {
      const regions = await gridRegions(id);
      expect(regions.length, id).toBeGreaterThan(id === 'ember' ? 10 : 200);
      expect(regions.every(({ gramsPerKWh, name }) => gramsPerKWh > 0 && name !== '')).toBe(true);
      expect(new Set(regions.map(({ code }) => code)).size).toBe(regions.length);
    }
  });

  it('knows the world’s average, and each year of a country on its own', async () => {
    const world = (await gridRegions('ember')).find(({ code }) => code === 'WORLD');
    expect(world?.gramsPerKWh).toBe(472.94);
    const france = async (id: 'electricity-maps-2021' | 'electricity-maps-2025') =>
      (await gridRegions(id)).find(({ code }) => code === 'FR')?.gramsPerKWh;
    expect(await france('electricity-maps-2025')).toBeLessThan(100);
    expect(await france('electricity-maps-2021')).not.toBe(await france('electricity-maps-2025'));
  });
});
