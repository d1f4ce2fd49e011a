import { LINEARS, linearShapes, type LinearName } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';

/** Which linear layers have low-rank changes, and how strong: y += factor B (A x) (Hu et al. 2021, LoRA). */
export interface LoraShape {
  rank: number;
  /** alpha / rank, or alpha / sqrt(rank) where stabilised (Kalajdzievski 2023, rsLoRA). */
  factor: number;
  targets: readonly LinearName[];
  /** Layers that have them, ascending. */
  layers: readonly number[];
}

/** One linear layer's part of the flat vector: A [rank, inputs] from float `a` on, B [outputs, rank] from `b` on. */
export interface LoraPart {
  layer: number;
  linear: LinearName;
  outputs: number;
  inputs: number;
  a: number;
  b: number;
}

export interface LoraLayout extends LoraShape {
  kind: 'lora';
  parts: readonly LoraPart[];
  /** Floats in all. */
  size: number;
  /** Null where a linear layer is left alone. */
  part(layer: number, linear: LinearName): LoraPart | null;
}

/** Where the numbers of an adapter stand in one flat float32 vector: layer by layer, A before B. */
export function layoutOf(
  config: Pick<ModelConfig, 'hiddenSize' | 'heads' | 'kvHeads' | 'headDim'>,
  ffnSizes: readonly number[],
  shape: LoraShape,
): LoraLayout {
  const parts: LoraPart[] = [];
  let size = 0;
  for (const layer of shape.layers)
    for (const linear of LINEARS) {
      if (!shape.targets.includes(linear)) continue;
      const [outputs, inputs] = linearShapes(config, ffnSizes[layer] as number)[linear];
      const b = size + shape.rank * inputs;
      parts.push({ layer, linear, outputs, inputs, a: size, b });
      size = b + outputs * shape.rank;
    }
  const byName = new Map(parts.map((part) => [`${part.layer} ${part.linear}`, part]));
  return { ...shape, kind: 'lora', parts, size, part: (layer, linear) => byName.get(`${layer} ${linear}`) ?? null };
}
