import { httpSource } from '../checkpoint/source';
import { JoulewiseError, toWireError, type WireError } from '../core/errors';
import type { CheckpointRef } from '../schema/plan';
import { storeCheckpoint } from '../store/opfs';
import { engineWorker } from './engine';
import type { EngineApi } from '../workers/protocol';

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

/** One call in a worker of its own, which ends with it. */
async function once<M extends keyof EngineApi & string>(method: M, args: EngineApi[M]['args']): Promise<EngineApi[M]['result']> {
  const worker = engineWorker();
  try {
    return await worker.call(method, args, { onEvent: (event) => window.joulewiseEvent?.(event) });
  } finally {
    worker.end();
  }
}

/** Copies files that the command line serves into OPFS. */
async function storeServed({ name, files }: { name: string; files: { name: string; url: string }[] }): Promise<CheckpointRef> {
  const sources = await Promise.all(
    files.map(async (f) => {
      const source = await httpSource(f.name, f.url);
      if (!source) throw new JoulewiseError('input.unreadable', `File "${f.name}" is not there.`);
      return source;
    }),
  );
  return { kind: 'stored', name, hash: await storeCheckpoint(sources) };
}

const COMMANDS: Record<string, (args: never) => Promise<unknown>> = {
  probe: () => once('probe', null),
  evaluate: (args: EngineApi['evaluate']['args']) => once('evaluate', args),
  generate: (args: EngineApi['generate']['args']) => once('generate', args),
  storeServed,
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
