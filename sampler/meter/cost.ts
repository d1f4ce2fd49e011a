import { Ticker } from './clock';
import { Conditions } from './conditions';
import type { Sampler } from './sampler';

/** What sampling costs while somebody asks. */
export interface SamplingCost {
  /** Processor time of this process over the time that went by: 0.01 is a hundredth of one core. Tools that a source starts are not in it. */
  core: number;
  /** Mean milliseconds of one reading of all. */
  reading: number | null;
  readings: number;
  seconds: number;
}

/** What reading as often as for a page takes of this machine, over so many milliseconds. */
export async function costOf(sampler: Sampler, ms: number, wait: (ms: number) => Promise<void>): Promise<SamplingCost> {
  const ticker = new Ticker(sampler, new Conditions());
  const before = sampler.rounds;
  const cpu = process.cpuUsage();
  const start = performance.now();
  ticker.asked();
  ticker.start();
  await wait(ms);
  ticker.end();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  return {
    core: (user + system) / 1e6 / seconds,
    reading: sampler.cost,
    readings: sampler.rounds - before,
    seconds,
  };
}
