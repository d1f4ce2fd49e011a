import { deviceDot, type BuildName, type ByteDot } from '../core/dot';
import { COMMAND_QUIT } from '../../kernels/layout';
import type { KernelMemory } from './memory';

/** What src/kernels/index.ts exports; numbers are int32 or addresses. */
export interface KernelExports {
  run(command: number, threads: number): void;
  serve(thread: number, threads: number): void;
  fillMasks(): void;
  isRelaxed(): number;
  newInput(): void;
  matvec(matrix: number, x: number, y: number, from: number, to: number, mine: number): void;
  mineOf(thread: number): number;
  keep(layer: number, kvHead: number, slot: number, key: number, value: number): void;
  attend(layer: number, head: number, q: number, to: number, mine: number): void;
  packToken(x: number, depth: number, token: number, forms: number, mine: number): void;
}

export const BUILD_NAMES = ['relaxed', 'plain'] as const satisfies readonly BuildName[];

/** What a thread needs to join: it instantiates, says it is ready, and serves until it is told to quit. */
export interface ThreadSeat {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  thread: number;
  threads: number;
}

/** Starts one more thread; resolves when it serves. `end` stops it for good. */
export type Spawn = (seat: ThreadSeat) => Promise<{ end: () => void }>;

/** An instance on this thread. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, now: () => performance.now() } });
  return exports as unknown as KernelExports;
}

/** Smallest module that uses i16x8.relaxed_dot_i8x16_i7x16_s: valid where relaxed SIMD is known. */
const RELAXED_MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15,
  253, 128, 2, 11,
];

/** The best build that this browser runs. */
export const bestBuild = (): BuildName => (WebAssembly.validate(Uint8Array.from(RELAXED_MODULE)) ? 'relaxed' : 'plain');

/** What the given build finds on this device. */
export const byteDotOf = (build: BuildName): ByteDot =>
  build === 'plain' || bestBuild() === 'plain' ? null : deviceDot();

/** The threads of an engine: this one and those it spawned. */
export class ThreadTeam {
  private constructor(
    private readonly exports: KernelExports,
    readonly threads: number,
    private readonly others: readonly { end: () => void }[],
  ) {}

  /** A team of `threads`, or of as many fewer as can be started; of one where none can. */
  static async start(
    module: WebAssembly.Module,
    memory: KernelMemory,
    threads: number,
    spawn: Spawn,
  ): Promise<ThreadTeam> {
    const exports = instantiate(module, memory.memory);
    for (let size = threads; ;) {
      const started = await Promise.allSettled(
        Array.from({ length: size - 1 }, (_, i) =>
          spawn({ module, memory: memory.memory, thread: i + 1, threads: size }),
        ),
      );
      const others = started.flatMap((s) => (s.status === 'fulfilled' ? [s.value] : []));
      if (others.length === size - 1) return new ThreadTeam(exports, size, others);
      // Each thread was told how many there are: those that started make room for a smaller team.
      for (const other of others) other.end();
      size = others.length + 1;
    }
  }

  /** Runs a command on all threads and returns when it is done; this thread works too. */
  run(command: number): void {
    this.exports.run(command, this.threads);
  }
  get kernels(): KernelExports {
    return this.exports;
  }

  end(): void {
    this.exports.run(COMMAND_QUIT, this.threads);
    for (const o of this.others) o.end();
  }
}
