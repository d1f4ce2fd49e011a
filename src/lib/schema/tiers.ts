/** How joules came about, apart from the records that say it: pages that show no record load no schemas. */

/** Something was read, from most to least trusted. */
export const MEASURED = ['wall', 'counter', 'integrated-power'] as const;
/** From most to least trusted. */
export const TIERS = [...MEASURED, 'fitted', 'profile'] as const;
export type Tier = (typeof TIERS)[number];

/** Whether nothing was read: the figure is computed from counted work, by a model of the device. */
export const isEstimated = (tier: string) => tier === 'profile' || tier === 'fitted';
