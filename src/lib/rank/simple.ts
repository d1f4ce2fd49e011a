/** Precisions from the simplest to run and to explain: what a checkpoint comes in first. */
const BITS: readonly (readonly [name: string, bits: number])[] = [
  ['fp32', 32],
  ['fp16', 16],
  ['int8', 8],
  ['int4', 4],
];
/** Parts of a recipe that need calibration text. */
const CALIBRATED = /gptq|wanda|sparsegpt|neurons|kvgroups|blocks|smooth|auto@/;

/** Bits of a weight that a variant's name states; 0 where it states none (mixtures, ready-made exports). */
export const bitsOf = (variant: string): number => BITS.find(([name]) => variant.startsWith(name))?.[1] ?? 0;

/** Whether a variant's weights were chosen with calibration text, by its name. */
export const isCalibrated = (variant: string): boolean => CALIBRATED.test(variant);

/** How much a variant does to the checkpoint: parts of its recipe, calibration, then fewer bits. Compared left to right. */
const effortOf = (variant: string): readonly number[] => [
  variant.split('+').length + Number(variant.startsWith('auto@')),
  Number(isCalibrated(variant)),
  -bitsOf(variant),
];

function byEffort(a: string, b: string): number {
  const [x, y] = [effortOf(a), effortOf(b)];
  for (let i = 0; i < x.length; i++) {
    const difference = (x[i] as number) - (y[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether two variants do as much to the checkpoint: they differ in how, such as in the steps of their tuning. */
export const areEquallySimple = (a: string, b: string): boolean => byEffort(a, b) === 0;

/** Negative where `a` is the simpler of two variants: fewer parts, no calibration, more bits, then by name. */
export const bySimplicity = (a: string, b: string): number => byEffort(a, b) || (a < b ? -1 : a > b ? 1 : 0);

/** Parts of a recipe that change no weight of the checkpoint: adapters and mixtures with the baseline. */
const ADDED = /^(?:lora|blend)/;
const isWhole = (variant: string) =>
  variant
    .split('+')
    .slice(1)
    .every((part) => ADDED.test(part));

/**
 * Variants that others' quality may be held against, the first choice first: the widest precision, with the least done to
 * it; then others of which nothing is pruned, in the same order.
 */
export function referencesOf(variants: readonly string[]): string[] {
  const ordered = variants.toSorted((a, b) => bitsOf(b) - bitsOf(a) || bySimplicity(a, b));
  return ordered.filter((variant, i) => i === 0 || isWhole(variant));
}

/** The variant that the others' quality is held against where nothing is known of any. Null for none. */
export const referenceOf = (variants: readonly string[]): string | null => referencesOf(variants)[0] ?? null;
