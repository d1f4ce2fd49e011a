/** Fully client-side: every page is a prerendered shell. */
export const prerender = true;
export const ssr = false;
