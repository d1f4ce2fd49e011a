import { describe, expect, it } from 'vitest';
import { report } from './doctor';
import type { Domain } from './domain';
import { Sampler } from './meter/sampler';
import { domainsOf } from './meter/sum';
import { Track } from './meter/track';
import type { NvmlLibrary, PerfLibrary } from './native';
import { macmonOf, powermetricsOf } from './sources/apple';
import { metersOf } from './sources/emi';
import { sourcesWith } from './sources/index';
import { rowsOf } from './sources/nvidia';
import { wattsOf } from './sources/pmic';
import { parseWall } from './sources/wall';
import { SystemFault } from './system';
import { FakeSystem, INTEL, zone } from './testing';

/**
 * Thirty situations that other meters got wrong, by the number and the report that each was seen in. A simulated machine
 * says what the real one said; the test holds what is made of it.
 */

const open = (system: FakeSystem, walls: string[] = []) =>
  Sampler.open(system, sourcesWith(walls.map(parseWall)), system.wait);

/** Reads ten times a second for so long; what the whole of it came to. */
async function over(system: FakeSystem, sampler: Sampler, seconds: number, step = 100) {
  await sampler.read();
  const from = system.ms;
  for (let ms = 0; ms < seconds * 1000; ms += step) {
    system.ms += step;
    await sampler.read();
  }
  return sampler.over([[from, system.ms]]);
}
const totalOf = (measured: ReturnType<Sampler['over']>, boundary: string) =>
  measured.totals.find((t) => t.boundary === boundary) ?? null;
const mid = (measured: ReturnType<Sampler['over']>, boundary: string) =>
  totalOf(measured, boundary)?.joules?.mid ?? null;

const counter = (o: Partial<Domain> = {}): Domain => ({
  id: 'a',
  source: 'test',
  name: 'a',
  scope: 'package',
  within: null,
  kind: 'counter',
  wrapsAt: null,
  mostWatts: 1000,
  period: 1,
  notes: [],
  ...o,
});

const nvml = (
  cards: {
    name: string;
    pci?: string;
    mig?: boolean;
    energy?: (i: number) => number | null;
    power?: () => number | null;
  }[],
) =>
  ({
    cards: () => cards.map((c, i) => ({ name: c.name, pci: c.pci ?? `0000:0${i}:00.0`, mig: c.mig ?? false })),
    energy: (i) => cards[i]?.energy?.(i) ?? null,
    power: (i) => cards[i]?.power?.() ?? null,
    close: () => undefined,
  }) satisfies NvmlLibrary;

describe('cases', () => {
  it('1: two dies that show one counter count once (codecarbon 1274)', async () => {
    const files = {
      ...INTEL,
      ...zone('intel-rapl:0', 'package-0-die-0', 68),
      ...zone('intel-rapl:1', 'package-0-die-1', 68),
    };
    const system = new FakeSystem('linux', { files });
    const sampler = await open(system);
    expect(mid(await over(system, sampler, 10), 'package')).toBeCloseTo(680, 0);
    // Two sockets that take alike are not one: their counters differ.
    const two = {
      ...INTEL,
      ...zone('intel-rapl:0', 'package-0', 68),
      ...zone('intel-rapl:1', 'package-1', 68, { from: 5e6 }),
    };
    const other = new FakeSystem('linux', { files: two });
    expect(mid(await over(other, await open(other), 10), 'package')).toBeCloseTo(1360, 0);
  });

  it('2: Windows lists a meter a core beside the package (codecarbon PR 1263)', async () => {
    const channels = {
      RAPL_Package0_PKG: 20,
      RAPL_Package0_PP0: 14,
      RAPL_Package0_Core0_CORE: 7,
      RAPL_Package0_Core1_CORE: 7,
      _Total: 48,
    };
    const csv = (ms: number) =>
      `\n"(PDH-CSV 4.0)",${Object.keys(channels)
        .map((c) => `"\\\\PC\\Energy Meter(${c})\\Energy"`)
        .join(',')}\n` +
      `"11/29/2026 10:00:00.000",${Object.values(channels)
        .map((w) => `"${((w * ms) / 1000 / 3600e-12).toFixed(6)}"`)
        .join(',')}\n`;
    const system = new FakeSystem('win32', { tools: { 'typeperf \\Energy Meter(*)\\Energy -sc 1': csv } });
    const sampler = await open(system);
    expect(sampler.domains.map((d) => d.name)).toEqual(['RAPL_Package0_PKG', 'RAPL_Package0_PP0']);
    expect(mid(await over(system, sampler, 5), 'package')).toBeCloseTo(100, 1);
    const virtual = await open(new FakeSystem('win32'));
    expect(report(virtual).text).toMatch(/no energy meter: a virtual machine/);
    expect(metersOf('rubbish')).toEqual(new Map());
  });

  it('3: a platform holds its package, which holds cores; one domain through two registers is one (codecarbon PR 950)', async () => {
    const files = {
      ...INTEL,
      ...zone('intel-rapl:0', 'package-0', 3.8),
      ...zone('intel-rapl:0:0', 'core', 0.8),
      ...zone('intel-rapl:0:1', 'uncore', 0.2),
      ...zone('intel-rapl:1', 'psys', 9.6),
      ...zone('intel-rapl-mmio:0', 'package-0', 3.8),
    };
    const system = new FakeSystem('linux', { files });
    const sampler = await open(system);
    expect(sampler.domains.map((d) => d.id)).toEqual([
      'rapl:package-0',
      'rapl:package-0/core',
      'rapl:package-0/uncore',
      'rapl:psys',
    ]);
    const measured = await over(system, sampler, 10);
    expect(mid(measured, 'package')).toBeCloseTo(38, 1);
    expect(mid(measured, 'device')).toBeCloseTo(96, 1);
  });

  it('4: a card without an energy counter is unknown and then integrated, never 0 (codecarbon 1316)', async () => {
    const libraries = { nvml: nvml([{ name: 'old', power: () => 150_000 }, { name: 'mute' }]) };
    const system = new FakeSystem('linux', { libraries });
    const sampler = await open(system);
    expect(sampler.domains.map((d) => d.kind)).toEqual(['power']);
    expect(report(sampler).text).toMatch(/mute: this card tells neither energy nor power/);
    expect(mid(await over(system, sampler, 10), 'gpu')).toBeCloseTo(1500, 0);
  });

  it('5: of eight cards only the one that the page uses counts (codecarbon 567)', async () => {
    const system = new FakeSystem('linux', {});
    const cards = Array.from({ length: 8 }, (_, i) => ({ name: `card ${i}`, energy: () => (i + 1) * 10 * system.ms }));
    Object.assign(system, { library: (name: string) => Promise.resolve(name === 'nvml' ? nvml(cards) : null) });
    const sampler = await open(system);
    const measured = await over(system, sampler, 10);
    expect(totalOf(measured, 'gpu')).toBe(null);
    expect(measured.domains).toHaveLength(8);
    const chosen = sampler
      .over([[system.ms - 5000, system.ms]], '0000:02:00.0')
      .totals.find((t) => t.boundary === 'gpu');
    expect(chosen?.domains).toEqual(['nvidia:2']);
    expect(chosen?.joules?.mid).toBeCloseTo(150, 0);
  });

  it("6: a reader moves no other reader's baseline: windows are differences of one cumulative counter (codecarbon 851)", async () => {
    const system = new FakeSystem('linux', { files: { ...INTEL, ...zone('intel-rapl:0', 'package-0', 20) } });
    const sampler = await open(system);
    await sampler.read();
    const from = system.ms;
    for (let i = 0; i < 40; i++) {
      system.ms += 100;
      await sampler.read();
      // Somebody else asks for a window of his own in between.
      sampler.over([[system.ms - 100, system.ms]]);
    }
    expect(mid(sampler.over([[from, system.ms]]), 'package')).toBeCloseTo(80, 1);
  });

  it('7: a tiny step is no megawatt, and a counter that fell is a hole with a flag (codecarbon documentation)', () => {
    const steps = new Track(counter({ period: 100 }));
    // 100 ms of energy are published at once, half a millisecond after a reading.
    for (const [at, joules] of [
      [0, 0],
      [100, 5],
      [199.5, 5],
      [200, 10],
      [300, 15],
    ] as const)
      steps.add({ at, joules, watts: null });
    expect(steps.between(0, 300)).toMatchObject({ mid: 15, flags: [] });
    const reset = new Track(counter());
    for (const [at, joules] of [
      [0, 900],
      [100, 902],
      [200, 1],
      [300, 3],
    ] as const)
      reset.add({ at, joules, watts: null });
    expect(reset.between(0, 300)).toBe(null);
    expect(reset.between(200, 300)?.mid).toBeCloseTo(2);
    const wild = new Track(counter({ mostWatts: 300 }));
    for (const [at, joules] of [
      [0, 0],
      [100, 5],
      [200, 250_005],
      [300, 250_010],
    ] as const)
      wild.add({ at, joules, watts: null });
    expect(wild.between(0, 300)).toBe(null);
    expect(wild.between(200, 300)?.mid).toBeCloseTo(5);
  });

  it('8: slices of a card share its counter, which is said; ids are opaque (zeus 109)', async () => {
    const system = new FakeSystem('linux', {});
    Object.assign(system, {
      library: (name: string) =>
        Promise.resolve(
          name === 'nvml'
            ? nvml([{ name: 'A100', mig: true, pci: 'MIG-GPU-6f/1/0', energy: () => 300 * system.ms }])
            : null,
        ),
    });
    const sampler = await open(system);
    const total = totalOf(await over(system, sampler, 10), 'gpu');
    expect(total?.joules?.mid).toBeCloseTo(3000, 0);
    expect(total?.notes.join()).toMatch(/whole card: several slices/);
  });

  it('9: zones go by their names, and what a superchip counts is said to be unsure (zeus 242)', async () => {
    const files = { ...INTEL, ...zone('intel-rapl:0', 'package-1', 30), ...zone('intel-rapl:1', 'package-0', 10) };
    const system = new FakeSystem('linux', {
      files,
      libraries: { nvml: nvml([{ name: 'NVIDIA GH200 480GB', energy: () => 1 }]) },
    });
    const sampler = await open(system);
    const measured = await over(system, sampler, 10);
    expect(measured.domains.find((d) => d.name === 'package-1')?.span?.mid).toBeCloseTo(300, 0);
    expect(sampler.domains.find((d) => d.scope === 'gpu')?.notes.join()).toMatch(/depends on the driver/);
  });

  it('10: the period of a counter is found by watching it (zeus 261)', () => {
    for (const period of [20, 100, 500]) {
      const track = new Track(counter({ period: null }));
      for (let at = 0; at < 60_000; at += 10)
        track.add({ at, joules: Math.floor(at / period) * period * 0.05, watts: null });
      expect(track.period).toBeCloseTo(period, 0);
    }
    expect(new Track(counter({ period: null })).period).toBe(null);
  });

  it("11: a window shorter than a counter's step cannot be told, and its interval says so (zeus 215)", async () => {
    const system = new FakeSystem('linux', {});
    // 200 W, published every 100 ms.
    Object.assign(system, {
      library: (name: string) =>
        Promise.resolve(
          name === 'nvml' ? nvml([{ name: 'card', energy: () => Math.floor(system.ms / 100) * 20_000 }]) : null,
        ),
    });
    const sampler = await open(system);
    await over(system, sampler, 5);
    const span = sampler.over([[system.ms - 1030, system.ms - 1010]]).domains[0]?.span;
    expect(span?.low).toBe(0);
    expect(span?.high).toBeGreaterThanOrEqual(4);
    const long = sampler.over([[system.ms - 4030, system.ms - 1010]]).domains[0]?.span;
    expect(long?.low).toBeLessThanOrEqual(604);
    expect(long?.high).toBeGreaterThanOrEqual(604);
    // At each end a reading and an update, 20 J each, are open at most.
    expect((long?.high ?? 0) - (long?.low ?? 0)).toBeLessThan(80);
  });

  it("12: a Jetson's monitor under either path, mV times mA (zeus 226)", async () => {
    const at = '/sys/class/hwmon/hwmon1';
    const files = {
      [`${at}/name`]: 'ina3221\n',
      [`${at}/in1_label`]: 'VDD_IN\n',
      [`${at}/in1_input`]: '5000\n',
      [`${at}/curr1_input`]: '1600\n',
      [`${at}/in2_label`]: 'VDD_CPU_GPU_CV\n',
      [`${at}/in2_input`]: '5000\n',
      [`${at}/curr2_input`]: '500\n',
    };
    const system = new FakeSystem('linux', { files });
    const measured = await over(system, await open(system), 10);
    expect(mid(measured, 'device')).toBeCloseTo(80, 1);
    expect(mid(measured, 'package')).toBeCloseTo(25, 1);
    const old = '/sys/bus/i2c/drivers/ina3221x/1-0040/iio:device0';
    const older = new FakeSystem('linux', {
      files: { [`${old}/in_power0_input`]: '8000\n', [`${old}/rail_name_0`]: 'POM_5V_IN\n' },
    });
    expect(mid(await over(older, await open(older), 10), 'device')).toBeCloseTo(80, 1);
  });

  it('13: a counter that stands still is flagged, and the whole system is offered (macmon 76)', async () => {
    const line = JSON.stringify({ cpu_power: 0, gpu_power: 9, ane_power: 0, sys_power: 24, all_power: 9 });
    const system = new FakeSystem('darwin', { tools: { 'macmon pipe -s 1 -i 100': line } });
    const measured = await over(system, await open(system), 10);
    const cpu = measured.domains.find((d) => d.name === 'cpu_power')?.span;
    expect([cpu?.mid, cpu?.flags]).toEqual([0, ['standstill']]);
    expect(mid(measured, 'device')).toBeCloseTo(240, 0);
  });

  it('14: readers between two publications see neither 0 nor double (all-smi 410)', () => {
    const track = new Track(counter({ period: null, mostWatts: 200 }));
    let [published, next] = [0, 0];
    for (let at = 0; at <= 60_000; at += 1000) {
      while (next <= at) {
        published = next * 0.03;
        next += 2030 + ((next * 7) % 200);
      }
      track.add({ at, joules: published, watts: null });
    }
    const span = track.between(10_000, 50_000);
    expect(Math.abs((span?.mid ?? 0) - 1200)).toBeLessThan(80);
    expect(span?.low).toBeLessThanOrEqual(1200);
    expect(span?.high).toBeGreaterThanOrEqual(1200);
  });

  it('15: channels go by their whole names (all-smi 412)', () => {
    const many = Object.fromEntries(Array.from({ length: 334 }, (_, i) => [`cpu_power_${i}`, 0.3]));
    expect([...(macmonOf(JSON.stringify({ ...many, cpu_power: 36 })) ?? [])]).toEqual([['apple:cpu_power', 36]]);
    expect(macmonOf('[]')?.size).toBe(0);
    expect(macmonOf('not json')).toBe(null);
  });

  it("16: an average over a report's own time, no moment taken for one (macmon 10)", () => {
    const plist =
      '<dict><key>elapsed_ns</key><integer>203456789</integer><key>processor</key><dict>' +
      '<key>cpu_power</key><real>2345.5</real><key>gpu_power</key><integer>120</integer></dict></dict>';
    expect(powermetricsOf(plist)).toEqual({
      ms: 203.456789,
      watts: new Map([
        ['apple:cpu_power', 2.3455],
        ['apple:gpu_power', 0.12],
      ]),
    });
    expect(powermetricsOf('<dict></dict>')).toBe(null);
  });

  it("17: beside a processor's counter an APU's graphics sensor is not believed (MangoHud 1874)", async () => {
    const at = '/sys/class/hwmon/hwmon3';
    const files = {
      ...INTEL,
      ...zone('intel-rapl:0', 'package-0', 28),
      [`${at}/name`]: 'amdgpu\n',
      [`${at}/power1_average`]: '12000\n',
      [`${at}/device/mem_info_vram_total`]: `${512 * 2 ** 20}\n`,
    };
    const system = new FakeSystem('linux', { files });
    const sampler = await open(system);
    const measured = await over(system, sampler, 10);
    expect(mid(measured, 'package')).toBeCloseTo(280, 0);
    expect(totalOf(measured, 'gpu')).toBe(null);
    expect(report(sampler).text).toMatch(/a processor counter is better/);
  });

  it('18: a counter wraps where its zone says (scaphandre 280)', async () => {
    // 65 kJ, as on AMD: 234 s at 280 W.
    const files = { ...INTEL, ...zone('intel-rapl:0', 'package-0', 280, { range: 65_532_610_987, from: 60_000e6 }) };
    const system = new FakeSystem('linux', { files });
    const sampler = await open(system);
    const measured = await over(system, sampler, 300);
    expect(mid(measured, 'package')).toBeCloseTo(84_000, 0);
    expect(totalOf(measured, 'package')?.flags).toEqual(['wrap']);
    expect(sampler.keepAlive).toBeLessThan(234_000 / 2);
  });

  it('19: a virtual machine has no counter, and bare metal without one is not called one (kepler 2280)', async () => {
    const virtual = new FakeSystem('linux', {
      files: { '/proc/cpuinfo': 'vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor\n' },
    });
    const sampler = await open(virtual);
    expect(report(sampler)).toMatchObject({
      found: false,
      text: expect.stringMatching(/no counter: this is a virtual machine/) as string,
    });
    expect((await over(virtual, sampler, 1)).totals).toEqual([]);
    const metal = report(await open(new FakeSystem('linux', { files: INTEL }))).text;
    expect(metal).not.toMatch(/virtual/);
    expect(metal).toMatch(/sudo modprobe intel_rapl_common/);
  });

  it('20: every total says what it holds (kepler 1349)', async () => {
    const system = new FakeSystem('linux', { files: { ...INTEL, ...zone('intel-rapl:0', 'package-0', 12) } });
    const total = totalOf(await over(system, await open(system), 10), 'package');
    expect(total?.boundary).toBe('package');
    expect(total?.notes.join()).toMatch(/a wall meter shows more/);
  });

  it('21: what is denied is named with one command, never silently less (zeus PR 118)', async () => {
    const files = {
      ...INTEL,
      ...zone('intel-rapl:0', 'package-0', 12),
      '/sys/class/powercap/intel-rapl:0/energy_uj': { fault: 'denied' as const },
    };
    const { text, found } = report(await open(new FakeSystem('linux', { files })));
    expect(found).toBe(false);
    expect(text).toMatch(/package-0: only root may read this counter\n {10}allow it: sudo chmod a\+r/);
  });

  it('22: powercap without performance events and the reverse (hwpc-sensor 20)', async () => {
    const root = '/sys/bus/event_source/devices/power';
    const events = {
      [`${root}/type`]: '23\n',
      [`${root}/cpumask`]: '0\n',
      [`${root}/events/energy-pkg`]: 'event=0x02\n',
      [`${root}/events/energy-pkg.scale`]: '2.3283064365386962890625e-10\n',
      [`${root}/events/energy-pkg.unit`]: 'Joules\n',
    };
    const system = new FakeSystem('linux', { files: { ...INTEL, ...events } });
    const library: PerfLibrary = {
      open: () => ({ read: () => BigInt(Math.round((system.ms / 1000) * 15 * 2 ** 32)), close: () => undefined }),
    };
    Object.assign(system, { library: (name: string) => Promise.resolve(name === 'perf' ? library : null) });
    expect(mid(await over(system, await open(system), 10), 'package')).toBeCloseTo(150, 1);
    const both = new FakeSystem('linux', { files: { ...INTEL, ...events, ...zone('intel-rapl:0', 'package-0', 15) } });
    Object.assign(both, {
      library: (name: string) =>
        Promise.resolve(
          name === 'perf'
            ? {
                open: () => ({
                  read: () => BigInt(Math.round((both.ms / 1000) * 15 * 2 ** 32)),
                  close: () => undefined,
                }),
              }
            : null,
        ),
    });
    // Two ways to one counter are counted once.
    expect(mid(await over(both, await open(both), 10), 'package')).toBeCloseTo(150, 1);
    const denied: PerfLibrary = {
      open: () => {
        throw new SystemFault('denied', 'no');
      },
    };
    const closed = new FakeSystem('linux', { files: { ...INTEL, ...events }, libraries: { perf: denied } });
    expect(report(await open(closed)).text).toMatch(/sudo sysctl kernel\.perf_event_paranoid=0/);
  });

  it('23: an AMD processor that counts and has no zone is told apart; reads never miss a wrap (energymon 53)', async () => {
    const files = { '/proc/cpuinfo': 'vendor_id\t: AuthenticAMD\ncpu family\t: 26\nflags\t\t: fpu\n' };
    expect(report(await open(new FakeSystem('linux', { files }))).text).toMatch(/AMD family 1Ah\), though it counts/);
    const system = new FakeSystem('linux', {
      files: { ...INTEL, ...zone('intel-rapl:0', 'package-0', 280, { range: 65_532_610_987 }) },
    });
    const sampler = await open(system);
    await sampler.read();
    const from = system.ms;
    // An hour at no more than the keep-alive rate.
    while (system.ms - from < 3_600_000) {
      system.ms += sampler.keepAlive ?? 0;
      await sampler.read();
    }
    expect(sampler.track('rapl:package-0')?.total).toBeCloseTo((280 * (system.ms - 120)) / 1000, -2);
  });

  it("24: a card's counter and its power can be held against each other; the counter is what is used (llm-energy-bench)", async () => {
    const system = new FakeSystem('linux', {});
    const card = { name: 'RTX 5060 Laptop', energy: () => 60 * system.ms, power: () => 100_000 };
    Object.assign(system, { library: (name: string) => Promise.resolve(name === 'nvml' ? nvml([card]) : null) });
    const sampler = await open(system);
    const measured = await over(system, sampler, 10);
    expect(sampler.domains[0]?.kind).toBe('counter');
    expect(sampler.domains[0]?.notes.join()).toMatch(/its power and its energy counter disagree/);
    expect(mid(measured, 'gpu')).toBeCloseTo(600, 0);
  });

  it('27: the best source that works is used, and named (codecarbon 500)', async () => {
    const files = {
      ...INTEL,
      ...zone('intel-rapl:0', 'package-0', 12),
      '/sys/class/power_supply/BAT0/type': 'Battery\n',
      '/sys/class/power_supply/BAT0/status': 'Discharging\n',
      '/sys/class/power_supply/BAT0/power_now': '21000000\n',
    };
    const system = new FakeSystem('linux', { files });
    const sampler = await open(system);
    const measured = await over(system, sampler, 10);
    expect(totalOf(measured, 'package')?.domains).toEqual(['rapl:package-0']);
    expect(totalOf(measured, 'device')?.domains).toEqual(['battery:BAT0']);
    expect(mid(measured, 'device')).toBeCloseTo(210, 0);
  });

  it('16, sibling: what costs a program is read once a second, and whenever a window ends', async () => {
    const tool = 'macmon pipe -s 1 -i 100';
    const system = new FakeSystem('darwin', { tools: { [tool]: JSON.stringify({ cpu_power: 4, sys_power: 24 }) } });
    const sampler = await open(system);
    const asked = () => system.asked.filter((a) => a === tool).length;
    await sampler.read();
    const [from, before] = [system.ms, asked()];
    for (let i = 0; i < 103; i++) {
      system.ms += 100;
      await sampler.read();
    }
    expect(asked() - before).toBeLessThanOrEqual(11);
    expect(mid(sampler.over([[from, system.ms]]), 'device')).toBe(null);
    await sampler.cover(system.ms);
    await sampler.cover(system.ms - 50);
    expect(mid(sampler.over([[from, system.ms]]), 'device')).toBeCloseTo(24 * 10.3, 5);
    expect(asked() - before).toBeLessThanOrEqual(12);
  });

  it('27, sibling: two batteries feed one machine in turn; while one charges nothing can be told', async () => {
    const at = '/sys/class/power_supply';
    const own = (name: string, status: string, microwatts: number) => ({
      [`${at}/${name}/type`]: 'Battery\n',
      [`${at}/${name}/status`]: `${status}\n`,
      [`${at}/${name}/power_now`]: `${microwatts}\n`,
    });
    const watts = async (files: Record<string, string>) => {
      const system = new FakeSystem('linux', { files });
      return mid(await over(system, await open(system), 10), 'device');
    };
    expect(await watts({ ...own('BAT0', 'Discharging', 12e6), ...own('BAT1', 'Unknown', 0) })).toBeCloseTo(120, 0);
    expect(await watts({ ...own('BAT0', 'Discharging', 12e6), ...own('BAT1', 'Discharging', 5e6) })).toBeCloseTo(
      170,
      0,
    );
    expect(await watts({ ...own('BAT0', 'Discharging', 12e6), ...own('BAT1', 'Charging', 5e6) })).toBe(null);
    expect(await watts({ ...own('BAT0', 'Full', 0) })).toBe(null);
  });

  it('28: rails of a Raspberry Pi 5 are the board without its supply (Pi5-LLM-Energy-Benchmark)', async () => {
    const text =
      '    3V7_WL_SW_A current(0)=0.09A\n     VDD_CORE_A current(7)=2.5A\n     3V7_WL_SW_V volt(8)=3.7V\n     VDD_CORE_V volt(15)=0.8V\n         EXT5V_V volt(24)=5.1V\n';
    expect(wattsOf(text)).toBeCloseTo(0.09 * 3.7 + 2.5 * 0.8);
    const system = new FakeSystem('linux', {
      files: { '/proc/device-tree/model': 'Raspberry Pi 5 Model B Rev 1.0\0' },
      tools: { 'vcgencmd pmic_read_adc': text },
    });
    const total = totalOf(await over(system, await open(system), 10), 'device');
    expect(total?.joules?.mid).toBeCloseTo(23.33, 1);
    expect(total?.notes.join()).toMatch(/board without supply/);
    const four = await open(
      new FakeSystem('linux', { files: { '/proc/device-tree/model': 'Raspberry Pi 4 Model B' } }),
    );
    expect(report(four).text).toMatch(/Raspberry Pi 4 Model B: this board has no sensor of power/);
  });

  it('every other number has its assertion elsewhere', () => {
    // 25 and 26: rank/evidence (load, drift between sittings); 29: record.test.ts (two columns); 30: profile of a browser.
    expect(domainsOf([], 'package')).toEqual([]);
    expect(rowsOf('0, NVIDIA A100, 00000000:01:00.0, [N/A], 71.20, Disabled\n')).toEqual([
      { index: 0, name: 'NVIDIA A100', bus: '00000000:01:00.0', watts: 71.2, mig: false },
    ]);
  });
});
