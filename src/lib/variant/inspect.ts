import { vectorNames } from '../checkpoint/block';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { LayerReport } from '../compress/books';
import { outerReport, type OuterReport } from '../compress/compress';
import type { Recipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import { footprintHere, withCompressed, type CompressVariantOptions } from './compress';

export interface Looked {
  done: number;
  of: number;
  report?: LayerReport;
  outer?: OuterReport[];
}

/** Compresses every layer and keeps only what was lost. Throws `cancelled` between layers. */
export function inspect(
  checkpoint: Checkpoint,
  recipe: Recipe,
  o: Omit<CompressVariantOptions, 'packed' | 'onLinear' | 'signal'> & {
    signal: AbortSignal;
    onLooked: (looked: Looked) => void;
  },
) {
  let { layers } = checkpoint.config;
  let layer = 0;
  return withCompressed(
    checkpoint,
    recipe,
    { ...o, footprint: footprintHere(), onLinear: (report) => o.onLooked({ done: layer, of: layers, report }) },
    async (model) => {
      ({ layers } = model.config);
      // What belongs to no layer comes first, so that a picture of all bytes keeps its scale while layers come.
      const outer = [outerReport('embedding', await model.embedding())];
      const head = await model.head();
      if (head) outer.push(outerReport('head', head));
      o.onLooked({ done: 0, of: layers, outer });
      for (; layer < layers; layer++) {
        if (o.signal.aborted)
          throw new JoulewiseError(
            'cancelled',
            'Stopped while compressing. Calibrated layers that are finished are kept.',
          );
        await o.inPhase('compress', () => model.layer(layer));
      }
      for (const name of vectorNames(model.config)) await model.vector(name);
      return { layers: [...model.reports()], outer, compression: model.counted() };
    },
  );
}
