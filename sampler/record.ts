import { spawn } from 'node:child_process';
import type { Conditions } from './meter/conditions';
import type { Measured, Sampler } from './meter/sampler';
import { Ticker } from './meter/clock';

export interface Recorded extends Measured {
  command: string[];
  exit: number;
  seconds: number;
  /** Of each domain over as long a time before the command, at most three seconds: what the machine takes anyway. */
  idle: Measured;
  idleSeconds: number;
  busy: number | null;
}

const IDLE_MS = 3000;

/** Joules of a command, from its start to its end, and of the idle time before it. */
export async function record(
  sampler: Sampler,
  conditions: Conditions,
  command: readonly string[],
  wait: (ms: number) => Promise<void>,
): Promise<Recorded> {
  const ticker = new Ticker(sampler, conditions);
  const now = () => sampler.system.now();
  await sampler.cover(now());
  const idleFrom = now();
  ticker.asked();
  ticker.start();
  await wait(IDLE_MS);
  await sampler.cover(now());
  const from = now();
  const [program = '', ...args] = command;
  const exit = await new Promise<number>((resolve) => {
    const child = spawn(program, args, { stdio: ['inherit', process.stderr, 'inherit'] });
    child.once('error', (error) => {
      process.stderr.write(`${program} could not be started: ${error.message}\n`);
      resolve(127);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const to = now();
  await sampler.cover(to);
  ticker.end();
  return {
    command: [...command],
    exit,
    seconds: (to - from) / 1000,
    ...sampler.over([[from, to]]),
    idle: sampler.over([[idleFrom, from]]),
    idleSeconds: (from - idleFrom) / 1000,
    busy: conditions.between(from, to).busy,
  };
}

const joules = (x: number) => (x >= 1000 ? `${(x / 1000).toFixed(2)} kJ` : `${x.toFixed(x < 10 ? 2 : 1)} J`);

/** The record as a table: gross and net of idle are two columns, never one. */
export function table(r: Recorded): string {
  const rows = [['what', 'joules (interval)', 'watts', 'net of idle', 'notes']];
  for (const total of r.totals) {
    const idle = r.idle.totals.find((t) => t.boundary === total.boundary)?.joules ?? null;
    const j = total.joules;
    const net = j && idle ? j.mid - (idle.mid / r.idleSeconds) * r.seconds : null;
    rows.push([
      `${total.boundary} (${total.domains.join(' + ')})`,
      j ? `${joules(j.mid)} (${joules(j.low)}-${joules(j.high)})` : 'unknown',
      j ? (j.mid / r.seconds).toFixed(1) : '',
      net === null ? 'unknown' : joules(net),
      [...total.flags, ...total.notes].join('; '),
    ]);
  }
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
