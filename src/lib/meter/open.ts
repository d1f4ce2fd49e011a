import type { Arithmetic } from '../core/cost';
import { isModel, type EngineName } from '../schema/engines';
import type { EnergyModelRecord } from '../schema/energy-model';
import type { KnownDevice } from '../schema/known';
import type { Device } from '../schema/run';
import { drawsFrom, guessProfile } from './match';
import { createMeter, type Meter } from './meter';
import { placeDevice } from './place';
import { ratesOf, type EnergyRates } from './model';
import { profileByName, type PowerProfile } from './profiles';
import type { EnergySource } from './readings';
import { fittedSource } from './sources/fitted';
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
  /** What running kernels on this device told of it; null or none = nothing. */
  known?: KnownDevice | null;
}

/**
 * The power profile that prices an engine here: the user's own, wherever it is one of what computes; or the guess, narrowed by
 * what was timed.
 */
export function profileFor({ device, engine, profile, known }: SourceContext): PowerProfile {
  const chosen = profile === null ? null : profileByName(profile);
  if (chosen && (isModel(engine) || chosen.kind === 'cpu')) return chosen;
  const { profile: guess, confidence } = guessProfile(device, engine);
  // A product that is named needs no narrowing.
  const speed = confidence === 'named' ? null : known?.[guess.kind].speed;
  return (speed && placeDevice(guess, speed)?.profile) ?? guess;
}

/**
 * What a byte and an operation cost here, by the profile that the user chose, or the guess: never by what is known of this very
 * device, since weights that are chosen by joules must come out alike wherever they are made.
 */
export const ratesFor =
  (context: SourceContext) =>
  (arithmetic: Arithmetic): EnergyRates =>
    ratesOf(profileFor({ ...context, known: null }), arithmetic);

/**
 * The fitted model of what an engine computes on; null where none is kept, or where the user chose a profile by name, which
 * corrects whatever stands here.
 */
function modelFor({ device, engine, profile, known }: SourceContext): EnergyModelRecord | null {
  if (!known || profile !== null) return null;
  return known[drawsFrom(device, engine)].model;
}

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
  fitted: {
    title: 'Estimated from time and work by the energy model that was fitted to this device',
    open: (context) => {
      const model = modelFor(context);
      return model && fittedSource(model);
    },
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
