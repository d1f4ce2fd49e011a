/**
 * One error class; each failure has a code (for programs) and a sentence (for people) that says what to do.
 * `usage` marks codes that are the caller's input, not our work: the command line exits 2 for them, 1 for the rest. Pages
 * take the names alone.
 */
export const ERROR_CODES = {
  'input.unreadable': { usage: true },
  'input.format': { usage: true },
  'input.columns': { usage: true },
  'input.empty': { usage: true },
  'input.too-large': { usage: true },
  'option.unknown': { usage: true },
  'option.invalid': { usage: true },
  'checkpoint.truncated': { usage: true },
  'checkpoint.format': { usage: true },
  'checkpoint.unsupported': { usage: true },
  'recipe.unknown': { usage: true },
  'recipe.impossible': { usage: true },
  'link.invalid': { usage: true },
  'link.too-large': { usage: true },
  'link.newer': { usage: true },
  'record.invalid': { usage: true },
  'record.newer': { usage: true },
  'engine.unavailable': { usage: false },
  'engine.failed': { usage: false },
  'engine.lost': { usage: false },
  'engine.hung': { usage: false },
  'engine.memory': { usage: false },
  'engine.wrong': { usage: false },
  'run.skipped': { usage: false },
  'store.quota': { usage: false },
  'store.unavailable': { usage: false },
  'store.busy': { usage: false },
  'network.failed': { usage: false },
  'sampler.silent': { usage: false },
  'sampler.unpaired': { usage: true },
  'sampler.code': { usage: true },
  'sampler.unreadable': { usage: false },
  'browser.missing': { usage: false },
  cancelled: { usage: false },
  internal: { usage: false },
} as const satisfies Record<string, { usage: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export class JoulewiseError extends Error {
  override readonly name = 'JoulewiseError';
  constructor(
    readonly code: ErrorCode,
    /** One plain sentence: what happened and what to do. No stack, no jargon. */
    sentence: string,
    options?: { cause?: unknown },
  ) {
    super(sentence, options);
  }
}

/** What crosses a worker border. */
export interface WireError {
  code: ErrorCode;
  message: string;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof JoulewiseError) return { code: error.code, message: error.message };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

export const fromWireError = (wire: WireError) => new JoulewiseError(wire.code, wire.message);

/** Longest name shown in a sentence: hostile files carry megabytes where a name should be. */
const MAX_QUOTED = 80;

/** Quotes text from an input for use in a sentence: one line, short, no control characters. */
export function quote(text: string): string {
  // eslint-disable-next-line no-control-regex
  const clean = text.slice(0, MAX_QUOTED + 1).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return `"${clean.length > MAX_QUOTED ? clean.slice(0, MAX_QUOTED) + '...' : clean}"`;
}
