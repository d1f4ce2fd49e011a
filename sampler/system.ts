/**
 * All that a source may ask of a machine. The real one is `real.ts`; tests script another (`testing.ts`), so that what a
 * source makes of a counter can be held against known truth.
 */
export interface System {
  readonly platform: string;
  /** Text of a file. Throws `SystemFault`. */
  read(path: string): Promise<string>;
  /** Names in a folder, in order; none where there is no such folder. */
  list(path: string): Promise<string[]>;
  /** Where a link leads in the end; null where there is nothing. */
  resolve(path: string): Promise<string | null>;
  /** What a tool prints. No shell: arguments are given as they are. Throws `SystemFault`. */
  run(command: string, args: readonly string[]): Promise<string>;
  /** Text behind an http address. Throws `SystemFault`. */
  fetch(url: string): Promise<string>;
  /** Functions of a native library; null where there is none, or no way to call it. */
  library(name: LibraryName): Promise<unknown>;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

/** Native libraries that sources know: `native.ts` says what each of them offers. */
export type LibraryName = 'nvml' | 'perf';

export type FaultCode = 'absent' | 'denied' | 'failed' | 'slow';

/** Why the machine did not answer. */
export class SystemFault extends Error {
  constructor(
    readonly code: FaultCode,
    message: string,
  ) {
    super(message);
  }
}

/** What `ask` gives, or null where the machine has nothing there or does not let anybody read it. */
export async function orNull<T>(ask: Promise<T>): Promise<T | null> {
  try {
    return await ask;
  } catch (error) {
    if (error instanceof SystemFault) return null;
    throw error;
  }
}

/** A finite number, or null: "N/A", "[Not Supported]" and an empty field are unknown, never 0. */
export function numberIn(text: string | null | undefined): number | null {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return null;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : null;
}
