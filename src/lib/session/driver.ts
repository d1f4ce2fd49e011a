import { JoulewiseError, toWireError, type WireError } from '../core/errors';
import { summaryOf } from '../data/summary';
import { foldRuns } from '../rank/fold';
import type { DatasetRecord } from '../schema/dataset';
import type { PlanRecord } from '../schema/plan';
import type { DataApi, EngineApi } from '../workers/protocol';
import { runPlan } from '../session/run-plan';
import { generateTickets, importTickets, type Tickets } from '../session/tickets';
import { callData, callEngine } from '../session/workers';
import { planHash } from '../plan/execute';
import { saveDataset } from '../store/datasets';
import { removePlan } from '../store/db';
import { exportFiles, removeExport } from '../store/exports';

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

const onEvent = (event: unknown) => window.joulewiseEvent?.(event);

/** Hands a finished export's files to the command line, and removes them here. */
async function sendExport(id: string, upload: string): Promise<{ path: string; bytes: number }[]> {
  const files = await exportFiles(id);
  for (const { path, file } of files) {
    const sent = await fetch(upload + path, { method: 'PUT', body: file });
    if (!sent.ok) throw new JoulewiseError('internal', `The file ${path} could not be handed over.`);
  }
  await removeExport(id);
  return files.map(({ path, file }) => ({ path, bytes: file.size }));
}

/** Takes the tickets out of their thread. */
const wholeOf = (tickets: Tickets) => tickets.whole().finally(() => tickets.end());

const COMMANDS: Record<string, (args: never) => Promise<unknown>> = {
  probe: () => callEngine('probe', null),
  evaluate: (args: EngineApi['evaluate']['args']) => callEngine('evaluate', args, { onEvent }),
  generate: (args: EngineApi['generate']['args']) => callEngine('generate', args, { onEvent }),
  speed: (args: EngineApi['speed']['args']) => callEngine('speed', args, { onEvent }),
  measureRecipe: (args: EngineApi['measureRecipe']['args']) => callEngine('measureRecipe', args, { onEvent }),
  kernelLimits: (args: EngineApi['kernelLimits']['args']) => callEngine('kernelLimits', args),
  scaleSpeed: (args: EngineApi['scaleSpeed']['args']) => callEngine('scaleSpeed', args),
  compressSpeed: (args: EngineApi['compressSpeed']['args']) => callEngine('compressSpeed', args),
  storeCheckpoint: (args: DataApi['storeCheckpoint']['args']) => callData('storeCheckpoint', args),
  storeHub: (args: DataApi['storeHub']['args']) => callData('storeHub', args),
  importTickets: async (args: DataApi['import']['args']) => wholeOf((await importTickets(args)).tickets),
  generateTickets: async (args: DataApi['generate']['args']) => (await wholeOf(await generateTickets(args))).dataset,
  calibrateSpeed: (args: EngineApi['calibrateSpeed']['args']) => callEngine('calibrateSpeed', args, { onEvent }),
  async compress({ upload, ...args }: EngineApi['compress']['args'] & { upload: string }) {
    const report = await callEngine('compress', args, { onEvent });
    const files = await sendExport(report.id, upload);
    return { ...report, files };
  },
  async exportVariant({ upload, ...args }: EngineApi['exportVariant']['args'] & { upload: string }) {
    const report = await callEngine('exportVariant', args, { onEvent });
    return { ...report, files: await sendExport(report.id, upload) };
  },
  async exportGguf({ upload, ...args }: EngineApi['exportGguf']['args'] & { upload: string }) {
    const report = await callEngine('exportGguf', args, { onEvent });
    return { ...report, files: await sendExport(report.id, upload) };
  },
  async runPlan({
    plan,
    dataset,
    name,
    fresh,
    calibrationTexts,
  }: {
    plan: PlanRecord;
    dataset: DatasetRecord;
    name: string;
    fresh: boolean;
    calibrationTexts?: string[] | null;
  }) {
    if (fresh) await removePlan(await planHash(plan));
    const device = await callEngine('probe', null);
    await saveDataset(dataset);
    const outcome = await runPlan({
      plan,
      dataset: summaryOf(dataset),
      device,
      name,
      onEvent,
      signal: new AbortController().signal,
      calibrationTexts: calibrationTexts ?? null,
    });
    return { ...outcome, folded: foldRuns(outcome.runs, plan), plan: await planHash(plan) };
  },
};

export function installDriver(): void {
  window.joulewise = async (command, args) => {
    try {
      const run = COMMANDS[command];
      if (!run) throw new JoulewiseError('option.unknown', `The page knows no command "${command}".`);
      return { ok: await run(args as never) };
    } catch (error) {
      if (!(error instanceof JoulewiseError)) console.error(error);
      return { error: toWireError(error) };
    }
  };
}
