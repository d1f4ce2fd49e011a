/** Budgets that plans start from. Apart from the schemas, so that the first page need not load what reads records. */

/** Slices of a plan that names none, and the fewest tickets that a slice has where there are as many. */
export const DEFAULT_SLICES = 9;
export const LEAST_SLICE = 8;
/** Fewer blocks than this tell no energies apart. */
export const LEAST_SLICES = 6;
/** Slices that a plan may take until it is decided. */
export const MOST_SLICES = 30;
/** Slices that a variant may take until its joules are known within the bound asked for. */
export const MOST_BOUND_SLICES = 100;
/** Bounds that can be asked for, as shares. */
export const BOUND = { least: 0.001, most: 0.5 } as const;
/** How much lower than the reference's a task's quality may be. */
export const DEFAULT_MARGIN = 0.05;
/** Ratio of joules within which two variants take the same. */
export const SAME_JOULES = 0.1;
/** Validation tickets of a plan, at most: they calibrate confidence, and judge what is trained. */
export const VALIDATION_TICKETS = 100;
