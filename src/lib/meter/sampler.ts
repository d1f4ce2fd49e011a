import { JoulewiseError } from '../core/errors';
import { BOUNDARIES, type Boundary, MEASURED, type Range, type Tier } from '../schema/run';
import type { SamplerAccess } from '../schema/sampler';

/** Questions to a sampler on loopback, and the one place that reads its answers. */

/** Joules of spans for one boundary; null = not known. */
export interface SamplerTotal {
  boundary: Boundary;
  tier: Tier;
  domains: string[];
  joules: Range | null;
  flags: string[];
  notes: string[];
}

export interface SamplerDomain {
  id: string;
  name: string;
  scope: string;
  /** Of the moment; null = not known. */
  watts: number | null;
  /** Milliseconds since it was read, and between two values that differ; null = not known, or a sampler of before. */
  age: number | null;
  period: number | null;
  /** What befell its readings lately. */
  flags: string[];
}

export interface SamplerSource {
  title: string;
  domains: { id: string; name: string; scope: string; notes: string[]; pci?: string }[];
  missing: { what: string; command: string | null }[];
}

/** A request as `fetch` takes it: handed in, since stages touch no network. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** Answers that do not come within this count as none: a run waits for its joules, and not for long. */
const ANSWER_MS = 10_000;
/** Pairs of times in one question: what a sampler takes at once. */
const MOST_SPANS = 8192;

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);
const textOr = (x: unknown, other: string) => (typeof x === 'string' ? x.slice(0, 500) : other);
const numberOrNull = (x: unknown) => (typeof x === 'number' && Number.isFinite(x) ? x : null);
const listOf = (x: unknown): Record<string, unknown>[] => (Array.isArray(x) ? x.filter(isRecord) : []);
const texts = (x: unknown): string[] => (Array.isArray(x) ? x.filter((t): t is string => typeof t === 'string') : []);

const unreadable = () =>
  new JoulewiseError('sampler.unreadable', 'What answers at the sampler’s address is no sampler that this page knows.');

/** Joules with their ends; null where they are none, or no interval. */
function rangeIn(x: unknown): Range | null {
  const j = isRecord(x) ? x : {};
  const [low, mid, high] = [numberOrNull(j['low']), numberOrNull(j['mid']), numberOrNull(j['high'])];
  const known = low !== null && mid !== null && high !== null && low >= 0 && low <= mid && mid <= high;
  return known ? { low, mid, high } : null;
}

/** Totals of an answer to `/v1/windows`. What cannot be read is null or absent, never 0. */
export function totalsIn(answer: unknown): SamplerTotal[] {
  if (!isRecord(answer) || !Array.isArray(answer['totals'])) throw unreadable();
  return listOf(answer['totals']).flatMap((t): SamplerTotal[] => {
    const boundary = BOUNDARIES.find((b) => b === t['boundary']);
    const tier = MEASURED.find((own) => own === t['tier']);
    if (!boundary || !tier) return [];
    return [
      {
        boundary,
        tier,
        domains: texts(t['domains']),
        joules: rangeIn(t['joules']),
        flags: texts(t['flags']),
        notes: texts(t['notes']),
      },
    ];
  });
}

/** A paired sampler. Every call fails with `sampler.*` where it does not answer as it should. */
export class SamplerClient {
  constructor(
    private readonly access: SamplerAccess,
    private readonly fetch: Fetch,
  ) {}

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    let answer: Response;
    try {
      answer = await this.fetch(`${this.access.url}/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.access.token}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        signal: AbortSignal.timeout(ANSWER_MS),
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    } catch (cause) {
      throw new JoulewiseError('sampler.silent', 'The sampler does not answer.', { cause });
    }
    if (answer.status === 401)
      throw new JoulewiseError(
        'sampler.unpaired',
        'The sampler no longer knows this page. Pair it again on the page "Device".',
      );
    if (!answer.ok) throw new JoulewiseError('sampler.silent', `The sampler refused the question (${answer.status}).`);
    try {
      return await answer.json();
    } catch {
      throw unreadable();
    }
  }

  /** Milliseconds of its clock. */
  async time(): Promise<number> {
    const answer = await this.#ask('GET', '/time');
    const now = isRecord(answer) ? numberOrNull(answer['now']) : null;
    if (now === null) throw unreadable();
    return now;
  }

  async discover(): Promise<SamplerSource[]> {
    const answer = await this.#ask('GET', '/discover');
    if (!isRecord(answer)) throw unreadable();
    return listOf(answer['sources']).map((s) => ({
      title: textOr(s['title'], ''),
      domains: listOf(s['domains']).map((d) => ({
        id: textOr(d['id'], ''),
        name: textOr(d['name'], ''),
        scope: textOr(d['scope'], ''),
        notes: texts(d['notes']),
        ...(typeof d['pci'] === 'string' ? { pci: d['pci'] } : {}),
      })),
      missing: listOf(s['missing']).map((m) => ({
        what: textOr(m['what'], ''),
        command: typeof m['command'] === 'string' ? m['command'] : null,
      })),
    }));
  }

  async live(): Promise<SamplerDomain[]> {
    const answer = await this.#ask('GET', '/live');
    if (!isRecord(answer)) throw unreadable();
    return listOf(answer['domains']).map((d) => ({
      id: textOr(d['id'], ''),
      name: textOr(d['name'], ''),
      scope: textOr(d['scope'], ''),
      watts: numberOrNull(d['watts']),
      age: numberOrNull(d['age']),
      period: numberOrNull(d['period']),
      flags: texts(d['flags']),
    }));
  }

  /** Mean watts of each domain between two times of its clock, with what its steps leave open; those that are not known are absent. */
  async wattsBetween(from: number, to: number): Promise<ReadonlyMap<string, Range>> {
    const answer = await this.#ask('POST', '/windows', { spans: [[from, to]], gpu: this.access.gpu });
    if (!isRecord(answer) || !(to > from)) throw unreadable();
    const seconds = (to - from) / 1000;
    return new Map(
      listOf(answer['domains']).flatMap((d): [string, Range][] => {
        const joules = rangeIn(d['span']);
        if (!joules) return [];
        const { low, mid, high } = joules;
        return [[textOr(d['id'], ''), { low: low / seconds, mid: mid / seconds, high: high / seconds }]];
      }),
    );
  }

  /** Totals of pairs of times of its clock, added up over as many questions as they take. */
  async over(spans: readonly (readonly [number, number])[]): Promise<SamplerTotal[]> {
    const sum = new Map<Boundary, SamplerTotal>();
    for (let at = 0; at < spans.length; at += MOST_SPANS) {
      const body = { spans: spans.slice(at, at + MOST_SPANS), gpu: this.access.gpu };
      for (const t of totalsIn(await this.#ask('POST', '/windows', body))) {
        const before = sum.get(t.boundary);
        if (!before) sum.set(t.boundary, t);
        else {
          const [a, b] = [before.joules, t.joules];
          before.joules = a && b && { low: a.low + b.low, mid: a.mid + b.mid, high: a.high + b.high };
          before.flags = [...new Set([...before.flags, ...t.flags])];
        }
      }
    }
    return [...sum.values()];
  }

  async forget(): Promise<void> {
    await this.#ask('DELETE', '/pair');
  }
}

/** A token for a code that the sampler's terminal shows. Fails with `sampler.code` where it is not the one. */
export async function pairWith(url: string, code: string, fetch: Fetch): Promise<string> {
  let answer: Response;
  try {
    answer = await fetch(`${url}/v1/pair`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  } catch (cause) {
    throw new JoulewiseError(
      'sampler.silent',
      'No sampler answers there. Start it in a terminal (npm run sampler -- serve), and allow this page to reach this device when the browser asks.',
      { cause },
    );
  }
  const said: unknown = await answer.json().catch(() => null);
  if (answer.ok && isRecord(said) && typeof said['token'] === 'string') return said['token'];
  throw new JoulewiseError(
    'sampler.code',
    isRecord(said) && typeof said['error'] === 'string'
      ? said['error'].slice(0, 300)
      : 'The sampler did not take this code.',
  );
}

/** How a clock here and the sampler's relate: sampler = here + offset, as exact as half of the quickest answer. */
export interface Aligned {
  at: number;
  offset: number;
  error: number;
}

const TRIES = 7;

/** Asks the time several times and keeps the quickest answer. */
export async function align(time: () => Promise<number>, clock: () => number): Promise<Aligned> {
  let best: Aligned | null = null;
  for (let i = 0; i < TRIES; i++) {
    const start = clock();
    const theirs = await time();
    const end = clock();
    const error = (end - start) / 2;
    if (!best || error < best.error) best = { at: (start + end) / 2, offset: theirs - (start + end) / 2, error };
  }
  return best as Aligned;
}

/**
 * The sampler's time of a moment here, by two alignments around it. Clocks drift apart by some ppm: where the two differ by
 * no more than they may be wrong, the better one holds; a slope through both would stretch short runs.
 */
export function theirTime(first: Aligned, last: Aligned, at: number): number {
  const moved = last.offset - first.offset;
  if (Math.abs(moved) <= first.error + last.error) return at + (first.error < last.error ? first : last).offset;
  return at + first.offset + (moved * (at - first.at)) / (last.at - first.at);
}
