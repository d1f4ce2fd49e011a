import DataWorker from '../workers/data.worker?worker';
import EngineWorker from '../workers/engine.worker?worker';
import type { DataApi, EngineApi } from '../workers/protocol';
import type { TuneApi } from '../workers/tune/protocol';
import TuneWorker from '../workers/tune/tune.worker?worker';
import { connect, type Api, type CallOptions, type Connection } from '../workers/rpc';

/** Starts a thread for one call and ends it after: a WebAssembly heap never shrinks. */
function single<A extends Api>(start: () => Worker) {
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
export const callTune = single<TuneApi>(() => new TuneWorker());
export const callData = single<DataApi>(() => new DataWorker());

export type KeptData = Connection<DataApi>;

/** A thread that keeps what it was told between calls, until `end`. */
export const keepData = (): KeptData => connect<DataApi>(new DataWorker());

export type KeptEngine = Connection<EngineApi>;

/** A thread that keeps its open model between calls, until `end`. */
export const keepEngine = (): KeptEngine => connect<EngineApi>(new EngineWorker());
