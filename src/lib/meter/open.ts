import type { Arithmetic } from '../core/cost';
import { isModel, type EngineName } from '../schema/engines';
import type { Device } from '../schema/run';
import { guessProfile } from './match';
import { createMeter, type Meter } from './meter';
import { ratesOf, type EnergyRates } from './model';
import { profileByName, type PowerProfile } from './profiles';
import type { EnergySource } from './readings';
import { profileSource } from './sources/profile';
import { samplerSource, type SamplerPort } from './sources/sampler';

export type { SamplerPort };

/** What a source may be opened by. */
export interface SourceContext {
  device: Device;
  engine: EngineName;
  /** Row of the power profile table that the user chose; null = the guess. */
  profile: string | null;
  /** A paired sampler; null or none = there is none. */
  sampler?: SamplerPort | null;
}

/** The power profile that prices an engine here: the user's own, wherever it is one of what computes. */
export function profileFor({ device, engine, profile }: SourceContext): PowerProfile {
  const chosen = profile === null ? null : profileByName(profile);
  if (chosen && (isModel(engine) || chosen.kind === 'cpu')) return chosen;
  return guessProfile(device, engine).profile;
}

/** What a byte and an operation cost here, by the profile that the user chose, or the guess. */
export const ratesFor =
  (context: SourceContext) =>
  (arithmetic: Arithmetic): EnergyRates =>
    ratesOf(profileFor(context), arithmetic);

/** Where joules come from: a row and a file in `sources/` each. Opens to null where it has nothing to say here. */
export interface SourceRow {
  /** In words, for a person. */
  title: string;
  open: (context: SourceContext) => EnergySource | null;
}

export const SOURCES = {
  sampler: {
    title: 'Counted by the sampler on this device',
    open: ({ sampler, engine }) => (sampler ? samplerSource(sampler, engine) : null),
  },
  profile: {
    title: 'Estimated from time and work by a power profile of the device',
    open: (context) => profileSource(profileFor(context)),
  },
} as const satisfies Record<string, SourceRow>;

/** Every source that has something to say here, in the order of the table. */
export const openSources = (
  context: SourceContext,
  rows: readonly SourceRow[] = Object.values(SOURCES),
): EnergySource[] => rows.flatMap((row) => row.open(context) ?? []);

/** A meter over everything that can say joules here: the one way in which a run gets them. */
export const openMeter = (context: SourceContext, fence: () => Promise<void> | void): Meter =>
  createMeter({ clock: () => performance.now(), fence, sources: openSources(context) });
