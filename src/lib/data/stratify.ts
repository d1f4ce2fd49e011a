import { createRandom } from '../core/random';

/**
 * Items in an order whose every beginning holds each stratum in its share of the whole, as far as whole items can: the
 * i-th of n items of a stratum stands at (i + u) / n of the way, u in [0, 1) its own. Which of a stratum's items come
 * first is seeded, and does not depend on the other strata.
 */
export function stratify<T>(items: readonly T[], stratumOf: (item: T) => string, seed: number): T[] {
  const strata = new Map<string, T[]>();
  for (const item of items) {
    const stratum = stratumOf(item);
    const own = strata.get(stratum);
    if (own) own.push(item);
    else strata.set(stratum, [item]);
  }
  const placed = [...strata].flatMap(([stratum, own]) => {
    const random = createRandom(seed).fork(`stratum ${stratum}`);
    const offset = random.next();
    return random.shuffle(own).map((item, i) => ({ item, at: (i + offset) / own.length, stratum }));
  });
  return placed
    .sort((a, b) => a.at - b.at || (a.stratum < b.stratum ? -1 : a.stratum > b.stratum ? 1 : 0))
    .map(({ item }) => item);
}
