/** Adds up milliseconds of work: of phase `named`, and of all others under `rest`. */
export function stopwatch<N extends string, R extends string>(named: N, rest: R) {
  const ms = { [named]: 0, [rest]: 0 } as Record<N | R, number>;
  return {
    ms,
    inPhase: async <T>(phase: string, work: () => Promise<T>): Promise<T> => {
      const start = performance.now();
      try {
        return await work();
      } finally {
        ms[phase === named ? named : rest] += performance.now() - start;
      }
    },
  };
}
