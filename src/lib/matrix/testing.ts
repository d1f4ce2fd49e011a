/** Opens the kernels from the files that `cli/wasm.mjs` built, in Node. */
import { readFile } from 'node:fs/promises';
import { hasRelaxedSimd, openMatrix, type DOTS } from './matrix';

export async function nodeMatrix(relaxed = hasRelaxedSimd(), dot?: keyof typeof DOTS) {
  const file = new URL(`../../matrix/build/${relaxed ? 'relaxed' : 'plain'}.wasm`, import.meta.url);
  return openMatrix(await readFile(file), relaxed, dot);
}
