// What the loader calls. Thread 0 calls `run`; every other thread stays in `serve` until the engine closes. All state is
// in the shared memory (layout.ts), so an instance is only code.
import {
  COMMAND_GEMM,
  COMMAND_GEMV,
  COMMAND_PASS,
  COMMAND_PEAK_BYTE,
  COMMAND_PEAK_FLOAT,
  COMMAND_PEAK_INT,
  COMMAND_QUIT,
  COMMAND_READ,
} from './layout';
import { matrixProduct, peakByte, peakFloat, peakInt, readAll, vectorProducts } from './limits';
import { pass } from './model';
import { announce, nextCommand } from './threads';

export { fillMasks } from './float16';
export { attend } from './decode';
export { matvec, mineOf, newInput } from './matvec';
export { packToken } from './prefill';
export { keep } from './token';
export { barrier } from './threads';

function perform(command: i32, thread: i32, threads: i32): void {
  switch (command) {
    case COMMAND_PASS:
      return pass(thread, threads);
    case COMMAND_READ:
      return readAll(thread, threads);
    case COMMAND_GEMV:
      return vectorProducts(thread, threads);
    case COMMAND_GEMM:
      return matrixProduct(thread, threads);
    case COMMAND_PEAK_INT:
      return peakInt(thread, threads);
    case COMMAND_PEAK_BYTE:
      return peakByte(thread, threads);
    case COMMAND_PEAK_FLOAT:
      return peakFloat(thread, threads);
  }
}

/** Thread 0: does its share of `command` with the others, and returns when all is done. */
export function run(command: i32, threads: i32): void {
  announce(command, threads);
  perform(command, 0, threads);
}

/** Any other thread: takes part in commands until it is told to quit. */
export function serve(thread: i32, threads: i32): void {
  // The turn is read back rather than counted: a local held across a wait was lost in Node 20's first compiler tier.
  for (;;) {
    const command = nextCommand();
    if (command == COMMAND_QUIT) return;
    perform(command, thread, threads);
  }
}

/** Whether this build has relaxed SIMD. */
export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}
