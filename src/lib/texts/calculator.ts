import type { Range } from '../schema/run';
import { significant } from './format';

/** A year's tickets in kWh, money and CO2. */
export const CALCULATOR = {
  title: 'In a year',
  tickets: 'Tickets a year',
  price: (currency: string) => `Price of a kWh, ${currency}`,
  grid: 'Grid, g CO₂e a kWh',
  /** Ember, world average of 2024 (g CO2e a kWh), until a region is chosen above. */
  world: 473,
  variant: 'Variant',
  kWh: 'kWh',
  money: (currency: string) => currency,
  co2: 'kg CO₂e',
  range: ({ low, mid, high }: Range) =>
    low === high ? significant(mid, 2) : `${significant(mid, 2)} (${significant(low, 2)}–${significant(high, 2)})`,
  about:
    'In brackets what is not known of the device, which moves all rows together. Electricity of answering alone: loading, idle time between tickets and making the device are not in it. The grid is the world’s average until you choose a region or enter a figure.',
} as const;
