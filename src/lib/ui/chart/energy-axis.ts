import { perJoule, tickAmount, type EnergyUnit } from '../../texts/energy';
import { apart, logTicks, type Scale } from './axis';

/** The energy axis of the pictures: joules below, ticks in the unit that is read. */

/** Size of the type in a picture. */
export const FONT = 12;
/** Mean width of a figure over the size of its type. */
const GLYPH = 0.62;
const MOST_TICKS = 10;
const TICK_GAP = 16;

export const within = (value: number, from: number, to: number) => Math.min(Math.max(value, from), to);

/**
 * Joules at which the chosen unit is round, with their labels, which stay inside the picture.
 * @param x joules to pixels
 * @param width of the picture in pixels
 */
export function energyTicks(x: Scale, unit: EnergyUnit, width: number): { joules: number; text: string; at: number }[] {
  const factor = perJoule(unit);
  const [low, high] = x.domain;
  const labelled = (rounds: readonly number[]) =>
    rounds.map((round) => {
      const joules = round / factor;
      const text = tickAmount(joules, unit);
      const room = text.length * FONT * GLYPH;
      return { joules, text, at: within(x(joules), room / 2, width - room / 2), width: room };
    });
  return labelled(logTicks([low * factor, high * factor], MOST_TICKS, (rounds) => apart(labelled(rounds), TICK_GAP)));
}
