import type { ModelConfig } from '../checkpoint/config';
import { layoutOf, type LoraLayout, type LoraShape } from './lora';
import { fullLayout, type FullLayout } from './weights';

/** Where the numbers that are trained stand in one flat vector: a low-rank adapter's, or every weight. */
export type TrainedLayout = LoraLayout | FullLayout;

/** What is trained, as plain data. */
export type TrainedShape = ({ kind: 'lora' } & LoraShape) | { kind: 'full' };

/** Plain data from which `layoutFor` lays the same numbers out again. */
export function shapeOf(layout: TrainedLayout): TrainedShape {
  if (layout.kind === 'full') return { kind: 'full' };
  const { kind, rank, factor, targets, layers } = layout;
  return { kind, rank, factor, targets, layers };
}

/** The layout of what is trained of a model. */
export const layoutFor = (config: ModelConfig, ffnSizes: readonly number[], shape: TrainedShape): TrainedLayout =>
  shape.kind === 'full' ? fullLayout(config, ffnSizes) : layoutOf(config, ffnSizes, shape);

/** The lowest layer that takes gradients: nothing is asked below it. */
export const lowestOf = (layout: TrainedLayout, layers: number): number =>
  layout.kind === 'full' ? 0 : layout.parts.reduce((n, { layer }) => Math.min(n, layer), layers);

/** Ranges of floats without weight decay: norms and biases where all weights are trained. */
export const undecayedOf = (layout: TrainedLayout): (readonly [from: number, to: number])[] =>
  layout.kind === 'full'
    ? layout.parts.filter(({ vector }) => vector).map(({ at, columns }) => [at, at + columns] as const)
    : [];

/** Numbers that are trained, without what fills a layout up. */
export const parametersOf = (layout: TrainedLayout): number =>
  layout.kind === 'full' ? layout.parts.reduce((n, { rows, columns }) => n + rows * columns, 0) : layout.size;
