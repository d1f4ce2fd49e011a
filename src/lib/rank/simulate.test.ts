import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { foldRuns } from './fold';
import {
  cheapVariants,
  figuresOf,
  judge,
  makeWorld,
  simulatePlan,
  simulateUntilDecided,
  tellsTwinsApart,
  withTwin,
  type World,
} from './simulate';

/** `npm run bench -- --part answer` asks the same of 1,000 plans; here of as many as a test may take. */
const PLANS = 200;

/**
 * What 200 plans may show of a probability of 0.95: within 2.5 standard errors, each plan counted as one trial (the
 * intervals of a plan share its noise, so they are at most as informative as that): 0.95 +- 2.5 sqrt(0.95 0.05 / 200).
 */
const BAND = 2.5 * Math.sqrt((0.95 * 0.05) / PLANS);

const worlds = (n: number, more: Partial<Parameters<typeof makeWorld>[0]> = {}): World[] =>
  Array.from({ length: n }, (_, k) =>
    makeWorld({
      seed: k + 1,
      population: 800,
      noise: k % 2 ? 0.08 : 0.03,
      variants: cheapVariants(createRandom(k + 1)),
      ...more,
    }),
  );

const one = <T>(items: readonly T[], i: number) => items[i % items.length] as T;

describe('intervals and words of simulated plans', () => {
  const own = worlds(5);
  let figures = figuresOf([]);
  beforeAll(() => {
    const verdicts = Array.from({ length: PLANS }, (_, p) => {
      const world = one(own, p);
      return judge(world, foldRuns(simulatePlan(world, { seed: p, slices: 9, tickets: 8 })));
    });
    figures = figuresOf(verdicts);
  }, 600_000);

  it('hold the truth as often as they say', () => {
    expect(figures.energy).toBeGreaterThan(0.95 - BAND);
    expect(figures.energy).toBeLessThan(0.95 + BAND);
    expect(figures.quality).toBeGreaterThan(0.95 - BAND);
    expect(figures.quality).toBeLessThan(0.95 + BAND);
    // Where few tickets differ intervals are wider than draws would have them, never narrower.
    expect(figures.rare).toBeGreaterThan(0.95 - BAND);
  });

  it('hold all at once in as many plans as they say', () => {
    expect(figures.all).toBeGreaterThan(0.95 - BAND);
    expect(figures.all).toBeLessThan(0.95 + BAND);
  });

  it('contradict the truth in no more plans than 5 %, by what 200 can tell', () => {
    expect(figures.falseWords).toBeLessThan(0.05 + BAND);
  });
});

it('tells true differences of twice the margin in 4 of 5 cases with 200 tickets', () => {
  const own = worlds(5);
  const verdicts = Array.from({ length: 10 }, (_, p) => {
    const world = one(own, p);
    return judge(world, foldRuns(simulatePlan(world, { seed: p, slices: 9, tickets: 22 })));
  });
  const figures = figuresOf(verdicts);
  expect(figures.toldEnergy).toBeGreaterThan(0.8);
  expect(figures.toldQuality).toBeGreaterThan(0.8);
});

it('stops no variant wrongly, and no word of a plan that stopped is wrong', () => {
  const own = worlds(2);
  const plans = Array.from({ length: 2 }, (_, p) => {
    const world = one(own, p);
    const plan = simulateUntilDecided(world, { seed: p, slices: 30, tickets: 8 });
    return { ...plan, verdict: judge(world, plan.folded) };
  });
  expect(plans.flatMap(({ falseStops, verdict }) => [...falseStops, ...verdict.falseWords])).toEqual([]);
  // Most variants need not be measured to the end.
  for (const { stopped } of plans) expect(stopped.length).toBeGreaterThan(4);
});

it('tells one variant under two names apart in 1 of 20 plans, as a 95 % interval does', () => {
  const own = Array.from({ length: 5 }, (_, k) =>
    makeWorld({ seed: k, population: 300, variants: withTwin(createRandom(k)) }),
  );
  const apart = Array.from({ length: PLANS }, (_, seed) =>
    tellsTwinsApart(one(own, seed), { seed, slices: 9, tickets: 8 }),
  );
  expect(apart.filter(Boolean).length / PLANS).toBeLessThan(0.05 + BAND);
  expect(apart.filter(Boolean).length).toBeGreaterThan(0);
});

it('makes the same plan of the same seed', () => {
  const [world] = worlds(1, { tasks: ['rca', 'response'] });
  const plan = () => simulatePlan(world as World, { seed: 3, slices: 8, tickets: 4 });
  expect(plan()).toEqual(plan());
  // The second stage made up six slices, each beside half a slice of the reference.
  const anchors = plan().filter(({ anchor }) => anchor);
  expect(anchors.map(({ variant, tickets }) => [variant, tickets.length])).toEqual(
    Array.from({ length: 12 }, () => ['fp32', 2]),
  );
});
