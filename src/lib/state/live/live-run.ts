import { Pause } from '../../core/pause';
import { JoulewiseError } from '../../core/errors';
import type { PlanRecord } from '../../schema/plan';
import type { RunRecord } from '../../schema/run';
import { keepAwake } from '../../session/run/awake';
import { Folding } from '../../session/run/folding';
import { watchOthers } from '../../session/run/other-tabs';
import { runPlan } from '../../session/run/run-plan';
import { Skips } from '../../session/run/skips';
import { leftBehind, Mark, openedOf, startOf, storedRuns, type Start } from '../../session/run/stored';
import { RUN } from '../../texts/run';
import { sentence } from '../../texts/sentence';
import { device } from '../device/device.svelte';
import { library } from '../kept/library.svelte';
import { Track, type Failure } from '../progress/track';
import { localResults } from '../results/results';
import type { Live } from './live.svelte';

/** Figures that move are redrawn at most this often. */
const REDRAW_MS = 250;

type Folded = Awaited<ReturnType<Folding['fold']>>;

/** Sets what the results view shows: runs of the opened plan, and what they were folded to. */
function show(live: Live, runs: readonly RunRecord[], folded: Folded | null, failures: readonly Failure[]): void {
  live.runs = runs;
  if (!live.opened || !folded || folded.results.length === 0) {
    live.results = null;
    return;
  }
  const { plan, createdAt } = live.opened;
  live.results = localResults(plan, runs, folded, {
    createdAt,
    profileWhy: plan.profile ? RUN.chosenProfile : (device.guess(plan.engine)?.why ?? null),
    failures: failures.map(({ unit, message }) => ({
      what: RUN.failed(unit.variant, unit.task, unit.slice + 1),
      why: message,
    })),
  });
}

/** Shows a stored experiment. Throws `store.unavailable` where it is gone. */
export async function openStored(live: Live, hash: string): Promise<void> {
  const [{ opened, runs, folded }] = await Promise.all([storedRuns(hash), device.load()]);
  // A run that was started meanwhile is not covered up.
  if (live.busy) return;
  live.opened = opened;
  show(live, runs, folded, []);
}

/** Goes on with a stored plan. Throws `store.unavailable` where it or its tickets are gone. */
export const resume = async (live: Live, hash: string): Promise<void> => live.start(await startOf(hash));

/** Goes on with what a closed tab left, and says what was kept. */
export async function goOn(live: Live): Promise<void> {
  const left = await leftBehind();
  if (left === null || live.busy) return;
  live.returned = left.kept;
  await live.resume(left.hash);
}

/** Draws a run under way: figures at once, results when they are folded. */
class Screen {
  readonly folding: Folding;
  /** Results on their way to the screen. */
  settled = Promise.resolve();
  /** Runs and failures that are on it. */
  private shown = [0, 0];
  private busy = false;

  constructor(
    private readonly live: Live,
    plan: PlanRecord,
    private readonly track: Track,
  ) {
    this.folding = new Folding(plan);
  }

  async showResults(): Promise<void> {
    const { runs, failures } = this.track;
    this.shown = [runs.length, failures.length];
    const own = runs.slice();
    show(this.live, own, own.length > 0 ? await this.folding.fold(own) : null, this.track.failures);
  }

  redraw(): void {
    const { progress, recorder, runs, failures } = this.track;
    if (progress) {
      this.live.progress = progress;
      this.live.series = recorder.draw(progress.phase);
    }
    const same = this.shown[0] === runs.length && this.shown[1] === failures.length;
    // What could not be folded now is tried again at the end, and told there.
    if (same || this.busy) return;
    this.busy = true;
    this.settled = this.showResults()
      .catch(() => undefined)
      .finally(() => (this.busy = false));
  }
}

/** Runs a plan to its end, or to Stop; how it ended stands in `live.ended` or `live.error`. */
export async function run(live: Live, start: Start): Promise<void> {
  const { plan, dataset, name } = start;
  const abort = new AbortController();
  const skips = new Skips();
  let goOn: (() => void) | null = null;
  const pause = new Pause();
  live.control = {
    abort: () => abort.abort(),
    pause: () => pause.set(true),
    resume: () => {
      pause.set(false);
      goOn?.();
    },
    skip: (variant) => skips.skip(variant),
  };
  const track = new Track(() => performance.now());
  const gate = () => {
    // Before the first run begins there is nothing to stand between, nor anything to show.
    if (live.status !== 'pausing' || !track.underWay || abort.signal.aborted) return Promise.resolve();
    live.status = 'paused';
    return new Promise<void>((done) => {
      goOn = () => {
        goOn = null;
        done();
      };
    });
  };
  const screen = new Screen(live, plan, track);
  let release: (() => Promise<void>) | null = null;
  let timer: ReturnType<typeof setInterval> | null = null;
  let unwatch: (() => void) | null = null;
  let mark: Mark | null = null;
  let [ended, failed]: [string | null, string | null] = [null, null];
  try {
    await device.load();
    if (!device.found) throw new JoulewiseError('internal', device.error ?? RUN.noDevice);
    const opened = await openedOf(start);
    live.opened = opened;
    show(live, [], null, []);
    const own = (mark = new Mark(opened.hash));
    unwatch = watchOthers(opened.hash, (others) => (track.others = others));
    release = await keepAwake();
    timer = setInterval(() => screen.redraw(), REDRAW_MS);
    live.status = 'running';
    const outcome = await runPlan({
      plan,
      dataset,
      device: device.found,
      name,
      signal: abort.signal,
      leftOut: skips,
      onBegin: () => own.set(),
      pause,
      onEvent: (event) => {
        track.take(event);
        if (event.type === 'progress' && event.progress.paused && live.status === 'pausing') live.status = 'paused';
      },
      gate,
      fold: (runs) => screen.folding.fold(runs),
    });
    track.runs = outcome.runs;
    const { seconds } = track;
    if (seconds.length === outcome.runs.length) live.measuredSeconds = seconds.reduce((a, s) => a + s, 0);
    ended = RUN.finished(outcome.runs.length, outcome.failures.length);
  } catch (error) {
    if (error instanceof JoulewiseError && error.code === 'cancelled') ended = RUN.stopped;
    else failed = sentence(error);
  }
  if (timer !== null) clearInterval(timer);
  await screen.settled;
  await screen.showResults().catch((error: unknown) => (failed ??= sentence(error)));
  screen.folding.end();
  await mark?.clear().catch((error: unknown) => (failed ??= sentence(error)));
  unwatch?.();
  live.progress = null;
  live.control = null;
  [live.ended, live.error] = [ended, failed];
  await release?.();
  void library.refresh();
}
