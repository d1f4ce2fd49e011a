import { mainReadings } from '../meter/readings';
import type { Range, Reading } from '../schema/run';
import { fromSnapshot, savesEvery, toSnapshot, type Snapshot } from '../tune/snapshot';
import type { TuneState } from '../tune/trainer';
import type { AdapterStore } from '../variant/tuned';
import type { TrainingHost, Trained } from './training';

/** A training that may be interrupted at any moment and goes on with the same bits. */

/** Behind the key of what is trained: its state while it is under way. */
export const UNDER_WAY = '.part';

/** What training took so far. */
export interface Spent {
  seconds: number;
  joules: Range | null;
}

/** Seconds and joules of training, by its meter. */
export const spentIn = async (meter: TrainingHost['meter']) =>
  mainReadings(await meter.read()).find(isTraining) ?? null;
const isTraining = ({ phase }: Reading) => phase === 'train';

/** Both together; null where one is unknown. */
export const plus = (a: Range | null, b: Range | null): Range | null =>
  a && b && { low: a.low + b.low, mid: a.mid + b.mid, high: a.high + b.high };

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
  const before = left?.head.spent ?? null;
  const keep = async (state: TuneState) => {
    const { head, numbers } = toSnapshot(state);
    const now = mainReadings(meter.peek()).find(isTraining);
    const joules = now?.joules ?? null;
    const spent: Spent = {
      seconds: (now?.seconds ?? 0) + (before?.seconds ?? 0),
      joules: before ? plus(before.joules, joules) : joules,
    };
    await keeping?.write(key, { head: { snapshot: head, spent } satisfies UnderWay, numbers });
  };
  const trained = await train({
    resume: left ? (size) => fromSnapshot({ head: left.head.snapshot, numbers: left.numbers }, size) : null,
    onState: savesEvery(SNAPSHOT_MS, keep),
  });
  if (trained.end === 'stopped') await keep(trained.state);
  return { trained, before };
}
