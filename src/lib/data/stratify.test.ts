import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stratify } from './stratify';

const causes = fc.array(fc.constantFrom('a', 'a', 'a', 'a', 'b', 'b', 'c'), { minLength: 1, maxLength: 120 });

it('orders all items, the same for the same seed', () => {
  fc.assert(
    fc.property(causes, fc.nat(), (list, seed) => {
      const items = list.map((cause, i) => ({ cause, i }));
      const ordered = stratify(items, ({ cause }) => cause, seed);
      expect(ordered.map(({ i }) => i).sort((a, b) => a - b)).toEqual(items.map(({ i }) => i));
      expect(stratify(items, ({ cause }) => cause, seed)).toEqual(ordered);
    }),
  );
});

it('holds every stratum in its share, to an item or so, from the beginning on', () => {
  fc.assert(
    fc.property(causes, fc.nat(), (list, seed) => {
      const ordered = stratify(list, (cause) => cause, seed);
      for (const stratum of new Set(list)) {
        const share = list.filter((cause) => cause === stratum).length / list.length;
        ordered.forEach((_, i) => {
          const own = ordered.slice(0, i + 1).filter((cause) => cause === stratum).length;
          // Each of the others may be an item early or late.
          expect(Math.abs(own - share * (i + 1))).toBeLessThanOrEqual(new Set(list).size);
        });
      }
    }),
  );
});

it('takes a rare cause into a small sample where one cause has most tickets', () => {
  const list = [...Array.from({ length: 95 }, () => 'often'), ...Array.from({ length: 5 }, () => 'rare')];
  const found = Array.from({ length: 20 }, (_, seed) => stratify(list, (c) => c, seed).slice(0, 24));
  for (const sample of found) expect(sample.filter((c) => c === 'rare').length).toBeGreaterThanOrEqual(1);
});
