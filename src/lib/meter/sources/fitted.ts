import type { EnergyModelRecord } from '../../schema/energy-model';
import type { Reading } from '../../schema/run';
import { fittedJoules, spentBy } from '../fitted';
import { forEachEnd } from '../model';
import type { EnergySource, MeterWindow } from '../readings';

/** Name of the source in a record: which model it was. */
export const fittedName = ({ id }: EnergyModelRecord) => `fitted: ${id}`;

/** Fitted tier: the model of this very device, by the same counted work as the profile tier. Uncounted work gives null. */
export function readingFromFit(window: MeterWindow, model: EnergyModelRecord): Reading {
  const { phase, seconds, bytes, operations, tokens, arithmetic = 'f32' } = window;
  const idle = phase === 'idle';
  const counted = bytes === null || operations === null ? null : [{ arithmetic, bytes, operations }];
  const joules = idle || counted ? fittedJoules(model, spentBy(model, seconds, idle ? null : counted)) : null;
  const rest = fittedJoules(model, { idle: seconds });
  return {
    phase,
    seconds,
    joules,
    netJoules: joules && rest && forEachEnd((end) => Math.max(0, joules[end] - rest.mid)),
    tier: 'fitted',
    boundary: model.boundary,
    source: fittedName(model),
    bytes,
    flops: operations,
    tokens,
    model: { id: model.id, heldOut: model.error },
  };
}

/** What the fitted model says: free, so it can be asked at any time. */
export function fittedSource(model: EnergyModelRecord): EnergySource {
  const peek = (windows: readonly MeterWindow[]) => windows.map((window) => readingFromFit(window, model));
  return {
    tier: 'fitted',
    boundary: model.boundary,
    name: fittedName(model),
    peek,
    read: (windows) => Promise.resolve(peek(windows)),
  };
}
