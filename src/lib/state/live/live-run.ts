import { JoulewiseError } from '../../core/errors';
import { planHash, type PlanEvent, type TrainingProgress } from '../../plan/execute';
import type { Unit } from '../../plan/units';
import type { Folded } from '../../rank/fold';
import type { PlanRecord } from '../../schema/plan';
import type { RunRecord } from '../../schema/run';
import { getSummary } from '../../store/datasets';
import { getPlan, markedRunning, markEnded, markRunning, runsOfPlan } from '../../store/db';
import { RUN } from '../../texts/run';
import { askToPersist, keepAwake } from '../../session/run/awake';
import { device } from '../device/device.svelte';
import { foldStored, Folding } from '../../session/threads/folding';
import { library } from '../kept/library.svelte';
import { live, type Progress, type Start, type Training } from './live.svelte';
import { newPace, paceAfter, secondsLeft, totalOf, type Pace } from '../progress/pace';
import { localResults } from '../results/results';
import { runPlan } from '../../session/run/run-plan';
import { sentence } from '../../texts/sentence';
import { Recorder } from '../progress/series';
import { Skips } from '../../session/open/skips';
import { isRunning } from '../../session/tab/tabs';

/** Figures that move are redrawn at most this often. */
const REDRAW_MS = 250;

interface Failure {
  unit: Unit;
  message: string;
}

/** A run under way, between two redraws. */
interface Pending {
  pace: Pace;
  unit: Unit | null;
  began: number;
  view: Partial<Progress>;
  runs: RunRecord[];
  failures: readonly Failure[];
  /** For the chart. */
  recorder: Recorder;
  /** When the first step of the last fine-tuning was done, milliseconds. */
  training: { began: number };
}

/** Sets what the results view shows: runs of the opened plan, and what they were folded to. */
function show(runs: readonly RunRecord[], folded: Folded | null, failures: readonly Failure[]): void {
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

async function storedPlan(hash: string) {
  const stored = await getPlan(hash);
  if (!stored) throw new JoulewiseError('store.unavailable', RUN.noPlan);
  return stored;
}

/** Shows a stored experiment. Throws `store.unavailable` where it is gone. */
export async function openStored(hash: string): Promise<void> {
  const stored = await storedPlan(hash);
  const [runs, { folded }] = await Promise.all([runsOfPlan(hash), foldStored(hash), device.load()]);
  // A run that was started meanwhile is not covered up.
  if (live.busy) return;
  live.opened = stored;
  show(runs, folded, []);
}

/** What it takes to go on with a stored plan. Throws `store.unavailable` where it or its tickets are gone. */
export async function startOf(hash: string): Promise<Start> {
  const { plan, name } = await storedPlan(hash);
  const dataset = await getSummary(plan.dataset.hash);
  if (!dataset) throw new JoulewiseError('store.unavailable', RUN.noTickets(plan.dataset.name));
  return { plan, dataset, name };
}

/** The experiment whose tab was closed while it ran, with its finished runs; null where there is none. */
export async function leftBehind(): Promise<{ hash: string; kept: number } | null> {
  for (const hash of await markedRunning()) {
    if (await isRunning(hash)) continue;
    await markEnded(hash);
    return { hash, kept: (await runsOfPlan(hash)).length };
  }
  return null;
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
    plan: PlanRecord,
    private readonly pending: Pending,
  ) {
    this.folding = new Folding(plan);
  }

  async showResults(): Promise<void> {
    const { runs, failures } = this.pending;
    this.shown = [runs.length, failures.length];
    const own = runs.slice();
    show(own, own.length > 0 ? await this.folding.fold(own) : null, this.pending.failures);
  }

  redraw(): void {
    const { unit, recorder, runs, failures } = this.pending;
    if (unit) {
      live.progress = progressOf(this.pending, unit);
      live.series = recorder.draw(live.progress.phase);
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
export async function run({ plan, dataset, name }: Start): Promise<void> {
  const abort = new AbortController();
  const skips = new Skips();
  let goOn: (() => void) | null = null;
  live.control = {
    abort: () => abort.abort(),
    resume: () => goOn?.(),
    skip: (variant) => skips.skip(variant),
  };
  const started = performance.now();
  const pending: Pending = {
    pace: newPace(),
    unit: null,
    began: 0,
    view: {},
    runs: [],
    failures: [],
    training: { began: 0 },
    recorder: new Recorder(() => (performance.now() - started) / 1000),
  };
  const gate = () => {
    // Before the first run begins there is nothing to stand between, nor anything to show.
    if (live.status !== 'pausing' || pending.unit === null || abort.signal.aborted) return Promise.resolve();
    live.status = 'paused';
    return new Promise<void>((done) => {
      goOn = () => {
        goOn = null;
        done();
      };
    });
  };
  const screen = new Screen(plan, pending);
  let release: (() => Promise<void>) | null = null;
  let timer: ReturnType<typeof setInterval> | null = null;
  let began = false;
  let [ended, failed]: [string | null, string | null] = [null, null];
  const hash = await planHash(plan);
  try {
    await device.load();
    if (!device.found) throw new JoulewiseError('internal', device.error ?? RUN.noDevice);
    const known = await getPlan(hash);
    live.opened = { hash, plan, name, createdAt: known?.createdAt ?? new Date().toISOString() };
    show([], null, []);
    void askToPersist();
    release = await keepAwake();
    timer = setInterval(() => screen.redraw(), REDRAW_MS);
    live.status = 'running';
    const outcome = await runPlan({
      plan,
      dataset,
      device: device.found,
      name,
      signal: abort.signal,
      skips,
      onBegin: async () => {
        began = true;
        await markRunning(hash);
      },
      onEvent: (event) => take(event, pending),
      gate,
      fold: (runs) => screen.folding.fold(runs),
    });
    pending.runs = outcome.runs;
    const { seconds } = pending.pace;
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
  if (began) await markEnded(hash).catch((error: unknown) => (failed ??= sentence(error)));
  live.progress = null;
  live.control = null;
  [live.ended, live.error] = [ended, failed];
  await release?.();
  void library.refresh();
}

/** With what fine-tuning still takes, which no pace of runs tells. */
const sum = (left: number | null, training: number | null | undefined) =>
  left === null && training == null ? null : (left ?? 0) + (training ?? 0);

function progressOf({ pace, view, recorder }: Pending, unit: Unit): Progress {
  const ticket = view.ticket ?? null;
  return {
    done: pace.done,
    of: totalOf(pace),
    secondsLeft: sum(secondsLeft(pace, ticket ? ticket.index / ticket.of : 0), view.training?.secondsLeft),
    variant: unit.variant,
    task: unit.task,
    slice: unit.slice,
    phase: view.phase ?? 'load',
    ticket,
    step: view.step ?? null,
    training: view.training ?? null,
    text: view.text ?? null,
    output: view.output ?? null,
    tokensPerSecond: recorder.tokensPerSecond,
  };
}

function take(event: PlanEvent, pending: Pending): void {
  const took = (performance.now() - pending.began) / 1000;
  pending.pace = paceAfter(pending.pace, event, event.type === 'run' && !event.resumed ? took : null);
  switch (event.type) {
    case 'planned':
      return;
    case 'opening':
      pending.unit = { ...firstUnit(event.member), ...pending.unit, ...event.member };
      pending.began = performance.now();
      pending.view = { phase: 'load', ticket: null };
      pending.recorder.begin();
      return;
    case 'opened':
      return;
    case 'unit':
      pending.unit = event.unit;
      pending.began = performance.now();
      pending.view = { phase: 'wait', ticket: null };
      pending.recorder.begin();
      return;
    case 'progress': {
      const { phase, done, of, ticket, output, spent, training } = event.progress;
      pending.recorder.progress(phase, spent);
      if (phase === 'train' && training?.loss != null && !pending.view.training?.losses.length)
        pending.training = { began: performance.now() };
      pending.view = UNTICKETED.has(phase)
        ? {
            ...pending.view,
            phase,
            ticket: null,
            step: { index: done, of },
            training: trainingAfter(pending, training, done, of),
          }
        : { phase, ticket: { index: done, of }, text: ticket ?? null, output: output ?? null };
      return;
    }
    case 'run': {
      // Measured again, a slice takes the place of what was disturbed.
      const at = pending.runs.findIndex(({ id }) => id === event.run.id);
      if (at < 0) pending.runs.push(event.run);
      else pending.runs = pending.runs.with(at, event.run);
      pending.recorder.finish(event.run);
      return;
    }
    case 'failed':
      pending.failures = [...pending.failures, { unit: event.unit, message: event.error.message }];
      return;
    case 'stopped':
      return;
    default:
      event satisfies never;
  }
}

/** What fine-tuning told up to now; null where it tells nothing. */
function trainingAfter(
  { view, training: { began } }: Pending,
  now: TrainingProgress | undefined,
  done: number,
  of: number,
): Training | null {
  if (!now) return null;
  const before = view.training;
  const { losses = [], validations = [] } = before ?? {};
  const [first] = losses;
  const seconds = (performance.now() - began) / 1000;
  // From the first step that this run saw: one that went on where another ended saw fewer.
  const secondsLeft = first && done > first[0] ? ((of - done) * seconds) / (done - first[0]) : null;
  if (now.validation !== null)
    return { ...(before ?? now), losses, validations: [...validations, [done, now.validation]], secondsLeft };
  return { ...now, losses: now.loss === null ? losses : [...losses, [done, now.loss]], validations, secondsLeft };
}

/** Phases in which no ticket is answered. */
const UNTICKETED: ReadonlySet<string> = new Set(['load', 'calibrate', 'train', 'blend', 'warm-up', 'wait']);

/** What is shown while the first variant is opened. */
const firstUnit = (member: Pick<Unit, 'variant' | 'stage'>): Unit => ({
  ...member,
  task: 'rca',
  slice: 0,
  block: 0,
  anchor: false,
  part: 'test',
  engine: 'cpu',
});
