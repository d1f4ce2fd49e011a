// What the loader calls. Thread 0 calls `run`; every other thread stays in `serve` until the engine closes. All state is
// in the shared memory (layout.ts), so an instance is only code.
import {
  COMMAND_GEMM,
  COMMAND_GEMV,
  COMMAND_PASS,
  COMMAND_PEAK_FLOAT,
  COMMAND_PEAK_INT,
  COMMAND_QUIT,
  COMMAND_READ,
} from './layout';
import { matrixProduct, peakFloat, peakInt, readAll, vectorProducts } from './limits';
import { pass } from './model';
import { announce, nextCommand } from './threads';

export { fillMasks } from './float16';
export { attend, keep, matvec, mineOf, newInput, packToken } from './model';
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

/** What the probe's sum starts at: Node 20 forgets it, and must not count as exact. */
const PROBE_START: i32 = 7;

/**
 * What the relaxed dot does with its second operand here: 128 = unsigned and exact (x86 with VNNI), 0 = signed (ARM), 64 =
 * seven bits only; null's stand-in -1 without relaxed SIMD. The first two do it in one instruction, so sums are wide there.
 */
export function probe(): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return -1;
  // 100 * -56 four times: -22400 if signed; 100 * 200 * 4 = 80000 if unsigned.
  const r = i32x4.extract_lane(
    i32x4.relaxed_dot_i8x16_i7x16_add_s(i8x16.splat(100), i8x16.splat(-56), i32x4.splat(PROBE_START)),
    0,
  );
  return r == 80000 + PROBE_START ? 128 : r == PROBE_START - 22400 ? 0 : 64;
}
