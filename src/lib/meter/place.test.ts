import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { median } from '../core/stats';
import { PARTS, type Part } from './parts';
import { placeDevice } from './place';
import { CLASS_PROFILES, profileByName, type PowerProfile } from './profiles';
import type { Range } from '../schema/run';

const PARTS_BY_NAME = new Map<string, Part>(
  Object.values(PARTS)
    .flat()
    .map((part: Part) => [part.name, part]),
);

/** Watts of a device that half of the time reads, and half computes. */
const watts = (p: PowerProfile, end: keyof Range, bytes: number, operations: number) =>
  p.idleW[end] + p.awakeW[end] + 0.5e-12 * (p.pjPerByte[end] * bytes + p.pjPerFlop[end] * operations);

describe('placing a device by its speed', () => {
  it('names the product that is as fast, with probabilities that add up to 1', () => {
    const part = PARTS_BY_NAME.get((profileByName('nvidia-ampere').origin as { members: string[] }).members[0]!)!;
    const placed = placeDevice(profileByName('nvidia-ampere'), {
      bytesPerSecond: 0.75e9 * part.gbps,
      operationsPerSecond: 0.5e12 * part.tflops,
    })!;
    expect(placed.candidates.slice(0, 3).map(({ name }) => name)).toContain(part.name);
    expect(placed.candidates.reduce((n, { probability }) => n + probability, 0)).toBeCloseTo(1, 9);
  });
  it('says nothing without a speed, or of what stands in for others', () => {
    expect(placeDevice(profileByName('cpu-x86'), { bytesPerSecond: 0, operationsPerSecond: 1 })).toBeNull();
    expect(placeDevice(profileByName('software-gpu'), { bytesPerSecond: 1e10, operationsPerSecond: 1e10 })).toBeNull();
  });
  it('leaves a quarter of the factor between low and high, and holds the truth', () => {
    const random = createRandom('place');
    /** Within a range: half below mid, 95 % inside. */
    const draw = ({ low, mid, high }: Range) => {
      const z = random.normal();
      return mid * Math.exp((z * Math.log(z < 0 ? mid / low : high / mid)) / 1.96);
    };
    const told = CLASS_PROFILES.filter(({ origin }) => 'members' in origin && origin.members.length >= 5).flatMap(
      (own) => {
        const members = 'members' in own.origin ? own.origin.members : [];
        return Array.from({ length: 40 }, () => {
          const part = PARTS_BY_NAME.get(random.pick(members))!;
          const [bytes, rate] = [
            part.gbps * 1e9 * 0.75 * Math.exp(0.25 * random.normal()),
            part.tflops * 1e12 * (own.kind === 'cpu' ? 0.3 : 0.5) * Math.exp(0.45 * random.normal()),
          ];
          const placed = placeDevice(own, { bytesPerSecond: bytes, operationsPerSecond: rate });
          if (!placed) return [];
          const its = profileByName(part.name);
          const idle = draw(its.idleW);
          const draws = draw({ low: 0.5, mid: 0.85, high: 1.2 });
          const awake = its.awakeW.mid > 0 ? draw(its.awakeW) : 0;
          const beyond = Math.max(0, draws * (part.watts - idle) - awake);
          const truth = idle + awake + 0.5 * (1e-12 * draw(its.pjPerByte) * bytes + beyond);
          const [low, high] = [watts(placed.profile, 'low', bytes, rate), watts(placed.profile, 'high', bytes, rate)];
          const whole = watts(own, 'high', bytes, rate) / watts(own, 'low', bytes, rate);
          return [{ share: high / low / whole, held: truth >= low && truth <= high }];
        }).flat();
      },
    );
    expect(median(told.map(({ share }) => share))).toBeLessThan(0.25);
    expect(told.filter(({ held }) => held).length / told.length).toBeGreaterThan(0.95);
  });
});
