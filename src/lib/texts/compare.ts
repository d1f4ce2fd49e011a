import { listed, plural } from './format';

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
  duplicate: (number: number) =>
    `This result is in the comparison already, as number ${number}; it was not added again.`,
  deviceName: (device: string) => `Name of ${device}`,
  namesKept: 'Names stay in this browser: links and files do not carry them.',
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
  /** A result among the others; its date, where another has the same device. */
  name: (number: number, device: string, date: string | null) =>
    `${number}. ${device}${date === null ? '' : `, ${date}`}`,
  picture: {
    title: 'Energy and quality on each',
    label: 'Energy against quality, one point per variant and result; the table below says the same in words',
    prompt: 'Point at a mark, or go to it with the Tab and arrow keys, to read its variant on each.',
    point: (energy: string, tier: string, quality: string, onFront: boolean) =>
      `${energy}, ${tier}; quality ${quality}${onFront ? ', on its front' : ''}`,
    keys: [
      'Shape is the result, colour the precision. Hollow marks are estimated, solid ones measured; crosses are 95 % intervals.',
      'A thin line joins one variant on several devices that did the same work: model, tickets, tasks and prompts.',
      'A stepped line is the best quality to be had for so much energy on one device, dashed as its result is above.',
    ],
    noBaseline: 'Classical baselines are left out of the picture, far leaner as they are; the table has them.',
    unnamed: (n: number, of: number) =>
      `${n} of ${plural(of, 'name')} found no room in the picture; the table has all of them.`,
    kind: (tier: string, boundary: string, results: readonly string[]) =>
      `${tier} for the ${boundary} (${listed(results)})`,
    kinds: (kinds: readonly string[]) =>
      `Their energy is not of one kind: ${listed(kinds)}. Joules compare only within one kind, so no line joins a variant across kinds.`,
  },
  estimated: 'estimated',
  measured: 'measured',
} as const;
