import EngineWorker from '../workers/engine.worker?worker';
import type { EngineApi } from '../workers/protocol';
import { connect, type Connection } from '../workers/rpc';

/** A fresh engine thread. End it after one variant: its heap never shrinks. */
export const engineWorker = (): Connection<EngineApi> => connect<EngineApi>(new EngineWorker());
