import * as L from '../../kernels/layout';
import type { Arithmetic } from '../core/cost';
import type { SegmentKind } from '../schema/energy-model';
import type { PrecisionName } from '../tensor/precisions';
import { layoutsOf } from './formats';
import { PEAK_OPERATIONS } from './limits';
import { NARROW, Scratch, TOKENS, WIDE, type ScratchOptions } from './scratch';

/** Kernels that tell what reading, computing and waiting cost, each a few tens of milliseconds; then those of engines. */
export interface CpuKernel {
  kind: Exclude<SegmentKind, 'idle'>;
  arithmetic: Arithmetic;
  /** Runs once: bytes read and operations done. */
  once: () => { bytes: number; operations: number };
}

/** Weights of each product; four of them are more than any last-level cache that this is likely to meet. */
const SHARE_BYTES = 64 * 2 ** 20;
const PEAK_ROUNDS = 200_000;
/** Commands that hold next to no work: threads wake, look, and wait. */
const LAUNCHES = 500;

/** Opens the kernels; `close` ends their threads. @throws engine.memory where there is no room for them */
export async function openRoutine(o: ScratchOptions): Promise<{ kernels: CpuKernel[]; close: () => void }> {
  const scratch = await Scratch.open(o);
  try {
    const { memory } = scratch;
    const region = memory.take(4 * SHARE_BYTES);
    // Pages never written to share one page of zeros, which every cache holds.
    memory.u8(region, 4 * SHARE_BYTES).fill(1);
    const byte: Arithmetic = o.dot === null ? 'i16' : 'i8';
    const peak = (arithmetic: Arithmetic, command: number, operations: number): CpuKernel => ({
      kind: 'computing',
      arithmetic,
      once: () => {
        scratch.time(command, PEAK_ROUNDS);
        return { bytes: 0, operations: o.threads * PEAK_ROUNDS * operations };
      },
    });
    const activations = 4 * (WIDE + NARROW);
    /** One token times matrices from memory, as an answer is written. */
    const gemv = (
      kind: CpuKernel['kind'],
      precision: PrecisionName,
      arithmetic: Arithmetic,
      share: number,
    ): CpuKernel => {
      const placed = scratch.place(precision, layoutsOf(precision, o.dot).dense);
      const at = region + share * SHARE_BYTES;
      const copies = scratch.copy(placed, at, SHARE_BYTES);
      return {
        kind,
        arithmetic,
        once: () => {
          scratch.one(placed, at, copies);
          return { bytes: copies * (placed.bytes + activations), operations: copies * 2 * WIDE * NARROW };
        },
      };
    };
    /** Many tokens times one matrix, as a ticket is read. */
    const gemm = (precision: PrecisionName, arithmetic: Arithmetic): CpuKernel => {
      const placed = scratch.place(precision, layoutsOf(precision, o.dot).dense);
      return {
        kind: 'prefill',
        arithmetic,
        once: () => {
          scratch.packTokens(placed);
          scratch.many(placed);
          return { bytes: placed.bytes + TOKENS * activations, operations: TOKENS * 2 * WIDE * NARROW };
        },
      };
    };
    const kernels: CpuKernel[] = [
      {
        kind: 'waiting',
        arithmetic: 'f32',
        once: () => {
          for (let i = 0; i < LAUNCHES; i++) scratch.time(L.COMMAND_PEAK_FLOAT, 1);
          return { bytes: 0, operations: LAUNCHES * o.threads * PEAK_OPERATIONS.float };
        },
      },
      {
        kind: 'reading',
        arithmetic: 'f32',
        once: () => {
          scratch.time(L.COMMAND_READ, region, 4 * SHARE_BYTES, L.STREAMS);
          return { bytes: 4 * SHARE_BYTES, operations: 0 };
        },
      },
      peak('f32', L.COMMAND_PEAK_FLOAT, PEAK_OPERATIONS.float),
      peak('i16', L.COMMAND_PEAK_INT, PEAK_OPERATIONS.int),
      ...(o.dot === null ? [] : [peak('i8', L.COMMAND_PEAK_BYTE, PEAK_OPERATIONS.byte)]),
      gemv('mixed', 'fp32', 'f32', 0),
      gemv('mixed', 'int4', byte, 1),
      gemm('fp16', 'f32'),
      gemm('int8', byte),
      gemv('decode', 'fp16', 'f32', 2),
      gemv('decode', 'int8', byte, 3),
    ];
    return { kernels, close: () => scratch.close() };
  } catch (error) {
    scratch.close();
    throw error;
  }
}
