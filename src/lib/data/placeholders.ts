import type { RedactionKind } from './redact';

/** What stands in a placeholder for each kind; kinds that name the same thing share a word. */
const LABELS: Partial<Record<RedactionKind, string>> = { person: 'name', listed: 'name', uncased: 'name' };

const labelOf = (kind: RedactionKind) => LABELS[kind] ?? kind;

/** Letters of a word that count when two are held to be one name. */
const tokensOf = (name: string) =>
  name
    .normalize('NFC')
    .toLowerCase()
    .split(/[\s.,]+/)
    .filter((token) => token.length > 2);

/**
 * Numbers what is hidden: the same thing is the same number within one ticket (`[name 1]` twice), whatever its case, and
 * a first name is the number of the full name that it is part of. `exact` holds that every spelling is a thing of its
 * own: for classes, which must never become one.
 */
export class Placeholders {
  /** Numbers by label and thing. */
  readonly #numbers = new Map<string, number>();
  readonly #last = new Map<string, number>();
  readonly #names: { tokens: readonly string[]; number: number }[] = [];

  constructor(private readonly exact = false) {}

  /** The placeholder of one hidden thing: `[host 2]`. */
  of(kind: RedactionKind, hidden: string): string {
    const label = labelOf(kind);
    const key = `${label} ${this.exact ? hidden : hidden.normalize('NFC').toLowerCase()}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      const tokens = label === 'name' && !this.exact ? tokensOf(hidden) : [];
      const known =
        tokens.length > 0
          ? this.#names.find(({ tokens: other }) => {
              const [few, many] = tokens.length < other.length ? [tokens, other] : [other, tokens];
              return few.every((token) => many.includes(token));
            })
          : undefined;
      number = known?.number ?? (this.#last.get(label) ?? 0) + 1;
      if (!known) this.#last.set(label, number);
      if (tokens.length > 0) this.#names.push({ tokens, number });
      this.#numbers.set(key, number);
    }
    return `[${label} ${number}]`;
  }

  /** Leaves out the number of a placeholder that the text held already, as `[host 2]`. */
  reserve(placeholder: string): void {
    const [, label = '', number] = /^\[(\w+) (\d{1,6})\]$/.exec(placeholder) ?? [];
    if (number !== undefined) this.#last.set(label, Math.max(this.#last.get(label) ?? 0, Number(number)));
  }
}
