import { JoulewiseError, quote } from '../core/errors';
import { PRECISIONS, type PrecisionName } from './precisions';
import { PRUNERS, type PrunerName } from './pruners';

/** What is done to a checkpoint: one precision, and prunings in the order they are applied. */
export interface Recipe {
  precision: PrecisionName;
  prunings: readonly {
    pruner: PrunerName;
    /** Share removed, 0..1; null where the pruner has a fixed pattern. */ share: number | null;
  }[];
}

const keys = <T extends string>(table: Readonly<Record<T, unknown>>) => Object.keys(table) as T[];

/**
 * `precision[+pruning...]`, e.g. `int4`, `fp16+2:4`, `int8+ffn50`, `fp32+mag50`; a pruning alone means fp32.
 * Structured prunings come first, masks after, whatever the order written, so that equal recipes have equal names.
 */
export function parseRecipe(text: string): Recipe {
  const parts = text.trim().toLowerCase().split('+');
  const unknown = (part: string) =>
    new JoulewiseError(
      'recipe.unknown',
      `Recipe part ${quote(part)} is not known. Precisions: ${keys(PRECISIONS).join(', ')}; prunings: ${keys(PRUNERS)
        .map((p) => PRUNERS[p].usage)
        .join(', ')}. Example: int8+ffn50.`,
    );
  let precision: PrecisionName | null = null;
  const prunings: { pruner: PrunerName; share: number | null }[] = [];
  for (const part of parts) {
    if (Object.hasOwn(PRECISIONS, part)) {
      if (precision)
        throw new JoulewiseError('recipe.unknown', `Recipe ${quote(text)} names two precisions; give one.`);
      precision = part as PrecisionName;
      continue;
    }
    const pruning = parsePruning(part);
    if (!pruning) throw unknown(part);
    if (prunings.some((p) => p.pruner === pruning.pruner))
      throw new JoulewiseError(
        'recipe.unknown',
        `Recipe ${quote(text)} names ${quote(pruning.pruner)} twice; give it once.`,
      );
    prunings.push(pruning);
  }
  const masks = prunings.filter((p) => PRUNERS[p.pruner].kind === 'mask');
  if (masks.length > 1)
    throw new JoulewiseError(
      'recipe.unknown',
      `Recipe ${quote(text)} asks for two masks of the same weights; give one.`,
    );
  const order = keys(PRUNERS);
  prunings.sort((a, b) => order.indexOf(a.pruner) - order.indexOf(b.pruner));
  return { precision: precision ?? 'fp32', prunings };
}

/** One pruning: a fixed pattern by name, or a name followed by a percentage. Null where it is neither. */
export function parsePruning(part: string): { pruner: PrunerName; share: number | null } | null {
  if (Object.hasOwn(PRUNERS, part) && !PRUNERS[part as PrunerName].takesShare)
    return { pruner: part as PrunerName, share: null };
  const m = /^([a-z]+)(\d{1,2}(?:\.\d)?)$/.exec(part);
  const name = m?.[1];
  const percent = Number(m?.[2]);
  if (!name || !Object.hasOwn(PRUNERS, name) || !PRUNERS[name as PrunerName].takesShare || !(percent > 0)) return null;
  return { pruner: name as PrunerName, share: percent / 100 };
}

/** The canonical name: `parseRecipe(formatRecipe(r))` equals r. */
export function formatRecipe(recipe: Recipe): string {
  const prunings = recipe.prunings.map(
    (p) => p.pruner + (p.share === null ? '' : String(Math.round(p.share * 1000) / 10)),
  );
  return [recipe.precision, ...prunings].join('+');
}

export const canonicalRecipe = (text: string) => formatRecipe(parseRecipe(text));
