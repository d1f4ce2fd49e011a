import { ENGINE } from '../../schema/engines';
import { ANSWERING, PHASES, type Phase, type Reading, type RunRecord } from '../../schema/run';
import { FIREFOX, type CountedPower } from './counters';
import type { MarkedRun } from './file';
import { joulesOver } from './over';

/** Why a marked run gets no joules of a profile: it is not here, a package does not count what computed it, no window is covered. */
export const UNTOLD = ['gone', 'graphics', 'uncovered'] as const;
export type Untold = (typeof UNTOLD)[number];

/** Share, and seconds, by which a phase's marks and its metered time may differ: rounding, and no lost mark. */
const SAME = { share: 1e-3, seconds: 1e-4 };

const isOfProfile = ({ source }: Reading) => source.startsWith(FIREFOX);

/** Seconds of start and end pairs in milliseconds. */
function secondsOf(spans: readonly number[]): number {
  let ms = 0;
  for (let i = 0; i + 1 < spans.length; i += 2) ms += (spans[i + 1] as number) - (spans[i] as number);
  return ms / 1000;
}

/** The reading of a phase that saw most of it: what one source did not meter, another may have. */
const longest = (readings: readonly Reading[], phase: Phase): Reading | null =>
  readings
    .filter((r) => r.phase === phase)
    .reduce<Reading | null>((a, b) => (a && a.seconds >= b.seconds ? a : b), null);

/**
 * Whether a package counts what computed the run: always on a processor; on graphics only where they are part of the
 * package, as the run's power profile says.
 */
function countsWhatComputed({ engine, device, phases }: RunRecord, counted: CountedPower): boolean {
  const on = ENGINE[engine].device;
  if (on === 'cpu' || (on === 'either' && device.gpu === null)) return true;
  return counted.wholePackage && phases.some((r) => r.tier === 'profile' && r.boundary === 'package');
}

/**
 * A run's readings with those of a profile beside them, in place of what an earlier profile said; or why there are none.
 * Every phase of the run gets one, with null joules where the profile does not cover it or lacks marks of it.
 * @param tries all that the profile holds of this run: measured again, its record keeps what opening took the first time
 */
export function withProfile(
  run: RunRecord,
  tries: readonly MarkedRun[],
  counted: CountedPower,
): { phases: Reading[]; whole: boolean } | Untold {
  const kept = tries.find(({ startedAt }) => startedAt === run.startedAt);
  if (!kept) return 'gone';
  if (!countsWhatComputed(run, counted)) return 'graphics';
  const others = run.phases.filter((r) => !isOfProfile(r));
  const joulesOf = ({ phase, seconds }: Reading) => {
    for (const { spans, pid } of ANSWERING.has(phase) ? [kept] : [kept, ...tries]) {
      const own = spans.get(phase);
      if (own && Math.abs(secondsOf(own) - seconds) <= SAME.share * seconds + SAME.seconds)
        return joulesOver(counted, own, pid);
    }
    return null;
  };
  const own = PHASES.flatMap((phase): Reading[] => {
    const beside = longest(others, phase);
    // Net of idle by the idle windows of all runs of the profile: whoever has them takes it off (`meter/idle.ts`).
    const counter = { netJoules: null, tier: 'counter', boundary: 'package', source: counted.source } as const;
    return beside ? [{ ...beside, ...counter, joules: joulesOf(beside) }] : [];
  });
  if (own.every(({ joules }) => joules === null)) return 'uncovered';
  return { phases: [...others, ...own], whole: own.every(({ joules, phase }) => joules !== null || phase === 'idle') };
}
