import { parseRecipe, type Recipe } from '../../compress/recipe';
import type { Handlers } from '../../core/rpc';
import { stopwatch } from '../../core/stopwatch';
import { exportGguf } from '../../export/gguf';
import { exportVariant } from '../../export/onnx';
import { writeWeights } from '../../export/safetensors';
import { sizesOf } from '../../export/sizes';
import { openRef } from '../../store/checkpoints';
import { createExport } from '../../store/exports';
import { inspect } from '../../variant/inspect';
import { cpuTarget } from '../../variant/target';
import { calibrationOf, ratesHere } from '../host/host';
import type { ExportApi } from './protocol';

const targetHere = (recipe: Recipe) => cpuTarget(recipe, () => ratesHere('cpu', null));

/** What writes a variant for others, or looks at what it lost; no engine is opened. */
export const exportCalls: Handlers<ExportApi> = {
  async exportVariant(args, { emit, signal }) {
    const recipe = parseRecipe(args.recipe);
    const folder = await createExport();
    const report = await exportVariant(await openRef(args.checkpoint), recipe, args.engine, folder, {
      signal,
      calibration: await calibrationOf(args),
      rates: await ratesHere(args.engine, args.profile ?? null),
      onProgress: (done, of) => emit({ phase: 'export', done, of }),
    });
    return { ...report, id: folder.id };
  },

  async exportSizes({ checkpoint, recipe, engine, storedBytes }) {
    return sizesOf(await openRef(checkpoint), parseRecipe(recipe), engine, storedBytes);
  },

  async exportGguf({ name, ...args }, { emit, signal }) {
    const folder = await createExport();
    const recipe = parseRecipe(args.recipe);
    const report = await exportGguf(await openRef(args.checkpoint), recipe, folder, {
      id: name,
      signal,
      calibration: await calibrationOf(args),
      target: await targetHere(recipe),
      inPhase: (_, work) => work(),
      onProgress: (done, of) => emit({ phase: 'export', done, of }),
    });
    return { ...report, id: folder.id };
  },

  async compress(args, { emit, signal }) {
    const folder = await createExport();
    const { ms, inPhase } = stopwatch('calibrate', 'compress');
    const recipe = parseRecipe(args.recipe);
    const report = await writeWeights(await openRef(args.checkpoint), recipe, folder, {
      signal,
      calibration: await calibrationOf(args),
      target: await targetHere(recipe),
      onCalibrated: (done, of) => emit({ phase: 'calibrate', done, of }),
      onProgress: (done, of) => emit({ phase: 'compress', done, of }),
      inPhase,
    });
    return { ...report, id: folder.id, ms };
  },

  async inspect({ checkpoint: ref, threads, tasks, given, recipe: text }, { emit, signal }) {
    const checkpoint = await openRef(ref);
    const { ms, inPhase } = stopwatch('calibrate', 'compress');
    const recipe = parseRecipe(text);
    const calibration = given && { tasks, given };
    const made = await inspect(checkpoint, recipe, {
      target: await targetHere(recipe),
      signal,
      inPhase,
      calibration: await calibrationOf({ checkpoint: ref, threads, calibration }),
      onCalibrated: (done, of) => emit({ phase: 'calibrate', done, of }),
      onLooked: (looked) => emit({ phase: 'compress', ...looked }),
    });
    return { ...made, ms };
  },
};
