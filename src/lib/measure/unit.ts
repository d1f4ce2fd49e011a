import { isModel, type EngineName } from '../schema/engines';
import type { Given } from '../data/give';
import type { Pause } from '../core/pause';
import { JoulewiseError } from '../core/errors';
import { readBy, taskOf, type Task } from '../data/tasks';
import type { Meter } from '../meter/meter';
import { markedName, profilesPower, writeMarks } from '../meter/firefox/marks';
import { oneSampler, samplerWarnings } from '../meter/sources/sampler';
import { restWarnings } from '../meter/idle';
import { openMeter, ratesFor, type SamplerPort, type SourceContext } from '../meter/open';
import type { KnownDevice } from '../schema/known';
import type { SamplerAccess } from '../schema/sampler';
import { mainReadings, sumReadings } from '../meter/readings';
import type { EngineSession } from '../engine/session';
import { checkAgainstOwn, checkNote } from '../engine/check';
import {
  answerIds,
  openVariant,
  type Assets,
  type CalibrationHost,
  type FileSet,
  type OpenOptions,
  type PackedStore,
  type TimingStore,
  type Tuned,
  type Tokenizer,
} from '../engine/open';
import type { OpenUnit, SliceOptions } from '../plan/open-members';
import type { Ticket } from '../schema/dataset';
import type { CheckpointRef, PlanRecord } from '../schema/plan';
import { ANSWERING, type Device, type RunRecord, type TaskName, type TicketOutcome } from '../schema/run';
import { trainBaseline, predict, scoresOf } from '../score/baseline';
import { openOutputs, finiteScores, type OutputOptions } from './answer';
import { calibrationOn, targetOf } from './calibration';
import { adapterFor } from './adapter';
import { blendNote, openBlend, workOf, type OpenBlend } from './blend';
import { SlicePrefix } from './prefix';
import { Rest } from './rest';
import { cancelled, type Spent, type UnitProgress } from '../plan/execute';
import { SteadyWatch } from './steady';
import { blends, runId, ticketsOf, type Unit } from '../plan/units';
import type { Calibration } from '../calibrate/host';
import { KernelBook, UNCOUNTED, workNameOf } from './work';

/** Everything that opening a variant for a plan needs, as plain data: it crosses a worker border. */
export interface OpenRequest extends Given {
  plan: PlanRecord;
  planHash: string;
  variant: string;
  engine: EngineName;
  checkpoint: CheckpointRef;
  /** Threads of the processor; null = as many as the device has, at most 8. */
  threads: number | null;
  /** Text that recipes calibrate on instead of the training tickets; null where none was given. */
  calibrationTexts: string[] | null;
  device: Device;
  /** How to reach a paired sampler; null where none is paired. */
  sampler: SamplerAccess | null;
  versions: Record<string, string>;
}

/** What training the adapter of a variant takes. */
export interface TuningRequest {
  checkpoint: CheckpointRef;
  files: FileSet;
  variant: string;
  engine: EngineName;
  threads: number | null;
  tasks: readonly Task[];
  tickets: Pick<Given, 'train' | 'validation' | 'causes'>;
  calibration: Calibration;
  seed: number;
  meter: Meter;
  rates: ReturnType<typeof ratesFor>;
  /** Holds training up between two steps. */
  pause: Pause;
  onProgress: (p: UnitProgress) => void;
  signal: AbortSignal;
}

export interface UnitContext {
  openFiles: (ref: CheckpointRef) => Promise<FileSet>;
  assets: Assets;
  /** Threads for recipes that calibrate. */
  openHost: (o: { checkpoint: CheckpointRef; threads: number | null }) => CalibrationHost;
  /** Where packed models of a checkpoint are kept; null where it has no hash to be known by. */
  keepingOf: (ref: CheckpointRef) => PackedStore | null;
  /** Where timings of kernels are kept. */
  timings: TimingStore;
  /** The way to a sampler from here. */
  samplerPort: (access: SamplerAccess | null) => SamplerPort | null;
  /** What running kernels on this device told of it; none = nothing is kept. */
  known?: () => Promise<KnownDevice>;
  /** Trains the adapter that a variant names, or brings it where an earlier run did. */
  tuned: (request: TuningRequest) => Promise<Tuned>;
  /** Holds training up between two steps; none = nobody asks for it. */
  pause?: Pause;
  onProgress: (p: UnitProgress) => void;
  signal: AbortSignal;
}

/** Tokens generated to warm up. */
export const WARM_UP_TOKENS = 4;

/** Opens a variant: reads, compresses and packs it, warms it up, or trains the classical baseline. */
export const openUnit = (request: OpenRequest, context: UnitContext): Promise<OpenUnit> =>
  isModel(request.engine) ? openModel(request, context) : openBaseline(request, context);

const sourcesOf = async (
  { device, plan, engine, sampler }: OpenRequest,
  { samplerPort, known }: Pick<UnitContext, 'samplerPort' | 'known'>,
): Promise<SourceContext> => ({
  device,
  engine,
  profile: plan.profile,
  sampler: samplerPort(sampler),
  known: (await known?.()) ?? null,
});

/** What answering took so far; joules are null where they cannot be told. */
function spent(meter: Meter): Spent {
  const readings = mainReadings(meter.peek()).filter(({ phase }) => ANSWERING.has(phase));
  return {
    seconds: readings.reduce((n, r) => n + r.seconds, 0),
    joules: readings.reduce<number | null>((n, r) => (n === null || !r.joules ? null : n + r.joules.mid), 0),
    tokens: readings.reduce((n, r) => n + (r.tokens ?? 0), 0),
  };
}

/** The fields of a record that do not depend on how it was computed. */
async function record(
  request: OpenRequest,
  unit: Unit,
  { meters, rest: atRest }: { meters: readonly Meter[]; rest: Rest },
  startedAt: string,
  outcomes: TicketOutcome[],
  rest: Pick<
    RunRecord,
    | 'kernel'
    | 'threads'
    | 'compression'
    | 'checked'
    | 'tuned'
    | 'fallbacks'
    | 'wasmHeapBytes'
    | 'kernels'
    | 'prompts'
    | 'checkpoint'
    | 'pass'
    | 'steadiness'
  >,
): Promise<RunRecord> {
  const { plan, planHash, causes, device, versions } = request;
  const readings = atRest.net(oneSampler((await Promise.all(meters.map((meter) => meter.read()))).flat()));
  const id = runId(planHash, unit);
  if (profilesPower(device.userAgent))
    writeMarks(
      performance,
      markedName({ id, plan: planHash, startedAt }),
      meters.flatMap((meter) => meter.windows()),
    );
  return {
    v: 7,
    id,
    plan: planHash,
    variant: unit.variant,
    task: unit.task,
    slice: unit.slice,
    block: unit.block,
    anchor: unit.anchor,
    part: unit.part,
    stage: unit.stage,
    engine: unit.engine,
    startedAt,
    seed: plan.seed,
    device,
    versions,
    dataset: plan.dataset,
    warnings: [...samplerWarnings(readings), ...restWarnings(readings)],
    conditions: null,
    phases: sumReadings(readings),
    causes,
    tickets: outcomes,
    metrics: {},
    ...rest,
  };
}

/** Warming up ends when a try is no longer clearly faster than the best before it: compilers finish within a second. */
const WARM_TRIES = 6;
const WARM_GAIN = 0.95;
/** Pieces between two tickets, at most, and the share of a ticket's time that they may take. */
const PIECES = 4;
const PIECES_SHARE = 0.06;
/** Milliseconds of answering after which counters are asked, since they forget. */
const SETTLE_MS = 5 * 60_000;
/** Milliseconds that a piece takes at least. */
const PIECE_MS = 3;
/** Pieces by which a moment is judged, and milliseconds between two looks at a busy device. */
const LOOK_PIECES = 6;
const LOOK_AGAIN_MS = 250;

/** Answers each task's first ticket until a try is no longer clearly faster than the best before it. */
async function warmUp(
  { plan, tickets }: OpenRequest,
  { signal, onProgress }: Pick<UnitContext, 'signal' | 'onProgress'>,
  begin: (task: Task) => Promise<ReturnType<typeof outcomes>>,
): Promise<void> {
  for (const name of plan.tasks) {
    const first = tickets[name]?.[0];
    if (!first) continue;
    const answer = await begin(taskOf(name, plan.templates));
    let best = Infinity;
    for (let i = 0; i < WARM_TRIES; i++) {
      if (signal.aborted) throw cancelled();
      onProgress({ phase: 'warm-up', done: i, of: WARM_TRIES });
      const start = performance.now();
      await answer(first, 'warm-up', signal);
      const ms = performance.now() - start;
      if (ms > WARM_GAIN * best) break;
      best = Math.min(best, ms);
    }
  }
}

/** A checkpoint as a record names it. */
const namedIn = ({ checkpoint }: OpenRequest, name: string, family: string): RunRecord['checkpoint'] => ({
  name,
  hash: checkpoint.kind === 'stored' ? checkpoint.hash : checkpoint.kind,
  family,
});

/** Short pieces of equal work on an open session, timed outside of windows, by which its device is judged. */
class Pieces {
  readonly watch = new SteadyWatch();
  readonly #probe: readonly number[];
  /** Passes over one token that make up a piece: long enough that caches and clocks do not pass for other work. */
  #passes = 1;

  /** @param after puts away what pieces leave */
  constructor(
    private readonly session: EngineSession,
    tokenizer: Pick<Tokenizer, 'encode'>,
    private readonly after: () => Promise<void>,
  ) {
    const [token = 0] = tokenizer.encode('a');
    this.#probe = [token];
  }

  async #piece(): Promise<number> {
    const start = performance.now();
    for (let i = 0; i < this.#passes; i++) await this.session.prefill(this.#probe);
    await this.session.fence();
    return performance.now() - start;
  }

  /** Finds how many passes a piece has. */
  async size(): Promise<void> {
    const single = Math.min(await this.#piece(), await this.#piece(), await this.#piece());
    this.#passes = Math.max(1, Math.ceil(PIECE_MS / Math.max(single, 1e-3)));
  }

  /** Milliseconds of each of `n` pieces. */
  async time(n: number): Promise<number[]> {
    const times: number[] = [];
    // What a ticket left in the caches makes the first pass after it slower.
    await this.session.prefill(this.#probe);
    for (let i = 0; i < n; i++) times.push(await this.#piece());
    await this.after();
    for (const ms of times) this.watch.add(ms);
    return times;
  }

  /** Seconds waited until the device was quiet, or patience ended. */
  async waitForQuiet(o: SliceOptions): Promise<number> {
    const start = performance.now();
    const waited = () => (performance.now() - start) / 1000;
    await this.time(LOOK_PIECES);
    while (!this.watch.isQuiet && waited() < o.patience) {
      if (o.signal.aborted) throw cancelled();
      o.onProgress({ phase: 'wait', done: Math.round(waited()), of: Math.round(o.patience) });
      await new Promise<void>((done) => setTimeout(done, LOOK_AGAIN_MS));
      await this.time(LOOK_PIECES);
    }
    return waited();
  }
}

/** Tickets of each task that a GPU's answers are compared on, and tokens of the ends of their prompts, which differ. */
const CHECKED_TICKETS = 2;
const CHECKED_TOKENS = 48;

const checkPrompts = ({ plan, tickets, causes }: OpenRequest, tokenizer: Pick<Tokenizer, 'chat'>): number[][] =>
  plan.tasks.flatMap((name) => {
    const task = taskOf(name, plan.templates);
    return (tickets[name] ?? [])
      .slice(0, CHECKED_TICKETS)
      .map((ticket) => tokenizer.chat(task.messages(ticket, causes)).slice(-CHECKED_TOKENS));
  });

async function openModel(request: OpenRequest, context: UnitContext): Promise<OpenUnit> {
  const { plan, variant, engine } = request;
  const { signal, onProgress } = context;
  const files = await context.openFiles(request.checkpoint);
  let session: EngineSession | null = null;
  const fence = () => session?.fence();
  const sources = await sourcesOf(request, context);
  const opening = openMeter(sources, fence);
  const rest = new Rest(sources.sampler != null);
  await rest.before(opening);
  const calibration = calibrationOn(
    request.calibrationTexts
      ? { texts: request.calibrationTexts }
      : { tasks: plan.tasks, templates: plan.templates, train: request.train, causes: request.causes },
    () => context.openHost({ checkpoint: request.checkpoint, threads: request.threads }),
  );
  const trained = await adapterFor({ ...request, ...plan, templates: plan.templates, engine }, context, {
    files,
    calibration,
    sources,
  });
  const tuned = trained?.tuned ?? null;
  const options: OpenOptions = {
    files,
    calibration,
    tuned,
    keeping: context.keepingOf(request.checkpoint),
    timings: context.timings,
    rates: ratesFor(sources),
    variant,
    engine,
    threads: request.threads,
    assets: context.assets,
    inPhase: (phase, work) => opening.window(phase, UNCOUNTED, work),
    onProgress: (done, of) => onProgress({ phase: 'load', done, of }),
    onCalibrated: (done, of) => onProgress({ phase: 'calibrate', done, of }),
    onThread: (done) => onProgress({ phase: 'threads', done, of: 1 }),
    signal,
  };
  const opened = await openVariant(options);
  session = opened.session;
  const open = opened.session;
  const { tokenizer, compression, stopIds } = opened;
  const checked = await checkAgainstOwn(opened, {
    ...options,
    prompts: checkPrompts(request, tokenizer),
    // No part of the job that is measured, so in no window of its meter.
    inPhase: (_, work) => work(),
    onProgress: (done, of) => onProgress({ phase: 'check', done, of }),
  });
  const kernels = new KernelBook(open);
  const prefix = new SlicePrefix(open, tokenizer, plan, request.causes);
  let blend: OpenBlend | null = null;
  const base = { session: open, tokenizer, stopIds };
  const answering = (meter: Meter, task: Task) =>
    outcomes({ ...base, meter, blend }, request, task, { kernels, prefix });
  const pieces = new Pieces(open, tokenizer, async () => {
    await prefix.resume();
    kernels.take(false);
  });
  await warmUp(request, context, async (task) => {
    await prefix.begin(task, opening, 'warm-up');
    if (blends(plan, variant) && task.scored === 'labels')
      blend = await openBlend(task, request, openOutputs(task, request.causes, { ...base, meter: opening }), opening, {
        signal,
        onProgress: (done, of) => onProgress({ phase: 'blend', done, of }),
      });
    return answering(opening, task);
  });
  prefix.end();
  await pieces.size();
  /** What opening took, until a record has told it. */
  let untold: Meter[] = trained ? [opening, trained.meter] : [opening];

  return {
    kernel: open.kernel,
    threads: open.threads,
    memoryBytes: open.heapBytes() ?? compression?.computedBytes ?? null,
    pieces: (n) => pieces.time(n),
    async slice(unit, o) {
      const startedAt = new Date().toISOString();
      const task = taskOf(unit.task, plan.templates);
      const tickets =
        unit.part === 'validation' ? request.validation : ticketsOf(unit, request.tickets[unit.task] ?? [], plan);
      const waited = await pieces.waitForQuiet(o);
      const meter = openMeter(sources, fence);
      const answer = answering(meter, task);
      const answered: TicketOutcome[] = [];
      kernels.reset();
      pieces.watch.begin();
      await pieces.time(1);
      kernels.take((await prefix.begin(task, meter, 'prefix')) > 0);
      let settled = performance.now();
      for (const ticket of tickets) {
        if (o.signal.aborted) throw cancelled();
        const outcome = await answer(ticket, 'measured', o.signal);
        answered.push(outcome);
        const spare = (PIECES_SHARE * (outcome.prefillMs + outcome.decodeMs)) / pieces.watch.quiet;
        await pieces.time(Math.max(1, Math.min(PIECES, Math.floor(spare))));
        o.onProgress({
          phase: unit.task,
          done: answered.length,
          of: tickets.length,
          ticket: ticket.text,
          output: outcome.output,
          spent: spent(meter),
        });
        if (performance.now() - settled > SETTLE_MS) {
          await meter.settle();
          settled = performance.now();
        }
      }
      prefix.end();
      const noTemplate = tokenizer.hasTemplate ? [] : ['The checkpoint has no chat template; prompts are plain text.'];
      const told = untold;
      untold = [];
      await rest.after(meter);
      return record(request, unit, { meters: [...told, meter], rest }, startedAt, answered, {
        kernel: open.kernel,
        threads: open.threads,
        compression,
        tuned: tuned?.record ?? null,
        checked,
        fallbacks: [
          ...open.fallbacks,
          ...(checked ? [checkNote(checked)] : []),
          ...(blend ? [blendNote(blend)] : []),
          ...prefix.notes,
          ...noTemplate,
          ...tokenizer.notes,
        ],
        wasmHeapBytes: open.heapBytes(),
        kernels: kernels.total,
        prompts: prefix.prompts,
        // What a blend computes beside it is under a hundredth, and one name lets variants share their energies.
        pass: workNameOf(open),
        steadiness: pieces.watch.end({ tries: o.tries + 1, waited }),
        checkpoint: namedIn(request, files.name, opened.family),
      });
    },
    close: () => open.close(),
  };
}

/** How one ticket of a unit is answered, and how likely the reference was; what counts goes into the books. */
function outcomes(
  o: Parameters<typeof openOutputs>[2],
  { causes, plan }: OpenRequest,
  task: Task,
  { kernels, prefix }: { kernels: KernelBook; prefix: SlicePrefix },
): (ticket: Ticket, kind: OutputOptions['kind'], signal: AbortSignal) => Promise<TicketOutcome> {
  const answer = openOutputs(task, causes, o);
  const { session, tokenizer, stopIds } = o;
  return async (ticket, kind, signal) => {
    const limit = kind === 'warm-up' ? WARM_UP_TOKENS : Math.min(plan.maxNewTokens, task.maxNewTokens);
    const { promptIds, shared, ...made } = await answer(ticket, { kind, limit, signal });
    kernels.take(kind === 'measured');
    prefix.count(promptIds.length, shared);
    const reference = targetOf(task, ticket);
    // Quality only: how likely the reference is. Not part of answering a ticket, so not metered.
    const likelihood =
      made.scores !== null || kind === 'warm-up'
        ? null
        : (
            await session.score(promptIds, [
              answerIds(tokenizer, stopIds, reference).slice(0, Math.max(1, session.maxPositions - promptIds.length)),
            ])
          )[0];
    kernels.take(false);
    if (likelihood) finiteScores([likelihood.logProb]);
    return {
      id: ticket.id,
      promptTokens: promptIds.length,
      ...made,
      reference,
      referenceLogProb: likelihood?.logProb ?? null,
      referenceTokens: likelihood?.tokens ?? null,
    };
  };
}

const BASELINE_KERNEL: Readonly<Record<TaskName, string>> = {
  rca: 'TF-IDF + multinomial logistic regression (JavaScript)',
  response: 'nearest training ticket by TF-IDF (JavaScript)',
  summary: 'first sentence of the ticket (JavaScript)',
};

/** The classical answers to a plan's tasks (`score/baseline.ts`), under the same meter. */
async function openBaseline(request: OpenRequest, context: UnitContext): Promise<OpenUnit> {
  const { plan, train, causes } = request;
  const { onProgress } = context;
  const sources = await sourcesOf(request, context);
  const opening = openMeter(sources, () => undefined);
  const rest = new Rest(sources.sampler != null);
  await rest.before(opening);
  const models = new Map<TaskName, ReturnType<typeof trainBaseline>>();
  for (const name of plan.tasks) {
    const task = taskOf(name, plan.templates);
    const usable = train.filter((t) => task.target(t) !== null);
    if (usable.length < 2)
      throw new JoulewiseError(
        'recipe.impossible',
        'The classical baseline needs at least two training tickets with answers; it is left out.',
      );
    onProgress({ phase: 'train', done: 0, of: 1 });
    models.set(
      name,
      await opening.window(
        'train',
        (m) => workOf(m.work),
        () =>
          trainBaseline({
            task: name,
            texts: usable.map(({ text }) => readBy(name, text)),
            targets: usable.map((t) => targetOf(task, t)),
          }),
      ),
    );
  }
  let untold: Meter[] = [opening];
  return {
    kernel: BASELINE_KERNEL[plan.tasks[0] ?? 'rca'],
    threads: 1,
    memoryBytes: null,
    pieces: () => Promise.resolve([]),
    async slice(unit, o) {
      const startedAt = new Date().toISOString();
      const task = taskOf(unit.task, plan.templates);
      const model = models.get(unit.task);
      if (!model) throw new JoulewiseError('internal', `The baseline was not trained for ${unit.task}.`);
      const meter = openMeter(sources, () => undefined);
      const tickets = ticketsOf(unit, request.tickets[unit.task] ?? [], plan);
      const outcomes: TicketOutcome[] = [];
      for (const ticket of tickets) {
        if (o.signal.aborted) throw cancelled();
        const start = performance.now();
        const prediction = await meter.window(
          'prefill',
          (p) => workOf(p.work),
          () => predict(model, readBy(unit.task, ticket.text)),
        );
        outcomes.push({
          id: ticket.id,
          promptTokens: 0,
          newTokens: 0,
          prefillMs: performance.now() - start,
          decodeMs: 0,
          output: prediction.output,
          reference: targetOf(task, ticket),
          scores: model.task === 'rca' && prediction.scores ? scoresOf(model, prediction.scores, causes) : null,
          referenceLogProb: null,
          referenceTokens: null,
        });
      }
      o.onProgress({ phase: unit.task, done: tickets.length, of: tickets.length });
      const told = untold;
      untold = [];
      await rest.after(meter);
      return record(request, unit, { meters: [...told, meter], rest }, startedAt, outcomes, {
        kernel: BASELINE_KERNEL[unit.task],
        threads: 1,
        compression: null,
        checked: null,
        tuned: null,
        fallbacks: [],
        wasmHeapBytes: null,
        kernels: null,
        prompts: null,
        pass: null,
        steadiness: null,
        checkpoint: { name: 'none', hash: 'none', family: 'classical' },
      });
    },
    close: () => Promise.resolve(),
  };
}
