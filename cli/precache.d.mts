/** See precache.mjs. */
export function writePrecache(site: string): void;
