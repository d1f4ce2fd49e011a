import { ratesOf } from '../meter/model';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import { parseRecipe } from '../compress/recipe';
import { profileByName } from '../meter/profiles';
import { exportSizes, exportVariant } from './onnx';

const builtin = () => openCheckpoint(fileSet(builtinFiles()));

describe('the ONNX folder', () => {
  it.each(['fp32', 'fp16', 'int8', 'int4', 'int8+ffn50+layers25', 'fp32+2:4t'])(
    'of %s is as large as said before a weight is read',
    async (text) => {
      for (const engine of ['cpu', 'ort-gpu'] as const) {
        const checkpoint = await builtin();
        const recipe = parseRecipe(text);
        const said = exportSizes(checkpoint, recipe, engine);
        const written = new Map<string, number>();
        await exportVariant(
          checkpoint,
          recipe,
          engine,
          {
            open(name) {
              written.set(name, 0);
              return Promise.resolve({
                append: (data) => Promise.resolve(void written.set(name, (written.get(name) ?? 0) + data.byteLength)),
                close: () => Promise.resolve(),
              });
            },
          },
          { rates: (arithmetic) => ratesOf(profileByName('cpu-laptop'), arithmetic) },
        );
        expect([...said.keys()].sort()).toEqual([...written.keys()].sort());
        // Order decides padding, and the graph holds offsets as texts, of which the size counts the longest.
        for (const [name, bytes] of written)
          expect(Math.abs((said.get(name) ?? 0) - bytes)).toBeLessThan(name.endsWith('.onnx') ? 0.05 * bytes : 1024);
      }
    },
  );
});
