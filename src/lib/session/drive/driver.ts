import { JoulewiseError, toWireError, type WireError } from '../../core/errors';
import { foldRuns } from '../../rank/fold';
import type { DriveApi, DriveCommand } from '../protocol/drive-api';
import { runPlan } from '../run/run-plan';
import { forget, planHash } from '../run/stored';
import { takeExport } from '../threads/exports';
import { callFit } from '../fit/fit';
import { storeTickets } from '../threads/store-tickets';
import { generateTickets, importTickets, openTickets, type Tickets } from '../threads/tickets';
import BenchWorker from '../../workers/bench/bench.worker?worker';
import type { BenchApi } from '../../workers/bench/protocol';
import type { TuneApi } from '../../workers/tune/protocol';
import TuneWorker from '../../workers/tune/tune.worker?worker';
import { callData, callEngine, single } from '../threads/workers';

/**
 * What the command line calls in the page: the same workers and stores that the pages use. Results and errors are
 * plain data; progress goes through the `joulewiseEvent` binding where there is one.
 */
declare global {
  interface Window {
    joulewise?: (command: string, args: unknown) => Promise<{ ok: unknown } | { error: WireError }>;
    joulewiseEvent?: (event: unknown) => void;
  }
}

/** The bench has a thread of its own, which only this page loads. */
const callTune = single<TuneApi>(() => new TuneWorker());
const callBench = single<BenchApi>(() => new BenchWorker());

const onEvent = (event: unknown) => window.joulewiseEvent?.(event);

/** Hands a finished export's files to the command line, and removes them here. */
const sendExport = (id: string, upload: string): Promise<{ path: string; bytes: number }[]> =>
  takeExport(id, async (files) => {
    for (const { path, file } of files) {
      const sent = await fetch(upload + path, { method: 'PUT', body: file });
      if (!sent.ok) throw new JoulewiseError('internal', `The file ${path} could not be handed over.`);
    }
    return files.map(({ path, file }) => ({ path, bytes: file.size }));
  });

/** Takes the tickets out of their thread. */
const wholeOf = (tickets: Tickets) => tickets.whole().finally(() => tickets.end());

const COMMANDS: { [M in DriveCommand]: (args: DriveApi[M]['args']) => Promise<DriveApi[M]['result']> } = {
  probe: () => callEngine('probe', null),
  evaluate: (args) => callEngine('evaluate', args, { onEvent }),
  generate: (args) => callEngine('generate', args, { onEvent }),
  speed: (args) => callBench('speed', args, { onEvent }),
  measureRecipe: (args) => callBench('measureRecipe', args, { onEvent }),
  kernelLimits: (args) => callBench('kernelLimits', args),
  routine: (args) => callFit('routine', args, { onEvent }),
  keepKnown: (args) => callFit('keepKnown', args),
  scaleSpeed: (args) => callBench('scaleSpeed', args),
  sharingSpeed: (args) => callBench('sharingSpeed', args),
  trace: (args) => callBench('trace', args),
  compressSpeed: (args) => callBench('compressSpeed', args),
  storeCheckpoint: (args) => callData('storeCheckpoint', args),
  storeHub: (args) => callData('storeHub', args),
  importTickets: async (args) => wholeOf((await importTickets(args)).tickets),
  generateTickets: async (args) => (await wholeOf(await generateTickets(args))).dataset,
  calibrateSpeed: (args) => callBench('calibrateSpeed', args, { onEvent }),
  async compress({ upload, ...args }) {
    const report = await callEngine('compress', args, { onEvent });
    const files = await sendExport(report.id, upload);
    return { ...report, files };
  },
  async exportVariant({ upload, ...args }) {
    const report = await callEngine('exportVariant', args, { onEvent });
    return { ...report, files: await sendExport(report.id, upload) };
  },
  async exportGguf({ upload, ...args }) {
    const report = await callEngine('exportGguf', args, { onEvent });
    return { ...report, files: await sendExport(report.id, upload) };
  },
  async tune({ dataset, validation, train, upload, ...request }) {
    const tickets = await openTickets(await storeTickets(dataset));
    try {
      const given = await tickets.give({
        tasks: request.tasks,
        limit: 0,
        seed: request.options.seed,
        validation,
        answered: true,
        train: train ?? true,
      });
      const report = await callTune('tune', { ...request, given }, { onEvent, transfer: [given] });
      return { ...report, files: await sendExport(report.id, upload) };
    } finally {
      tickets.end();
    }
  },
  async build({ upload, ...args }) {
    const report = await callTune('build', args, { onEvent });
    return { ...report, files: await sendExport(report.id, upload) };
  },
  tuneSpeed: (args) => callTune('tuneSpeed', args, { onEvent }),
  lessons: (args) => callTune('lessons', args),
  async runPlan({ plan, dataset, name, fresh, calibrationTexts, sampler }) {
    if (fresh) await forget(plan);
    const device = await callEngine('probe', null);
    const outcome = await runPlan({
      plan,
      dataset: await storeTickets(dataset),
      device,
      name,
      onEvent,
      signal: new AbortController().signal,
      calibrationTexts: calibrationTexts ?? null,
      sampler: sampler ?? null,
    });
    return { ...outcome, folded: foldRuns(outcome.runs, plan), plan: await planHash(plan) };
  },
};

export function installDriver(): void {
  window.joulewise = async (command, args) => {
    try {
      const run = Object.hasOwn(COMMANDS, command) ? COMMANDS[command as DriveCommand] : null;
      if (!run) throw new JoulewiseError('option.unknown', `The page knows no command "${command}".`);
      return { ok: await run(args as never) };
    } catch (error) {
      if (!(error instanceof JoulewiseError)) console.error(error);
      return { error: toWireError(error) };
    }
  };
}
