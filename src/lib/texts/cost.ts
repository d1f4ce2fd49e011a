import { bytes, listed, plural } from './format';

/** What each variant of an experiment will take, as a table. */
export const COST = {
  title: 'Cost of each variant',
  variant: 'Variant',
  memory: 'Memory',
  time: 'Time',
  energy: (unit: string) => `${unit.charAt(0).toUpperCase()}${unit.slice(1)}, estimated`,
  fits: 'Fits here',
  yes: 'yes',
  no: 'no: it will be left out',
  calibrates: 'calibration, once for all, is in the sum',
  stage: 'A second stage adds its variants when the first is ranked; they are in the sum above.',
} as const;

/** What it means that not all variants stay open. */
export const REOPENED = (slices: number) =>
  `Not all variants fit into memory side by side: each is opened anew for each of ${plural(slices, 'slice')}, which is part of that time. Fewer variants, or fewer and larger slices, open less.`;

/** Variants that will not run here, and what a page has. Bytes. */
export const TOO_LARGE = (variants: readonly string[], needs: number, has: number) =>
  `${listed(variants)} will not fit: up to ${bytes(needs)} of memory, and a page here has ${bytes(has)}. Choose fewer bits, or a smaller model.`;
