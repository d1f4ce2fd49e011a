import { forEachEnd } from '../meter/model';
import { mainReadings, sumReadings } from '../meter/readings';
import { oneSampler, samplerWarnings } from '../meter/sources/sampler';
import { TIERS, type Range, type Reading } from '../schema/run';
import { fromSnapshot, savesEvery, toSnapshot, type Snapshot } from '../tune/snapshot';
import type { TuneState } from '../tune/trainer';
import type { AdapterStore } from '../variant/tuned';
import type { TrainingHost, Trained } from './training';

/** A training that may be interrupted at any moment and goes on with the same bits. */

/** Behind the key of what is trained: its state while it is under way. */
export const UNDER_WAY = '.part';

/** What training took so far, and what says so. */
export interface Spent extends Pick<Reading, 'tier' | 'boundary' | 'source'> {
  seconds: number;
  joules: Range | null;
}

const NOTHING: Spent = { seconds: 0, joules: null, tier: 'profile', boundary: 'device', source: 'unknown' };

/** What training took by its meter, and by those of the runs that it was interrupted in. */
export async function spentIn(meter: TrainingHost['meter'], before: Spent | null): Promise<Spent> {
  const now = mainReadings(sumReadings(oneSampler(await meter.read()))).find(({ phase }) => phase === 'train');
  return now ? together(before, now) : (before ?? NOTHING);
}

/** What is to be said of a training whose sampler could not tell all of its joules. */
export const untoldIn = async (meter: TrainingHost['meter']) => samplerWarnings(oneSampler(await meter.read()));

/** Both together: joules are null where those of one are unknown, and no surer than the less sure of the two. */
function together(a: Spent | null, { seconds, joules, tier, boundary, source }: Spent): Spent {
  const b = { seconds, joules, tier, boundary, source };
  if (!a || a.seconds === 0) return b;
  const earlier = a.joules;
  const less = TIERS.indexOf(a.tier) > TIERS.indexOf(tier) ? a : b;
  return {
    seconds: a.seconds + seconds,
    joules: earlier && joules && forEachEnd((end) => earlier[end] + joules[end]),
    tier: less.tier,
    boundary: less.boundary,
    source: a.source === source ? source : `${a.source}, then ${source}`.slice(0, 200),
  };
}

/** What is kept of one under way. */
interface UnderWay {
  snapshot: Snapshot['head'];
  spent: Spent;
}

/** Milliseconds between two snapshots. */
const SNAPSHOT_MS = 10_000;

/** Trains, goes on where an interrupted run left a snapshot, and leaves snapshots itself. */
export async function trainOn(
  key: string,
  train: (more: Pick<TrainingHost, 'resume' | 'onState'>) => Promise<Trained>,
  { keeping, meter }: Pick<TrainingHost, 'meter'> & { keeping: AdapterStore | null },
): Promise<{ trained: Trained; before: Spent | null }> {
  const left = (await keeping?.read(key)) as { head: UnderWay; numbers: Snapshot['numbers'] } | null | undefined;
  // States from before sources were kept were priced by a profile.
  const before = left ? { ...NOTHING, ...left.head.spent } : null;
  const keep = async (state: TuneState) => {
    const { head, numbers } = toSnapshot(state);
    await meter.settle();
    await keeping?.write(key, {
      head: { snapshot: head, spent: await spentIn(meter, before) } satisfies UnderWay,
      numbers,
    });
  };
  const trained = await train({
    resume: left ? (size) => fromSnapshot({ head: left.head.snapshot, numbers: left.numbers }, size) : null,
    onState: savesEvery(SNAPSHOT_MS, keep),
  });
  if (trained.end === 'stopped') await keep(trained.state);
  return { trained, before };
}
