import type { FileSet } from '../checkpoint/source';
import type { Tokenizer } from '../checkpoint/tokenizer';
import { packPrompts } from '../calibrate/prompts';
import { JoulewiseError } from '../core/errors';
import { bytes, flops } from '../core/units';
import { taskOf, type Task } from '../data/tasks';
import { guessProfile } from '../meter/match';
import { createMeter, type Meter, type WindowWork } from '../meter/meter';
import { profileByName } from '../meter/profiles';
import { profileSource } from '../meter/sources';
import type { CalibrationHost } from '../run/compress';
import type { EngineSession } from '../run/engine';
import type { PackedStore } from '../run/kept';
import { openVariant, type Assets } from '../run/open';
import type { Ticket } from '../schema/dataset';
import type { CheckpointRef, PlanRecord } from '../schema/plan';
import type { Device, RunRecord, TicketOutcome, TaskName } from '../schema/run';
import { trainBaseline, predict, scoresOf } from '../score/baseline';
import { scoreRun } from '../score/metrics';
import { answerIds, createAnswer, finiteScores, type AnswerOptions } from './answer';
import type { Spent, UnitProgress } from './execute';
import { runId, type Unit } from './units';
import { KernelBook, NO_WORK } from './work';

/** Everything a unit needs, as plain data: it crosses a worker border. */
export interface UnitRequest {
  plan: PlanRecord;
  planHash: string;
  unit: Unit;
  checkpoint: CheckpointRef;
  /** Test tickets that have a target for this task, already limited. */
  tickets: Ticket[];
  /** Training tickets: for the classical baseline, and for recipes that calibrate. */
  train: Ticket[];
  /** Text that recipes calibrate on instead of the training tickets; null where none was given. */
  calibrationTexts: string[] | null;
  causes: string[];
  device: Device;
  versions: Record<string, string>;
}

export interface UnitContext {
  openFiles: (ref: CheckpointRef) => Promise<FileSet>;
  assets: Assets;
  /** Threads for recipes that calibrate. */
  openHost: (o: { checkpoint: CheckpointRef; threads: number | null }) => CalibrationHost;
  /** Where packed models of a checkpoint are kept; null where it has no hash to be known by. */
  keepingOf: (ref: CheckpointRef) => PackedStore | null;
  onProgress: (p: UnitProgress) => void;
  signal: AbortSignal;
}

/** Milliseconds of doing nothing before the work, so that the record holds an idle window. */
const IDLE_MS = 100;
/** Tokens generated to warm up. */
export const WARM_UP_TOKENS = 4;

const referenceOf = (task: Task, ticket: Ticket): string => {
  const target = task.target(ticket);
  if (target === null) throw new JoulewiseError('internal', `Ticket ${ticket.id} has no target for ${task.name}.`);
  return target;
};

/**
 * Calibration text of a task: training tickets as the model meets them, with their answers. Never test tickets: what is
 * measured must not have chosen the weights.
 */
export const trainingPrompts = (tokenizer: Tokenizer, task: Task, train: readonly Ticket[], causes: string[]) =>
  packPrompts(
    train.filter((t) => task.target(t) !== null),
    (ticket) => [...tokenizer.chat(task.messages(ticket, causes)), ...tokenizer.piece(referenceOf(task, ticket))],
    null,
  );

/** Runs one unit: open, warm up, answer every ticket, score; returns its record. */
export async function runUnit(request: UnitRequest, context: UnitContext): Promise<RunRecord> {
  return request.unit.engine === 'classical' ? runBaseline(request, context) : runModel(request, context);
}

const profileOf = ({ device, plan, unit }: UnitRequest) =>
  plan.profile && unit.engine !== 'classical' ? profileByName(plan.profile) : guessProfile(device, unit.engine).profile;

const meterFor = (request: UnitRequest, fence: () => Promise<void> | void): Meter =>
  createMeter({ clock: () => performance.now(), fence, source: profileSource(profileOf(request)) });

const idleWindow = (meter: Meter) =>
  meter.window(
    'idle',
    { bytes: bytes(0), flops: flops(0), tokens: null },
    () => new Promise<void>((done) => setTimeout(done, IDLE_MS)),
  );

/** What answering took so far; joules are null where they cannot be told. */
async function spent(meter: Meter): Promise<Spent> {
  const readings = (await meter.read()).filter((r) => r.phase === 'prefill' || r.phase === 'decode');
  return {
    seconds: readings.reduce((n, r) => n + r.seconds, 0),
    joules: readings.reduce<number | null>((n, r) => (n === null || !r.joules ? null : n + r.joules.mid), 0),
    tokens: readings.reduce((n, r) => n + (r.tokens ?? 0), 0),
  };
}

/** The fields of a record that do not depend on how it was computed. */
async function record(
  request: UnitRequest,
  meter: Meter,
  startedAt: string,
  outcomes: TicketOutcome[],
  rest: Pick<
    RunRecord,
    'kernel' | 'threads' | 'compression' | 'fallbacks' | 'wasmHeapBytes' | 'kernels' | 'checkpoint'
  >,
): Promise<RunRecord> {
  const { plan, planHash, unit, causes, device, versions } = request;
  return {
    v: 3,
    id: runId(planHash, unit),
    plan: planHash,
    variant: unit.variant,
    task: unit.task,
    repeat: unit.repeat,
    stage: unit.stage,
    engine: unit.engine,
    startedAt,
    seed: plan.seed,
    device,
    versions,
    dataset: plan.dataset,
    warnings: [],
    conditions: null,
    phases: await meter.read(),
    causes,
    tickets: outcomes,
    metrics: scoreRun(unit.task, outcomes, causes),
    ...rest,
  };
}

async function runModel(request: UnitRequest, context: UnitContext): Promise<RunRecord> {
  const { unit, plan } = request;
  const { signal, onProgress } = context;
  const startedAt = new Date().toISOString();
  const files = await context.openFiles(request.checkpoint);
  let session: EngineSession | null = null;
  const meter = meterFor(request, () => session?.fence());
  await idleWindow(meter);
  try {
    const task = taskOf(unit.task, plan.templates);
    const calibration = {
      prompts: (tokenizer: Tokenizer) =>
        request.calibrationTexts
          ? packPrompts(request.calibrationTexts, (text) => tokenizer.encode(text), null)
          : trainingPrompts(tokenizer, task, request.train, request.causes),
      open: () => Promise.resolve(context.openHost({ checkpoint: request.checkpoint, threads: plan.threads })),
    };
    const opened = await openVariant({
      files,
      calibration,
      keeping: context.keepingOf(request.checkpoint),
      profile: profileOf(request),
      variant: unit.variant,
      engine: unit.engine,
      threads: plan.threads,
      assets: context.assets,
      inPhase: (phase, work) => meter.window(phase, NO_WORK, work),
      onProgress: (done, of) => onProgress({ phase: 'load', done, of }),
      signal,
    });
    const { tokenizer, compression, stopIds } = opened;
    session = opened.session;
    const kernels = new KernelBook(session);
    const answer = outcomes({ session, tokenizer, stopIds, meter }, request, signal, kernels);
    const first = request.tickets[0];
    if (!first) throw new JoulewiseError('input.empty', 'There is no test ticket with an answer for this task.');
    onProgress({ phase: 'warm-up', done: 0, of: request.tickets.length });
    await answer(first, 'warm-up');
    const answered: TicketOutcome[] = [];
    for (const ticket of request.tickets) {
      if (signal.aborted) throw new JoulewiseError('cancelled', 'Stopped. Finished runs are kept.');
      const outcome = await answer(ticket, 'measured');
      answered.push(outcome);
      onProgress({
        phase: unit.task,
        done: answered.length,
        of: request.tickets.length,
        ticket: ticket.text,
        output: outcome.output,
        spent: await spent(meter),
      });
    }
    const noTemplate = tokenizer.hasTemplate ? [] : ['The checkpoint has no chat template; prompts are plain text.'];
    return await record(request, meter, startedAt, answered, {
      kernel: session.kernel,
      threads: session.threads,
      compression,
      fallbacks: [...session.fallbacks, ...noTemplate],
      wasmHeapBytes: session.heapBytes(),
      kernels: kernels.total,
      checkpoint: {
        name: files.name,
        hash: request.checkpoint.kind === 'stored' ? request.checkpoint.hash : request.checkpoint.kind,
        family: opened.family,
      },
    });
  } finally {
    await session?.close();
  }
}

/** How one ticket of a unit is answered, and how likely the reference was; kernels book what counts. */
function outcomes(
  o: Parameters<typeof createAnswer>[2],
  { unit, causes, plan }: UnitRequest,
  signal: AbortSignal,
  kernels: KernelBook,
): (ticket: Ticket, kind: AnswerOptions['kind']) => Promise<TicketOutcome> {
  const task = taskOf(unit.task, plan.templates);
  const answer = createAnswer(task, causes, o);
  const { session, tokenizer, stopIds } = o;
  return async (ticket, kind) => {
    const limit = kind === 'warm-up' ? WARM_UP_TOKENS : Math.min(plan.maxNewTokens, task.maxNewTokens);
    const { promptIds, ...made } = await answer(ticket, { kind, limit, signal });
    kernels.take(kind === 'measured');
    const reference = referenceOf(task, ticket);
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

/** The classical answer to a task (`score/baseline.ts`), under the same meter. */
async function runBaseline(request: UnitRequest, { onProgress, signal }: UnitContext): Promise<RunRecord> {
  const { unit, tickets, train, causes } = request;
  const task = taskOf(unit.task, request.plan.templates);
  const startedAt = new Date().toISOString();
  const meter = meterFor(request, () => undefined);
  await idleWindow(meter);
  const usable = train.filter((t) => task.target(t) !== null);
  if (usable.length < 2)
    throw new JoulewiseError(
      'recipe.impossible',
      'The classical baseline needs at least two training tickets with answers; it is left out.',
    );
  const workOf = (work: { bytes: number; flops: number }): WindowWork => ({
    bytes: bytes(work.bytes),
    flops: flops(work.flops),
    tokens: null,
  });
  onProgress({ phase: 'train', done: 0, of: 1 });
  const model = await meter.window(
    'train',
    (m) => workOf(m.work),
    () =>
      trainBaseline({
        task: unit.task,
        texts: usable.map((t) => t.text),
        targets: usable.map((t) => referenceOf(task, t)),
      }),
  );
  const outcomes: TicketOutcome[] = [];
  for (const ticket of tickets) {
    if (signal.aborted) throw new JoulewiseError('cancelled', 'Stopped. Finished runs are kept.');
    const start = performance.now();
    const prediction = await meter.window(
      'prefill',
      (p) => workOf(p.work),
      () => predict(model, ticket.text),
    );
    outcomes.push({
      id: ticket.id,
      promptTokens: 0,
      newTokens: 0,
      prefillMs: performance.now() - start,
      decodeMs: 0,
      output: prediction.output,
      reference: referenceOf(task, ticket),
      scores: model.task === 'rca' && prediction.scores ? scoresOf(model, prediction.scores, causes) : null,
      referenceLogProb: null,
      referenceTokens: null,
    });
  }
  onProgress({ phase: unit.task, done: tickets.length, of: tickets.length });
  return record(request, meter, startedAt, outcomes, {
    kernel: BASELINE_KERNEL[unit.task],
    threads: 1,
    compression: null,
    fallbacks: [],
    wasmHeapBytes: null,
    kernels: null,
    checkpoint: { name: 'none', hash: 'none', family: 'classical' },
  });
}
