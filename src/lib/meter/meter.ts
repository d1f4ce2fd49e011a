import { JoulewiseError } from '../core/errors';
import { bytes, operations, seconds, type Bytes, type Operations } from '../core/units';
import { PHASES, type Phase, type Reading } from '../schema/run';
import { ARITHMETICS, type Arithmetic } from '../core/cost';
import { sumReadings, type EnergySource, type MeterWindow } from './readings';

/** Work of one window. Null where nobody counted it. */
export interface WindowWork {
  bytes: Bytes | null;
  operations: Operations | null;
  tokens: number | null;
  arithmetic?: Arithmetic;
}

export interface MeterOptions {
  /** Milliseconds, monotonic: `performance.now`. */
  clock: () => number;
  /** Resolves when everything submitted to the device is done: `queue.onSubmittedWorkDone()`; nothing to wait for on a CPU. */
  fence: () => Promise<void> | void;
  sources: readonly EnergySource[];
}

export interface Meter {
  /**
   * Runs `run` between two fences and books its time and work under `phase`. `work` may be a function of the result,
   * for windows whose work is known only afterwards (tokens generated). One window at a time. A window whose `run`
   * throws is not booked, as its work is unknown; the error passes through.
   */
  window<T>(phase: Phase, work: WindowWork | ((result: T) => WindowWork), run: () => Promise<T> | T): Promise<T>;
  /** What was booked so far, one window per phase and arithmetic, in the order of PHASES. */
  windows(): MeterWindow[];
  /** Joules of what was booked so far, one reading per phase and source: asked at the end. */
  read(): Promise<Reading[]>;
  /**
   * Asks sources that count for what was booked since they were last asked, and keeps what they say: long work outlasts what
   * a sampler remembers (30 minutes). Throws `internal` inside a window.
   */
  settle(): Promise<void>;
  /** What counters said of what is settled. */
  settled(): Reading[];
  /** Joules so far by sources that answer at once and for nothing, for a live view. */
  peek(): Reading[];
}

interface Account {
  milliseconds: number;
  bytes: number | null;
  operations: number | null;
  tokens: number | null;
  spans: number[];
}

type Accounts = Map<`${Phase}/${Arithmetic}`, Account>;

const plus = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b);

function book(
  accounts: Accounts,
  phase: Phase,
  start: number,
  end: number,
  { arithmetic = 'f32', ...work }: WindowWork,
): void {
  const key = `${phase}/${arithmetic}` as const;
  const account = accounts.get(key) ?? { milliseconds: 0, bytes: 0, operations: 0, tokens: 0, spans: [] };
  account.milliseconds += end - start;
  account.bytes = plus(account.bytes, work.bytes);
  account.operations = plus(account.operations, work.operations);
  account.tokens = plus(account.tokens, work.tokens);
  account.spans.push(start, end);
  accounts.set(key, account);
}

/** One window a phase and arithmetic, in the order of PHASES. */
const windowsOf = (accounts: Accounts) =>
  PHASES.flatMap((phase) =>
    ARITHMETICS.flatMap((arithmetic): MeterWindow[] => {
      const account = accounts.get(`${phase}/${arithmetic}`);
      if (!account) return [];
      return [
        {
          phase,
          arithmetic,
          seconds: seconds(account.milliseconds / 1000),
          bytes: account.bytes === null ? null : bytes(account.bytes),
          operations: account.operations === null ? null : operations(account.operations),
          tokens: account.tokens,
          spans: account.spans.slice(),
        },
      ];
    }),
  );

/** Adds up many short windows per phase; keeps when they were, so that a counter can be asked afterwards. */
export function createMeter({ clock, fence, sources }: MeterOptions): Meter {
  const accounts: Accounts = new Map();
  /** What each said of parts that are settled, and what it was not asked for yet. */
  const counters = new Map(
    sources
      .filter((source) => !source.peek)
      .map((source) => [source, { told: [] as Reading[], left: new Map() as Accounts }]),
  );
  let open: Phase | null = null;

  async function told(source: EnergySource): Promise<Reading[]> {
    const counter = counters.get(source);
    if (!counter) return source.read(windowsOf(accounts));
    return [...counter.told, ...(counter.left.size > 0 ? await source.read(windowsOf(counter.left)) : [])];
  }

  return {
    async window(phase, work, run) {
      if (open) throw new JoulewiseError('internal', `A ${phase} window was opened inside a ${open} window.`);
      open = phase;
      try {
        await fence();
        const start = clock();
        const result = await run();
        await fence();
        const booked = typeof work === 'function' ? work(result) : work;
        const end = clock();
        for (const of of [accounts, ...[...counters.values()].map(({ left }) => left)])
          book(of, phase, start, end, booked);
        return result;
      } finally {
        open = null;
      }
    },
    windows: () => windowsOf(accounts),
    async settle() {
      if (open) throw new JoulewiseError('internal', `A meter was settled inside a ${open} window.`);
      await Promise.all(
        [...counters].map(async ([source, counter]) => {
          const all = await told(source);
          // What it could not tell may be asked for again, as long as it remembers.
          if (all.some(({ joules }) => joules === null)) return;
          counter.told = all;
          counter.left.clear();
        }),
      );
    },
    settled: () => sumReadings([...counters.values()].flatMap(({ told: own }) => own)),
    read: async () => sumReadings((await Promise.all(sources.map(told))).flat()),
    peek: () => sumReadings(sources.flatMap((source) => source.peek?.(windowsOf(accounts)) ?? [])),
  };
}
