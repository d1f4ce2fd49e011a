import DataWorker from '../../workers/data/data.worker?worker';
import EngineWorker from '../../workers/engine/engine.worker?worker';
import type { DataApi } from '../../workers/data/protocol';
import type { EngineApi } from '../../workers/engine/protocol';
import { connect, type Api, type CallOptions, type Connection } from '../../core/rpc';

/** Starts a thread for one call and ends it after: a WebAssembly heap never shrinks. */
export function single<A extends Api>(start: () => Worker) {
  return async <M extends keyof A & string>(
    method: M,
    args: A[M]['args'],
    options: CallOptions<A[M]['event']> = {},
  ): Promise<A[M]['result']> => {
    const connection: Connection<A> = connect<A>(start());
    try {
      return await connection.call(method, args, options);
    } finally {
      connection.end();
    }
  };
}

export const callEngine = single<EngineApi>(() => new EngineWorker());
export const callData = single<DataApi>(() => new DataWorker());

/** Results of a stored plan, and its runs without their tickets: read and folded in a thread of its own. */
export const foldStored = (hash: string) => callData('foldStored', { hash });

export type KeptData = Connection<DataApi>;

/** A thread that keeps what it was told between calls, until `end`. */
export const keepData = (): KeptData => connect<DataApi>(new DataWorker());

export type KeptEngine = Connection<EngineApi>;

/** A thread that keeps its open model between calls, until `end`. */
export const keepEngine = (): KeptEngine => connect<EngineApi>(new EngineWorker());
