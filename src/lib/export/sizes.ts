import type { EngineName } from '../schema/engines';
import { HANDED } from '../variant/engines';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { Recipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import { exportSizes } from './onnx';
import { ggufBytes, savedByBudget } from './gguf';

/** Bytes of an export, or the sentence that says why there can be none. */
export type ExportSize = { bytes: number; refused: null } | { bytes: null; refused: string };

export type ExportFormat = 'onnx' | 'gguf';

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
  return {
    onnx: await attempt(onnx),
    gguf: await attempt(() => ggufBytes(checkpoint, recipe, storedBytes)),
  };
}

async function attempt(count: () => number | Promise<number>): Promise<ExportSize> {
  try {
    return { bytes: await count(), refused: null };
  } catch (error) {
    if (!(error instanceof JoulewiseError)) throw error;
    return { bytes: null, refused: error.message };
  }
}
