import { describe, expect, it } from 'vitest';
import { Conditions } from './meter/conditions';
import { Sampler } from './meter/sampler';
import { record, table } from './record';
import { sourcesWith } from './sources/index';
import { FakeSystem, INTEL, zone } from './testing';

describe('record', () => {
  it('meters any command, gross and net of idle as two columns, and hands on its exit code', async () => {
    // 10 W idle; 40 W from when the command runs.
    const system = new FakeSystem('linux', {
      files: { ...INTEL, ...zone('intel-rapl:0', 'package-0', (ms) => (10 * ms + 30 * Math.max(0, ms - 3200)) * 1000) },
    });
    const sampler = await Sampler.open(system, sourcesWith([]), system.wait);
    let running = false;
    Object.assign(system, { now: () => (running ? (system.ms += 1) : system.ms) });
    const wait = async (ms: number) => {
      for (let i = 0; i < ms; i += 100) {
        system.ms += 100;
        await sampler.read();
      }
      system.ms += 200;
      running = true;
    };
    const done = await record(sampler, new Conditions(), [process.execPath, '-e', 'process.exit(3)'], wait);
    expect(done.exit).toBe(3);
    const text = table(done);
    expect(text).toMatch(/what +joules \(interval\) +watts +net of idle/);
    expect(text).toMatch(/package \(rapl:package-0\)/);
    expect(done.idle.totals[0]?.joules?.mid).toBeCloseTo(10 * done.idleSeconds, 0);
  });

  it('a command that cannot be started is said, not metered as nothing', async () => {
    const system = new FakeSystem('linux', { files: INTEL });
    const sampler = await Sampler.open(system, sourcesWith([]), system.wait);
    const done = await record(sampler, new Conditions(), ['/no/such/program'], system.wait);
    expect(done.exit).toBe(127);
    expect(done.totals).toEqual([]);
  });
});
