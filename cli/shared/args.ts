import { JoulewiseError, quote } from '../../src/lib/core/errors';

/** What a flag takes: text, a whole number (with its least value), a number, or nothing. */
export type FlagKind = 'text' | 'whole' | 'number' | 'flag' | 'many';

export interface Parsed {
  positional: string[];
  text(name: string): string | null;
  need(name: string): string;
  whole(name: string, fallback: number, least?: number): number;
  number(name: string, fallback: number, least: number, most: number): number;
  flag(name: string): boolean;
  many(name: string): string[];
}

/** `--name value`, `--name=value`, and positional words. Unknown flags are refused with the list of known ones. */
export function parseArgs(argv: readonly string[], flags: Readonly<Record<string, FlagKind>>): Parsed {
  const values = new Map<string, string[]>();
  const positional: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (!word.startsWith('--')) {
      positional.push(word);
      continue;
    }
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const kind = name !== undefined && Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (name === undefined || !kind)
      throw new JoulewiseError(
        'option.unknown',
        `Option ${quote(word)} is not known. Options: ${
          Object.keys(flags)
            .map((f) => `--${f}`)
            .join(', ') || 'none'
        }.`,
      );
    const value = kind === 'flag' ? 'true' : (inline ?? argv[++i]);
    if (value === undefined || (inline === undefined && kind !== 'flag' && value.startsWith('--')))
      throw new JoulewiseError('option.invalid', `Option --${name} needs a value.`);
    const list = values.get(name) ?? [];
    if (list.length > 0 && kind !== 'many')
      throw new JoulewiseError('option.invalid', `Option --${name} is given twice.`);
    values.set(name, [...list, value]);
  }
  const text = (name: string) => values.get(name)?.[0] ?? null;
  return {
    positional,
    text,
    need(name) {
      const value = text(name);
      if (value === null || value === '') throw new JoulewiseError('option.invalid', `Option --${name} is needed.`);
      return value;
    },
    whole(name, fallback, least = 1) {
      const value = text(name);
      if (value === null) return fallback;
      const n = Number(value);
      if (!Number.isInteger(n) || n < least)
        throw new JoulewiseError(
          'option.invalid',
          `Option --${name} needs a whole number of at least ${least}, not ${quote(value)}.`,
        );
      return n;
    },
    number(name, fallback, least, most) {
      const value = text(name);
      if (value === null) return fallback;
      const n = value.trim() === '' ? NaN : Number(value);
      if (!(n >= least && n <= most))
        throw new JoulewiseError(
          'option.invalid',
          `Option --${name} needs a number from ${least} to ${most}, not ${quote(value)}.`,
        );
      return n;
    },
    flag: (name) => values.has(name),
    many: (name) => values.get(name) ?? [],
  };
}
