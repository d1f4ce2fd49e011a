import type { EngineName } from '../schema/engines';
import { HANDED } from '../variant/engines';
import { LINEARS, linearShapes } from '../checkpoint/block';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { Recipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import { exportSizes } from './onnx';
import { ggufBytes, savedByBudget } from './gguf';

/** Bytes of an export, or the sentence that says why there can be none. */
export type ExportSize = { bytes: number; refused: null } | { bytes: null; refused: string };

export type ExportFormat = 'onnx' | 'gguf' | 'peft';

/** How large a variant is in each format, before a weight is read; `storedBytes` as measured, for recipes under a budget. */
export async function sizesOf(
  checkpoint: Checkpoint,
  recipe: Recipe,
  engine: EngineName,
  storedBytes: number | null,
): Promise<Record<ExportFormat, ExportSize>> {
  const onnx = () => {
    const files = [...exportSizes(checkpoint, recipe, engine).values()].reduce((a, b) => a + b, 0);
    // On the CPU every choice of a budget is computed in 8 bits, and exported so.
    return (
      files -
      (HANDED[HANDED[engine].exportsAs].budget === 'blocks' ? savedByBudget(checkpoint, recipe, storedBytes) : 0)
    );
  };
  if (recipe.tuning) {
    const refused = { bytes: null, refused: APART };
    return {
      onnx: refused,
      gguf: refused,
      peft: { bytes: adapterBytes(checkpoint, recipe.tuning), refused: null },
    };
  }
  return {
    peft: { bytes: null, refused: 'This variant was not fine-tuned, so there is no adapter.' },
    onnx: await attempt(onnx),
    gguf: await attempt(() => ggufBytes(checkpoint, recipe, storedBytes)),
  };
}

/** Why a fine-tuned variant is in no format that holds weights alone. */
const APART =
  'The adapter stands beside the weights as it was measured; merged into them it would be rounded or cut. Save the adapter instead.';

/** Of float32 numbers for both parts of every linear layer that it changes of the whole model: pruned ones have fewer. */
function adapterBytes({ config }: Checkpoint, { rank, targets, layers }: NonNullable<Recipe['tuning']>): number {
  const shapes = linearShapes(config, config.intermediateSize);
  const each = (targets ?? LINEARS).reduce((n, l) => n + shapes[l][0] + shapes[l][1], 0);
  const count = layers ? Math.max(0, Math.min(layers.last, config.layers - 1) - layers.first + 1) : config.layers;
  return 4 * rank * count * each;
}

async function attempt(count: () => number | Promise<number>): Promise<ExportSize> {
  try {
    return { bytes: await count(), refused: null };
  } catch (error) {
    if (!(error instanceof JoulewiseError)) throw error;
    return { bytes: null, refused: error.message };
  }
}
