import { energyAmount } from '../../texts/energy';
import { units } from './units.svelte';

/** An amount of energy in the chosen unit. The first page loads this where a unit was chosen, so that it stays small. */
export const sayEnergy = (joules: number) => energyAmount(joules, units.unit);
