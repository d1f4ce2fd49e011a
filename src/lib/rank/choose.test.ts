import { describe, expect, it } from 'vitest';
import { stopsAt } from './choose';
import { foldRuns } from './fold';
import { makeWorld, simulatePlan, type SimulatedVariant } from './simulate';

const variant = (name: string, pass: string, joules: number): SimulatedVariant => ({
  variant: name,
  stage: 0,
  pass,
  reading: joules,
  writing: 4 * joules,
  accuracy: 0.8,
  kept: 0.7,
  own: 0.05,
  words: 1,
  wordsSd: name === 'fp32' ? 0 : 0.1,
});

describe('stopsAt', () => {
  it('stops the less simple of two that do the same work, whichever a hair of joules names leaner', () => {
    const world = makeWorld({
      seed: 1,
      tasks: ['response'],
      population: 300,
      variants: [variant('fp32', 'f32', 1), variant('int4', 'int4', 0.3), variant('int4+mag50', 'int4', 0.3)],
    });
    const leaner = new Set<string>();
    for (let seed = 0; seed < 8; seed++) {
      const folded = foldRuns(simulatePlan(world, { seed, slices: 8, tickets: 8 }));
      const joules = (name: string) => folded.results.find((r) => r.variant === name)?.energy?.mid ?? NaN;
      const alike = stopsAt(folded, 8, 30).stops.filter(({ why }) => why === 'same, and less simple');
      for (const stop of alike) {
        leaner.add(joules('int4') <= joules('int4+mag50') ? 'int4' : 'int4+mag50');
        expect(stop.variant).toBe('int4+mag50');
      }
    }
    // Both orders were met.
    expect([...leaner].sort()).toEqual(['int4', 'int4+mag50']);
  });
});
