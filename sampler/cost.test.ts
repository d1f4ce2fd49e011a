import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { costOf } from './meter/cost';
import { Sampler } from './meter/sampler';
import { systemAt } from './real';
import { report } from './doctor';
import { sourcesWith } from './sources/index';
import { parseWall } from './sources/wall';
import { INTEL, zone, type Scripted } from './testing';

const root = mkdtempSync(join(tmpdir(), 'joulewise-sampler-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const saidAt = (said: Scripted, ms: number) => {
  const now = typeof said === 'function' ? said(ms) : said;
  if (typeof now !== 'string') throw new Error('A file of this machine has a text.');
  return now;
};

/** Two sockets with core and memory inside, as files, and a meter's own file elsewhere. */
function machine(): string {
  const files: Record<string, Scripted> = {
    ...INTEL,
    ...[0, 1].reduce(
      (all, s) => ({
        ...all,
        ...zone(`intel-rapl:${s}`, `package-${s}`, 30),
        ...zone(`intel-rapl:${s}:0`, 'core', 20),
        ...zone(`intel-rapl:${s}:1`, 'dram', 5),
      }),
      {},
    ),
  };
  for (const [path, said] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), saidAt(said, 1000));
  }
  const meter = join(root, 'meter.csv');
  writeFileSync(meter, 'time,total\n2026-11-30T00:00:00Z,0.001\n');
  appendFileSync(meter, '2026-11-30T00:00:01Z,0.002\n');
  return meter;
}

describe('a machine whose files are elsewhere', () => {
  it('is read there, its reading is timed, and the doctor says what it costs', async () => {
    const sampler = await Sampler.open(systemAt(root), sourcesWith([parseWall(`kWh:total@${machine()}`)]), (ms) =>
      wait(ms),
    );
    expect(sampler.domains.filter(({ source }) => source === 'rapl')).toHaveLength(6);
    expect(sampler.domains.some(({ source }) => source === 'wall')).toBe(true);
    const cost = await costOf(sampler, 1000, (ms) => wait(ms));
    expect(cost.readings).toBeGreaterThan(1);
    expect(cost.core).toBeGreaterThan(0);
    expect(report(sampler, cost).text).toMatch(/Reading as often as for a page takes \d+\.\d\d % of one core/);
    await sampler.close();
  });
});
