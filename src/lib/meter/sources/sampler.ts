import { seconds as asSeconds } from '../../core/units';
import type { EngineName } from '../../schema/engines';
import { ENGINE } from '../../schema/engines';
import type { Boundary, Reading } from '../../schema/run';
import type { SamplerAccess } from '../../schema/sampler';
import type { EnergySource, MeterWindow } from '../readings';
import { align, SamplerClient, theirTime, type Aligned, type Fetch, type SamplerTotal } from '../sampler';

/** A paired sampler, and the way to it. */
export interface SamplerPort {
  access: SamplerAccess;
  fetch: Fetch;
  clock: () => number;
}

/** Boundaries by which an engine's joules are taken, the narrowest that holds what computes first. */
const BOUNDARIES_OF = {
  cpu: ['package', 'device', 'system'],
  gpu: ['gpu', 'device', 'system'],
} as const satisfies Record<string, readonly Boundary[]>;

/** Name of the source in a record. */
export const SAMPLER = 'sampler';

const preferred = (engine: EngineName, access: SamplerAccess): readonly Boundary[] =>
  access.boundary ? [access.boundary] : BOUNDARIES_OF[ENGINE[engine].device === 'gpu' ? 'gpu' : 'cpu'];

/**
 * Counter tier: joules of every window, as the sampler counted them, at one boundary. Windows that it cannot tell have null
 * joules; where it does not answer at all, all have. Idle is taken off afterwards, by the idle windows of the run (`meter/idle.ts`).
 */
export function samplerSource({ access, fetch, clock }: SamplerPort, engine: EngineName): EnergySource {
  const client = new SamplerClient(access, fetch);
  const aligned = () => align(() => client.time(), clock);
  // Asking wakes the sampler: from now on it reads often. A failure is told when the windows are asked for.
  const first: Promise<Aligned | null> = aligned().catch(() => null);
  const wanted = preferred(engine, access);
  /** `known`: a total of the run that was known, which names source, boundary and tier of all its windows. */
  const reading = (window: MeterWindow, total: SamplerTotal | null, known: SamplerTotal | null): Reading => ({
    phase: window.phase,
    seconds: asSeconds(window.seconds),
    joules: total?.joules ?? null,
    netJoules: null,
    tier: known?.tier ?? 'counter',
    boundary: known?.boundary ?? (wanted[0] as Boundary),
    source: known ? `${SAMPLER}: ${known.domains.join(' + ')}`.slice(0, 200) : SAMPLER,
    bytes: window.bytes,
    flops: window.operations,
    tokens: window.tokens,
  });
  return {
    tier: 'counter',
    boundary: wanted[0] as Boundary,
    name: SAMPLER,
    async read(windows) {
      try {
        const last = await aligned();
        // A sampler that was started anew has another clock: what lies before it is not known.
        const from = (await first) ?? last;
        const restarted = Math.abs(last.offset - from.offset) > MOST_DRIFT_MS;
        const totals: SamplerTotal[][] = [];
        for (const window of windows)
          totals.push(restarted || !window.spans?.length ? [] : await client.over(spansOf(window, from, last)));
        const boundary = wanted.find((b) => totals.some((t) => t.some((own) => own.boundary === b && own.joules)));
        const own = totals.map((t) => t.find((total) => total.boundary === boundary) ?? null);
        return windows.map((window, i) => reading(window, own[i] ?? null, own.find((t) => t !== null) ?? null));
      } catch {
        return windows.map((window) => reading(window, null, null));
      }
    },
  };
}

/** Clocks that move further apart within a run are not the same two. */
const MOST_DRIFT_MS = 1000;

function spansOf({ spans = [] }: MeterWindow, first: Aligned, last: Aligned): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 0; i + 1 < spans.length; i += 2) {
    const [from, to] = [theirTime(first, last, spans[i] as number), theirTime(first, last, spans[i + 1] as number)];
    pairs.push([from, Math.max(from, to)]);
  }
  return pairs;
}

const isOfSampler = ({ source }: Reading) => source === SAMPLER || source.startsWith(`${SAMPLER}:`);

/**
 * Readings of a run whose sampler answered for some meters and not for others, as those of one source: what it did not tell
 * is unknown, and so the run is priced by the next source.
 */
export function oneSampler(readings: readonly Reading[]): Reading[] {
  const known = readings.find((r) => isOfSampler(r) && r.joules);
  if (!known) return [...readings];
  const { source, tier, boundary } = known;
  return readings.map((r) => (isOfSampler(r) && !r.joules ? { ...r, source, tier, boundary } : r));
}

/** What is to be said of a run whose paired sampler could not tell all of its joules. */
export function samplerWarnings(readings: readonly Reading[]): string[] {
  // That rest is not known spoils net joules alone, which has a sentence of its own.
  const untold = readings.filter((r) => isOfSampler(r) && r.joules === null && r.seconds > 0 && r.phase !== 'idle');
  if (untold.length === 0) return [];
  const phases = [...new Set(untold.map((r) => r.phase))].join(', ');
  return [
    `The sampler did not tell the joules of this run (${phases}), so they are estimated. See the page "Device", or start the sampler again.`,
  ];
}
