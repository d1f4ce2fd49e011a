/** Results of several devices side by side. */
export const COMPARE = {
  title: 'Compare devices',
  about:
    'Results of several devices side by side: experiments of this browser, links that others sent, files that they saved. Nothing of it leaves this page.',
  link: 'A result link',
  add: 'Add',
  file: 'A result file (JSON)',
  local: 'An experiment of this browser',
  choose: 'Choose one',
  remove: (name: string) => `Remove ${name}`,
  empty: 'Add two results to compare them.',
  noLink: 'This is a recipe, not a result. Open it with the link itself, or add a result link.',
  notLink: 'This is no Joulewise link. Paste the whole address, with all that follows "#".',
  noResult: 'This experiment has no finished run yet. Run it first.',
  variant: 'Variant',
  answers: 'The answer on each',
  table: (energy: string, tier: string | null) => `${energy}${tier === null ? '' : `, ${tier}`}, and quality`,
  quality: (interval: string) => `quality ${interval}`,
  missing: 'not run',
  unknown: 'unknown',
  estimated: 'estimated',
  measured: 'measured',
} as const;
