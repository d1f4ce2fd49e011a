import { readFileSync } from 'node:fs';
import { openCheckpoint } from '../../src/lib/checkpoint/checkpoint';
import { bytesSource } from '../../src/lib/checkpoint/source';
import { createTokenizer } from '../../src/lib/checkpoint/tokenizer';
import { compressCheckpoint } from '../../src/lib/compress/compress';
import { parseRecipe } from '../../src/lib/compress/recipe';
import { importDataset } from '../../src/lib/data/import';
import { ASKED_KINDS } from '../../src/lib/data/redaction-kinds';
import { parseMapping } from '../../src/lib/data/mapping';
import { TASK_TABLE } from '../../src/lib/data/tasks';
import { freeze } from '../../src/lib/gradient/frozen';
import { LORA, loraLayout } from '../../src/lib/tune/lora';
import { examplesOf } from '../../src/lib/tune/tickets';

/** Longest example, tokens. */
const CONTEXT = 1024;

/** A GGUF file under a recipe, the layout of an adapter, and root causes of a file's first training tickets as they are learnt. */
export async function openLessons(
  model: string,
  tickets: string,
  map: string,
  recipe: string,
  count: number,
  /** Of the split. */
  seed = 1,
) {
  const data = new Uint8Array(readFileSync(model));
  const checkpoint = await openCheckpoint({
    name: 'model',
    list: () => Promise.resolve(['model.gguf']),
    open: (name) => Promise.resolve(name === 'model.gguf' ? bytesSource(name, data) : null),
  });
  const blob = new Blob([readFileSync(tickets)]);
  const { dataset } = await importDataset(
    {
      name: 'tickets.csv',
      size: blob.size,
      stream: () => blob.stream(),
      slice: (a, b) => blob.slice(a, b).arrayBuffer(),
    },
    { mapping: parseMapping(map, 'rca'), redact: true, redaction: { off: ASKED_KINDS }, seed },
  );
  const frozen = await freeze(await compressCheckpoint(checkpoint, parseRecipe(recipe), {}));
  const tokenizer = createTokenizer(checkpoint.tokenizer);
  const stopIds = frozen.config.eosTokenIds;
  const { examples } = examplesOf(
    tokenizer,
    stopIds,
    [TASK_TABLE.rca],
    dataset.tickets.filter((_, i) => dataset.split[i] === 'train').slice(0, count),
    dataset.causes,
    CONTEXT,
  );
  return { tokenizer, stopIds, dataset, frozen, lora: loraLayout(frozen.config, frozen.ffnSizes, LORA), examples };
}
