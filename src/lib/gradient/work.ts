import { lowestOf, type TrainedLayout } from '../block/layout';
import { placeSpans } from '../block/spans';
import { INPUT_GROUPS, LINEARS, linearShapes, type LinearName } from '../checkpoint/block';
import type { Work } from '../core/cost';
import { storedBytes } from '../tensor/stored';
import type { Arithmetic, Frozen, ModelShape } from './frozen';
import type { Pass } from './pass';

/**
 * Work of one pass, there and, with `back`, back: operations (a multiply-add counts as two, in either arithmetic), and
 * bytes of weights as they are stored, which are read once each way, down to the lowest layer that is trained, and of what is kept between the two ways, written and
 * read once.
 */
export function passCost(
  model: Frozen | ModelShape,
  layout: TrainedLayout,
  pass: Pass,
  { back, arithmetic }: { back: boolean; arithmetic: Arithmetic },
): Work {
  const { config, ffnSizes } = model;
  const { hiddenSize, heads, headDim, kvHeads, layers, vocabSize } = config;
  const spans = placeSpans(pass.spans);
  const rows = pass.ids.length;
  const labels = pass.labels.filter((l) => l !== null).length;
  const full = layout.kind === 'full';
  const ways = back ? 2 : 1;
  const lowest = lowestOf(layout, layers);
  let products = ways * labels * vocabSize * hiddenSize;
  let kept = 0;
  for (let layer = 0; layer < layers; layer++) {
    const ffn = ffnSizes[layer] as number;
    const shapes = linearShapes(config, ffn);
    const own = (linears: readonly LinearName[]) => linears.reduce((n, l) => n + shapes[l][0] * shapes[l][1], 0);
    products += rows * own(LINEARS);
    if (!back || layer < lowest) continue;
    // Nothing below the lowest adapter asks for the gradient by what its block's attention reads.
    products += rows * (own(LINEARS) - (full || layer > lowest ? 0 : own(INPUT_GROUPS.attention)));
    kept += rows * (2 * hiddenSize + 2 * heads * headDim + 2 * kvHeads * headDim + 2 * ffn);
  }
  // Scores and their mixture; on the way back both again and four products for their gradients.
  const seen = spans.reduce((n, { past, tokens }) => n + tokens * past + (tokens * (tokens + 1)) / 2, 0);
  const attention = seen * heads * headDim * (2 * layers + (back ? 5 * (layers - lowest) : 0));
  // Two thin products there; on the way back two for the gradient by the input and two by the adapter.
  const low = full
    ? 0
    : layout.parts.reduce((n, { inputs, outputs }) => n + rows * layout.rank * (inputs + outputs), 0);
  return {
    // A weight's own gradient is a third product.
    operations: 2 * ((full && back ? 1.5 : 1) * products + attention + (back ? 3 : 1) * low),
    // Gradients are read and written where weights are read.
    weightBytes:
      weightBytes(model, layout, 0) +
      (back ? weightBytes(model, layout, lowest) : 0) +
      (full && back ? 2 * 4 * layout.size : 0),
    activationBytes: back ? 2 * (arithmetic === 'int8' ? 2 : 4) * kept : 0,
  };
}

/** Bytes of linear layers, from a layer on, and of the head as they are stored. */
function weightBytes(model: Frozen | ModelShape, layout: TrainedLayout, from: number): number {
  if (layout.kind === 'full' || !('layers' in model)) return 4 * layout.size;
  return model.layers
    .slice(from)
    .reduce(
      (n, { linear }) => n + LINEARS.reduce((sum, l) => sum + storedBytes(linear[l]), 0),
      storedBytes(model.head ?? model.embedding),
    );
}
