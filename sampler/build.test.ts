import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const elsewhere = mkdtempSync(join(tmpdir(), 'joulewise-one-file-'));
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

describe('the sampler as one file', () => {
  it('runs without the house: it meters a command by a meter in the plug, and refuses what it does not know', () => {
    execFileSync(process.execPath, [fileURLToPath(new URL('build.mjs', import.meta.url))], { stdio: 'pipe' });
    const file = join(elsewhere, 'joulewise-sampler.cjs');
    copyFileSync(new URL('dist/joulewise-sampler.cjs', import.meta.url), file);
    const meter = join(elsewhere, 'meter.csv');
    writeFileSync(meter, 'time,total\n2026-11-30T00:00:00Z,1.000\n2026-11-30T00:00:01Z,1.001\n');
    const ask = (...args: string[]) =>
      spawnSync(process.execPath, [file, ...args], { cwd: elsewhere, encoding: 'utf8' });
    const doctor = ask('doctor', '--wall', `kWh:total@${meter}`);
    expect(doctor.stdout).toMatch(/reads +\S*meter\.csv/);
    expect(doctor.status).toBe(0);
    const recorded = ask('record', '--wall', `kWh:total@${meter}`, '--', process.execPath, '-e', 'process.exit(4)');
    expect(recorded.stdout).toMatch(/what +joules \(interval\)/);
    expect(recorded.status).toBe(4);
    expect(ask('dance').status).toBe(2);
  }, 60_000);
});
