import { JoulewiseError, quote } from '../../core/errors';
import { groupBy } from '../../core/group';
import { netOfRest, wattsAtRest } from '../../meter/idle';
import { withProfile } from '../../meter/firefox/attach';
import { countedPower } from '../../meter/firefox/counters';
import { readProfile, type ProfileFile } from '../../meter/firefox/file';
import { getRun, replaceReadings, runIdsFrom, type NewReadings } from '../../store/db';
import type { Attached } from './protocol';

/** Puts the joules of a profile beside those of the stored runs that it holds marks of: all of them change, or none. */
export async function attachProfile(file: ProfileFile): Promise<Attached> {
  const { counters, runs } = await readProfile(file);
  const counted = countedPower(counters);
  if (!counted)
    throw new JoulewiseError(
      'input.empty',
      `${quote(file.name)} holds no counter of the processor’s energy. Record with the preset Power, on Windows 11, on a Mac, or on Linux where perf may read energy (sysctl kernel.perf_event_paranoid=0).`,
    );
  if (runs.length === 0)
    throw new JoulewiseError(
      'input.empty',
      `${quote(file.name)} holds no marks of Joulewise. Start the profiler in the Firefox that runs it, run, and capture the profile only when the run has ended.`,
    );
  const untold = { gone: 0, graphics: 0, uncovered: 0 };
  const changes: NewReadings[] = [];
  let partly = 0;
  for (const [prefix, marked] of groupBy(runs, ({ plan }) => plan)) {
    const ids = await runIdsFrom(prefix);
    const own: NewReadings[] = [];
    for (const [unit, tries] of groupBy(marked, (run) => run.unit)) {
      const id = ids.find((own) => own.slice(own.indexOf('/') + 1) === unit);
      const run = id === undefined ? null : await getRun(id);
      const told = run ? withProfile(run, tries, counted) : 'gone';
      if (typeof told === 'string') untold[told]++;
      else if (run) {
        own.push({ id: run.id, plan: run.plan, startedAt: run.startedAt, phases: told.phases });
        if (!told.whole) partly++;
      }
    }
    // Only first slices have a window of rest; what it told holds for all of the plan.
    const rest = wattsAtRest(own.flatMap(({ phases }) => phases.filter(({ source }) => source === counted.source)));
    changes.push(...own.map((change) => ({ ...change, phases: netOfRest(change.phases, rest) })));
  }
  await replaceReadings(changes);
  return {
    whole: changes.length - partly,
    partly,
    untold,
    source: counted.source,
    plans: [...new Set(changes.map(({ plan }) => plan))],
  };
}
