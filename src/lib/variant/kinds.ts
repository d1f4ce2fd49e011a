import { asks2of4, linearRecipe, type Recipe } from '../compress/recipe';
import type { KernelKind } from '../cpu/choice';
import { layoutsOf } from '../cpu/formats';
import { PRECISIONS } from '../tensor/precisions';

/** 2:4 of a precision that has no format for it lies dense. */
const asLaid = (k: KernelKind): KernelKind => ({
  ...k,
  sparse: k.sparse && layoutsOf(k.precision, null).sparse !== null,
});

/** What our own kernels multiply in a variant, its linear layers first. A budget mixes 4 and 8 bits. */
export function kindsOf(recipe: Recipe): KernelKind[] {
  const { precision } = recipe;
  const linear: KernelKind = { precision, sparse: asks2of4(linearRecipe(recipe)) };
  const others: KernelKind[] = [
    { precision, sparse: false },
    { precision: PRECISIONS[precision].outer, sparse: false },
    ...(recipe.budget ? [{ precision: 'int4', sparse: false } as const, { precision, sparse: true }] : []),
  ];
  const seen = new Set<string>();
  return [linear, ...others].map(asLaid).filter((k) => {
    const name = `${k.precision} ${k.sparse}`;
    return !seen.has(name) && seen.add(name);
  });
}
