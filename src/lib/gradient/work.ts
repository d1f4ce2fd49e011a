import type { LoraLayout } from '../block/lora';
import { placeSpans } from '../block/spans';
import { LINEARS, linearShapes } from '../checkpoint/block';
import type { Work } from '../core/cost';
import { storedBytes } from '../tensor/stored';
import type { Arithmetic, Frozen } from './frozen';
import type { Pass } from './pass';

/**
 * Work of one pass, there and, with `back`, back: operations (a multiply-add counts as two, in either arithmetic), and
 * bytes of weights as they are stored, which are read once each way, and of what is kept between the two ways, written and
 * read once.
 */
export function passCost(
  { config, ffnSizes, layers: stored, head, embedding }: Frozen,
  lora: LoraLayout,
  pass: Pass,
  { back, arithmetic }: { back: boolean; arithmetic: Arithmetic },
): Work {
  const { hiddenSize, heads, headDim, kvHeads, layers, vocabSize } = config;
  const spans = placeSpans(pass.spans);
  const rows = pass.ids.length;
  const labels = pass.labels.filter((l) => l !== null).length;
  const ways = back ? 2 : 1;
  let weights = storedBytes(head ?? embedding);
  let products = labels * vocabSize * hiddenSize;
  let kept = 0;
  for (let layer = 0; layer < layers; layer++) {
    const ffn = ffnSizes[layer] as number;
    const shapes = linearShapes(config, ffn);
    const own = LINEARS.reduce((n, l) => n + shapes[l][0] * shapes[l][1], 0);
    weights += LINEARS.reduce((n, l) => n + storedBytes((stored[layer] as (typeof stored)[number]).linear[l]), 0);
    products += rows * own;
    kept += rows * (2 * hiddenSize + 2 * heads * headDim + 2 * kvHeads * headDim + 2 * ffn);
  }
  // Scores and their mixture; on the way back both again and four products for their gradients.
  const seen = spans.reduce((n, { past, tokens }) => n + tokens * past + (tokens * (tokens + 1)) / 2, 0);
  const attention = seen * heads * headDim * (back ? 7 : 2) * layers;
  // Two thin products there; on the way back two for the gradient by the input and two by the adapter.
  const low = lora.parts.reduce((n, { inputs, outputs }) => n + rows * lora.rank * (inputs + outputs), 0);
  return {
    operations: 2 * (ways * products + attention + (back ? 3 : 1) * low),
    weightBytes: ways * weights,
    activationBytes: back ? 2 * (arithmetic === 'int8' ? 2 : 4) * kept : 0,
  };
}
