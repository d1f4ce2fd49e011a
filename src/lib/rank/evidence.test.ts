import { expect, it } from 'vitest';
import { pairsFromText } from '../core/log-bytes';
import { standardDeviation } from '../core/stats';
import { energyDraws } from './evidence';

/** SDs of a real run: 11 variants, the fifth the classical baseline, several of equal work (SDs of 0.1 to 0.4 %). */
const REAL = 'nZyds5ygnKCgnZiasJidmJ2dmpe0b5tfm5uXspedl52dWKWkpsSVs5ttm5uXm5-fnZubl5-dnQ';

it('draws energies as far apart as their bytes say, also of equal work, whose rounded table no joint distribution has', () => {
  const sd = pairsFromText(11, REAL);
  const log = Array.from({ length: 11 }, (_, i) => (i === 4 ? null : i / 10));
  const draws = energyDraws(log, sd, 4000);
  for (let i = 0; i < 11; i++)
    for (let k = 0; k < i; k++) {
      if (i === 4 || k === 4) continue;
      const drawn = standardDeviation(draws.map((draw) => (draw[i] as number) - (draw[k] as number)));
      const stated = sd(i, k) as number;
      // What rounding took from a table, a part of an SD of 4 % at most, is all that may be missing.
      expect(Math.abs(drawn - stated), `${i} and ${k}`).toBeLessThan(0.06 * stated + 0.004);
    }
  expect(draws.every((draw) => draw[4] === null)).toBe(true);
});
