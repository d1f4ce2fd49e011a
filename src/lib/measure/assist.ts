import { JoulewiseError } from '../core/errors';
import { taskOf } from '../data/tasks';
import type { Meter } from '../meter/meter';
import { openMeter, ratesFor } from '../meter/open';
import { addReadings, mainReadings } from '../meter/readings';
import type { EngineSession } from '../engine/session';
import { openVariant, type OpenVariant } from '../engine/open';
import { probabilities } from '../score/confidence';
import type { Ticket } from '../schema/dataset';
import type { CheckpointRef, Templates } from '../schema/plan';
import type { Device, Reading, TaskName } from '../schema/run';
import type { EngineName } from '../schema/engines';
import type { SamplerAccess } from '../schema/sampler';
import { openOutputs, type WriteOutput } from './answer';
import { blends } from '../plan/units';
import { adapterFor, type AdapterRequest } from './adapter';
import { openBlend, type OpenBlend } from './blend';
import { calibrationOn } from './calibration';
import { COMPUTED_WHOLE, holdPrefix, prefixOf, useAdapterOf } from './prefix';
import { WARM_UP_TOKENS, type UnitContext } from './unit';
import { UNCOUNTED } from './work';

/** A variant that answers tickets as they come, on this device. */
export interface AssistRequest {
  checkpoint: CheckpointRef;
  variant: string;
  engine: EngineName;
  threads: number | null;
  tasks: readonly TaskName[];
  /** The plan's own prompts. */
  templates: Templates | undefined;
  causes: string[];
  /** Training tickets, for recipes that calibrate. */
  train: Ticket[];
  /** Validation tickets, and the plan's seed, for variants that are fine-tuned. */
  validation: Ticket[];
  seed: number;
  device: Device;
  /** Power profile that the user confirmed; null = guess. */
  profile: string | null;
  /** How to reach a paired sampler; null or none = none is paired. */
  sampler?: SamplerAccess | null;
  maxNewTokens: number;
}

/** What one task made of a ticket, with what it took. */
export interface Assistance {
  task: TaskName;
  output: string;
  promptTokens: number;
  /** Of these, taken from the task's prefix, which is kept from question to question. */
  sharedTokens: number;
  newTokens: number;
  ms: number;
  /** Prefill and decode together; its joules are null where the work cannot be counted. */
  reading: Reading;
  /** Share of each cause among the allowed ones, most likely first; null for tasks that write. */
  causes: { cause: string; share: number }[] | null;
}

export interface Assistant {
  kernel: string;
  fallbacks: readonly string[];
  answer(
    text: string,
    o: { signal: AbortSignal; onText: (task: TaskName, text: string) => void },
  ): Promise<Assistance[]>;
}

/** Causes with what the model would bet on each, were these all the causes there are; the likeliest first. */
export function likeliest(causes: readonly string[], scores: readonly number[]): { cause: string; share: number }[] {
  const bets = probabilities(scores, 1);
  return causes.map((cause, i) => ({ cause, share: bets[i] ?? 0 })).toSorted((a, b) => b.share - a.share);
}

const ticketOf = (text: string): Ticket => ({
  id: 'pasted',
  text,
  cause: null,
  response: null,
  group: null,
  time: null,
});

/** The adapter of a variant as PEFT saves it. Throws `recipe.impossible` where it names none. */
export async function adapterFiles(
  request: AdapterRequest,
  context: Pick<UnitContext, 'openFiles' | 'openHost' | 'tuned' | 'onProgress' | 'signal'>,
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const { tasks, templates, train, causes, checkpoint, threads } = request;
  const files = await context.openFiles(checkpoint);
  const calibration = calibrationOn({ tasks, templates, train, causes }, () =>
    context.openHost({ checkpoint, threads }),
  );
  const found = await adapterFor(request, context, { files, calibration });
  if (!found) throw new JoulewiseError('recipe.impossible', 'This variant was not fine-tuned, so there is no adapter.');
  return found.tuned.files(files.name);
}

/** Opens a variant and warms it up, so that the first answer takes no longer than the others. */
export async function openAssistant(
  request: AssistRequest,
  context: Pick<
    UnitContext,
    | 'openFiles'
    | 'keepingOf'
    | 'timings'
    | 'assets'
    | 'openHost'
    | 'samplerPort'
    | 'known'
    | 'tuned'
    | 'onProgress'
    | 'signal'
  >,
): Promise<Assistant> {
  const { tasks, templates, causes, engine, checkpoint, threads, maxNewTokens } = request;
  const sources = {
    device: request.device,
    engine,
    profile: request.profile,
    sampler: context.samplerPort(request.sampler ?? null),
    known: (await context.known?.()) ?? null,
  };
  let session: EngineSession | null = null;
  const freshMeter = (): Meter => openMeter(sources, () => session?.fence());
  const loading = freshMeter();
  const files = await context.openFiles(checkpoint);
  const calibration = calibrationOn({ tasks, templates, train: request.train, causes }, () =>
    context.openHost({ checkpoint, threads }),
  );
  const opened: OpenVariant = await openVariant({
    files,
    tuned: (await adapterFor(request, context, { files, calibration, sources }))?.tuned ?? null,
    variant: request.variant,
    engine,
    threads,
    rates: ratesFor(sources),
    keeping: context.keepingOf(checkpoint),
    timings: context.timings,
    assets: context.assets,
    calibration,
    inPhase: (phase, work) => loading.window(phase, UNCOUNTED, work),
    onProgress: (done, of) => context.onProgress({ phase: 'load', done, of }),
    signal: context.signal,
  });
  session = opened.session;
  let blend: OpenBlend | null = null;
  const answerOf = (task: TaskName, meter: Meter): WriteOutput =>
    openOutputs(taskOf(task, templates), causes, { ...opened, meter, blend });
  for (const task of tasks) {
    useAdapterOf(session, taskOf(task, templates));
    await holdPrefix(session, loading, 'warm-up', prefixOf(taskOf(task, templates), causes, opened.tokenizer));
    if (blends(request, request.variant) && taskOf(task, templates).scored === 'labels')
      blend = await openBlend(taskOf(task, templates), request, answerOf(task, loading), loading, {
        signal: context.signal,
        onProgress: (done, of) => context.onProgress({ phase: 'blend', done, of }),
      });
    await answerOf(task, loading)(ticketOf('Test'), { kind: 'warm-up', limit: WARM_UP_TOKENS });
  }
  return {
    kernel: session.kernel,
    fallbacks: session.prefixes ? session.fallbacks : [...session.fallbacks, COMPUTED_WHOLE],
    async answer(text, { signal, onText }) {
      const made: Assistance[] = [];
      for (const task of tasks) {
        const meter = freshMeter();
        if (session) useAdapterOf(session, taskOf(task, templates));
        const { promptIds, shared, newTokens, prefillMs, decodeMs, output, scores } = await answerOf(task, meter)(
          ticketOf(text),
          {
            kind: 'measured',
            limit: Math.min(maxNewTokens, taskOf(task, templates).maxNewTokens),
            signal,
            onText: (written) => onText(task, written),
          },
        );
        const [first, ...rest] = mainReadings(await meter.read());
        if (!first) continue;
        made.push({
          task,
          output,
          promptTokens: promptIds.length,
          sharedTokens: shared,
          newTokens,
          ms: prefillMs + decodeMs,
          reading: addReadings(first, ...rest),
          causes: scores && likeliest(causes, scores),
        });
        onText(task, output);
      }
      return made;
    },
  };
}
