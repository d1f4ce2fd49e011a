import type { Reading } from '../../schema/run';
import { grossJoules, idleJoules, netJoules, type CountedWork } from '../model';
import type { PowerProfile } from '../profiles';
import type { EnergySource, MeterWindow } from '../readings';

/**
 * Profile tier: the energy model at the profile's low, mid and high values.
 *
 * Work that nobody counted gives null, not time x power: at constant watts a slow 4-bit kernel looks 70 % dearer than
 * 16-bit where the meter says 11 % cheaper. An idle phase does no work by definition.
 */
export function readingFromProfile(window: MeterWindow, profile: PowerProfile): Reading {
  const { phase, seconds, tokens, arithmetic = 'f32' } = window;
  const idle = phase === 'idle';
  const { bytes, operations } = window;
  const work: CountedWork[] | null = bytes === null || operations === null ? null : [{ arithmetic, bytes, operations }];
  return {
    phase,
    seconds,
    joules: idle ? idleJoules(profile, seconds) : work && grossJoules(profile, seconds, work),
    netJoules: idle ? { low: 0, mid: 0, high: 0 } : work && netJoules(profile, seconds, work),
    tier: 'profile',
    boundary: profile.boundary,
    source: profile.name,
    bytes: window.bytes,
    flops: window.operations,
    tokens,
  };
}

/** What a power profile says: free, so it can be asked at any time. */
export function profileSource(profile: PowerProfile): EnergySource {
  const peek = (windows: readonly MeterWindow[]) => windows.map((window) => readingFromProfile(window, profile));
  return {
    tier: 'profile',
    boundary: profile.boundary,
    name: profile.name,
    peek,
    read: (windows) => Promise.resolve(peek(windows)),
  };
}
