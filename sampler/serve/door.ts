import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

/** One who may ask: known by the hash of a token, from one origin; null = no page, a command line. */
export interface Pairing {
  hash: string;
  origin: string | null;
  at: string;
}

/** Where pairings are kept between starts. */
export interface PairingStore {
  read(): Pairing[];
  write(pairings: readonly Pairing[]): void;
}

const TOKEN_BYTES = 32;
const CODE_DIGITS = 8;
/** A code is good for so long, once, and for so many guesses. */
const CODE_MS = 5 * 60_000;
const MOST_GUESSES = 5;
const MOST_PAIRINGS = 50;
/** Requests a second, by strangers together and by all who are paired together; as many may come at once. */
const RATE = { stranger: 10, paired: 100 } as const;

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
const same = (a: string, b: string) => {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
};

/** A bucket that fills with time. */
class Bucket {
  #left: number;
  #at: number;
  constructor(
    private readonly perSecond: number,
    now: number,
  ) {
    this.#left = perSecond;
    this.#at = now;
  }
  take(now: number): boolean {
    this.#left = Math.min(this.perSecond, this.#left + ((now - this.#at) / 1000) * this.perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

/**
 * Who gets in. A page is paired by a code that only the terminal shows; from then on it is known by a token that is stored as
 * a hash and holds for the origin that was paired alone.
 */
export class Door {
  #code: { text: string; until: number; guesses: number } | null = null;
  readonly #buckets: { stranger: Bucket; paired: Bucket };

  constructor(
    private readonly store: PairingStore,
    private readonly now: () => number,
  ) {
    this.#buckets = { stranger: new Bucket(RATE.stranger, now()), paired: new Bucket(RATE.paired, now()) };
  }

  /** A new code for the terminal; an older one is void. */
  newCode(): string {
    const text = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0');
    this.#code = { text, until: this.now() + CODE_MS, guesses: 0 };
    return text;
  }

  /** Whether a code is open for pairing. */
  get waits(): boolean {
    return this.#code !== null && this.now() <= this.#code.until;
  }

  /** A token for whoever knows the code; null where it is wrong, used, too old or guessed at too often. */
  pair(code: string, origin: string | null): string | null {
    const open = this.#code;
    if (!open || this.now() > open.until) return null;
    if (!same(open.text, code)) {
      if (++open.guesses >= MOST_GUESSES) this.#code = null;
      return null;
    }
    this.#code = null;
    return this.issue(origin);
  }

  /** A token without a code: for the terminal itself. */
  issue(origin: string | null): string {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const own = { hash: hashOf(token), origin, at: new Date().toISOString() };
    this.store.write([...this.store.read(), own].slice(-MOST_PAIRINGS));
    return token;
  }

  /** Whether a token is known and comes from the origin that it was given to. */
  knows(token: string | null, origin: string | null): boolean {
    if (token === null) return false;
    const hash = hashOf(token);
    return this.store.read().some((p) => same(p.hash, hash) && p.origin === origin);
  }

  /** Whether any token was given to an origin: it may then read answers. */
  hasPaired(origin: string): boolean {
    return this.store.read().some((p) => p.origin === origin);
  }

  revoke(token: string): void {
    const hash = hashOf(token);
    this.store.write(this.store.read().filter((p) => p.hash !== hash));
  }

  revokeAll(): number {
    const all = this.store.read().length;
    this.store.write([]);
    return all;
  }

  /** Whether one more request is heard now. */
  hears(paired: boolean): boolean {
    return this.#buckets[paired ? 'paired' : 'stranger'].take(this.now());
  }
}
