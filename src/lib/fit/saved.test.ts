import { describe, expect, it } from 'vitest';
import { fakeFile, fakeProfile, PWH, type FakeCounter } from '../meter/firefox/testing';
import { fitModel } from './fit';
import { readSaved } from './saved';
import { randomOf, SIMULATED_META, simulateDevice, simulateRoutine } from './simulate';

const START = 1_764_460_800_000;
const saved = (counters: readonly FakeCounter[], startTime: number | null = START) => {
  const profile = fakeProfile(counters, []);
  return fakeFile({ ...profile, meta: { ...profile.meta, ...(startTime === null ? {} : { startTime }) } });
};
const csv = (text: string) => ({ name: 'meter.csv', stream: () => new Blob([text]).stream() });

describe('what was saved while the routine ran', () => {
  it('is a CSV of a meter at the boundary that is said', async () => {
    const text = 'time,watts\n1700000000,5\n1700000001,6\n';
    expect(await readSaved(csv(text), 'package')).toMatchObject({ tier: 'integrated-power', boundary: 'package' });
    expect(await readSaved(csv(text), 'system')).toMatchObject({ tier: 'wall', source: 'meter.csv' });
  });

  it('is a profile, whose power gives the model that the same counter gives', async () => {
    const random = randomOf(3);
    const { segments, series } = simulateRoutine(simulateDevice(random), 'counter', random);
    if (series.kind !== 'joules') throw new Error('a counter tells joules');
    const { readings } = series;
    // A power track holds differences, in whole picowatt-hours.
    const counts = readings.map(({ joules }, i) =>
      Math.round((joules - (i === 0 ? 0 : readings[i - 1]!.joules)) / PWH),
    );
    const track = { name: 'Power: CPU package', times: readings.map(({ at }) => at), counts };
    const cores = { ...track, name: 'Power: CPU cores', counts: counts.map((c) => Math.round(c / 2)) };
    const found = await readSaved(saved([track, cores]), 'system');
    expect(found).toMatchObject({ tier: 'counter', boundary: 'package', source: 'firefox-profile: CPU package' });
    const moved = segments.map((s) => ({ ...s, from: s.from + START, to: s.to + START }));
    const same = { kind: 'joules', readings: readings.map((r) => ({ ...r, at: r.at + START })) } as const;
    const [theirs, ours] = [{ series: same }, found].map((input) => fitModel(moved, input, SIMULATED_META));
    if (!theirs || !ours) throw new Error('both were fitted');
    expect(ours.error).toBeCloseTo(theirs.error, 3);
    ours.coefficients.forEach((c, i) => {
      const other = theirs.coefficients[i];
      if (c === null || other === null || other === undefined) expect(c).toBe(other);
      else expect(Math.abs(c - other)).toBeLessThanOrEqual(0.02 * Math.abs(other) + 1e-15);
    });
  });

  it('is refused with what to do where it holds no power, no time, or is something else', async () => {
    await expect(readSaved(saved([]), 'package')).rejects.toThrow(/holds no power track.*preset Power/);
    const track = { name: 'Power: CPU package', times: [0, 10, 20], counts: [1, 5, 5] };
    await expect(readSaved(saved([track], null), 'package')).rejects.toThrow(/does not say when it was recorded/);
    await expect(readSaved(csv('{"a": 1}'), 'package')).rejects.toThrow(/no profile of Firefox/);
  });
});
