import type { EngineName } from '../schema/engines';
import { HANDED, type GraphEngine } from './engines';
import type { PrecisionName } from '../tensor/precisions';
import type { PrunerName } from '../compress/pruners';
import type { Recipe } from '../compress/recipe';
import { JoulewiseError, quote } from '../core/errors';
import { bestBuild, byteDotOf } from '../cpu/module';
import type { ByteDot } from '../core/dot';
import type { FormName } from '../decoder/forms';
import type { Arithmetic } from '../core/cost';

/** Feature of a processor: it sums four byte products in one instruction (cpu/module.ts). */
export const BYTE_DOT = 'byte-dot';
export const featuresOf = (dot: ByteDot): readonly string[] => (dot ? [BYTE_DOT] : []);
/** What of this device's processor our own kernels choose by. */
export const processorFeatures = () => featuresOf(byteDotOf(bestBuild()));

/** What is said where a feature is missing. */
const LACKS: Readonly<Record<'shader-f16' | typeof BYTE_DOT, string>> = {
  'shader-f16': 'This adapter lacks shader-f16',
  [BYTE_DOT]: 'WebAssembly finds no instruction for sums of byte products here (VNNI, or ARM with relaxed SIMD)',
};

interface RowBase {
  precision: PrecisionName;
  /** Of the linear layers, which do nearly all operations: what prices their joules. */
  arithmetic: Arithmetic;
  /** WebGPU feature, or feature of the processor, that this row needs. */
  needs: keyof typeof LACKS | null;
  /** For recipes under a budget, whose linear layers are int8 or int4 one by one. */
  mixed: boolean;
  /** Stands in the record. */
  title: string;
}

/** A row of an engine that runs our graph: the form of its linear layers, and of embedding and output projection. */
export interface GraphKernelRow extends RowBase {
  engine: GraphEngine;
  form: FormName;
  outerForm: FormName;
  /** For mixtures: forms of the linear layers whose precision is not `precision`. */
  others: Partial<Readonly<Record<PrecisionName, FormName>>>;
  /** Computes only what a pattern of 2:4 shared by tiles of outputs keeps; such recipes take these rows where there are any. */
  tiles: boolean;
}

/** A row of our own kernels; their format follows from each stored tensor (cpu/formats.ts), 2:4 included. */
export interface CpuKernelRow extends RowBase {
  engine: 'cpu';
}

/** Which kernel computes a precision on an engine: one row each, in order of preference. */
export type KernelRow = GraphKernelRow | CpuKernelRow;

/** What a row may leave out. */
type Row<R extends RowBase, K extends keyof R> = Omit<R, K | 'needs' | 'mixed'> & Partial<Pick<R, 'needs' | 'mixed'>>;

const cpu = (row: Row<CpuKernelRow, 'engine'>): CpuKernelRow => ({ needs: null, mixed: false, ...row, engine: 'cpu' });
const graph =
  (engine: GraphKernelRow['engine']) =>
  ({
    others = {},
    ...row
  }: Row<GraphKernelRow, 'engine' | 'others' | 'tiles'> & Partial<Pick<GraphKernelRow, 'others'>>): GraphKernelRow => ({
    needs: null,
    mixed: false,
    others,
    tiles: row.form.startsWith('tiles'),
    ...row,
    engine,
  });
const ortCpu = graph('ort-cpu');
const ortGpu = graph('ort-gpu');

export const KERNELS: readonly KernelRow[] = [
  cpu({
    precision: 'fp32',
    arithmetic: 'f32',
    title: 'stored fp32, computed fp32 (own WASM kernels)',
  }),
  cpu({
    precision: 'fp16',
    arithmetic: 'f32',
    title: 'stored fp16, unpacked to fp32 as it is read (own WASM kernels)',
  }),
  cpu({
    precision: 'int8',
    arithmetic: 'i8',
    title:
      'stored 8-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32 (own WASM kernels, byte products)',
    needs: BYTE_DOT,
  }),
  cpu({
    precision: 'int8',
    arithmetic: 'i16',
    title: 'stored 8-bit blocks of 32, computed int8 per output x 16-bit levels per token (own WASM kernels)',
  }),
  cpu({
    precision: 'int4',
    arithmetic: 'i8',
    title:
      'stored 4-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32, output projection as int8 (own WASM kernels, byte products)',
    needs: BYTE_DOT,
  }),
  cpu({
    precision: 'int4',
    arithmetic: 'i8',
    title:
      'stored 4-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32, output projection as int8 (own WASM kernels)',
  }),
  cpu({
    precision: 'int8',
    arithmetic: 'i8',
    title:
      'stored as a mixture of 8-bit and 4-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32 (own WASM kernels, byte products)',
    needs: BYTE_DOT,
    mixed: true,
  }),
  cpu({
    precision: 'int8',
    arithmetic: 'i16',
    title:
      'stored as a mixture of 8-bit and 4-bit blocks of 32, 8 bits computed int8 per output x 16-bit levels per token, 4 bits as stored x 8-bit levels in blocks of 32 (own WASM kernels)',
    mixed: true,
  }),
  ortCpu({
    precision: 'fp32',
    form: 'f32',
    outerForm: 'f32',
    arithmetic: 'f32',
    title: 'stored fp32, computed fp32 (WASM)',
  }),
  ortCpu({
    precision: 'fp16',
    form: 'f32',
    outerForm: 'f32',
    arithmetic: 'f32',
    title: 'stored fp16, computed fp32 (WASM has no half-precision arithmetic)',
  }),
  ortCpu({
    precision: 'int8',
    form: 'dyn8',
    outerForm: 'dyn8',
    arithmetic: 'i8',
    title: 'stored 8-bit blocks of 32, computed int8 per output x two uint8 terms per token (WASM)',
  }),
  ortCpu({
    precision: 'int4',
    form: 'dyn8',
    outerForm: 'dyn8',
    arithmetic: 'i8',
    title: 'stored 4-bit blocks of 32, computed int8 per output x two uint8 terms per token (WASM)',
  }),
  ortCpu({
    precision: 'int8',
    form: 'dyn8',
    outerForm: 'dyn8',
    arithmetic: 'i8',
    title:
      'stored as a mixture of 8-bit and 4-bit blocks of 32, computed int8 per output x two uint8 terms per token (WASM)',
    mixed: true,
    others: { int4: 'dyn8' },
  }),
  ortCpu({
    precision: 'fp32',
    form: 'tiles32',
    outerForm: 'f32',
    arithmetic: 'f32',
    title: 'stored fp32, half of it computed in fp32 by tiles of 2:4 (WASM)',
  }),
  ortCpu({
    precision: 'fp16',
    form: 'tiles32',
    outerForm: 'f32',
    arithmetic: 'f32',
    title: 'stored fp16, half of it computed in fp32 by tiles of 2:4 (WASM)',
  }),
  ortGpu({
    precision: 'fp32',
    form: 'f32',
    outerForm: 'f32',
    arithmetic: 'f32',
    title: 'stored fp32, computed fp32 (WebGPU)',
  }),
  ortGpu({
    precision: 'fp16',
    form: 'f16',
    outerForm: 'f16',
    arithmetic: 'f16',
    title: 'stored fp16, computed fp16 (WebGPU)',
    needs: 'shader-f16',
  }),
  ortGpu({
    precision: 'fp16',
    form: 'f32',
    outerForm: 'f32',
    arithmetic: 'f32',
    title: 'stored fp16, computed fp32 (WebGPU without shader-f16)',
  }),
  ortGpu({
    precision: 'fp32',
    form: 'tiles32',
    outerForm: 'f32',
    arithmetic: 'f32',
    title: 'stored fp32, half of it computed in fp32 by tiles of 2:4 (WebGPU)',
  }),
  ortGpu({
    precision: 'fp16',
    form: 'tiles16',
    outerForm: 'f16',
    arithmetic: 'f16',
    title: 'stored fp16, half of it computed in fp16 by tiles of 2:4 (WebGPU)',
    needs: 'shader-f16',
  }),
  ortGpu({
    precision: 'fp16',
    form: 'tiles32',
    outerForm: 'f32',
    arithmetic: 'f32',
    title: 'stored fp16, half of it computed in fp32 by tiles of 2:4 (WebGPU without shader-f16)',
  }),
  ortGpu({
    precision: 'int8',
    form: 'nbits8',
    outerForm: 'nbits8',
    arithmetic: 'f32',
    title: 'stored 8-bit blocks of 32, computed fp32 by MatMulNBits (WebGPU)',
  }),
  ortGpu({
    precision: 'int4',
    form: 'nbits4',
    outerForm: 'nbits8',
    arithmetic: 'f32',
    title: 'stored 4-bit blocks of 32, computed fp32 by MatMulNBits (WebGPU)',
  }),
  ortGpu({
    precision: 'int8',
    form: 'nbits8',
    outerForm: 'nbits8',
    arithmetic: 'f32',
    title: 'stored as a mixture of 8-bit and 4-bit blocks of 32, computed fp32 by MatMulNBits (WebGPU)',
    mixed: true,
    others: { int4: 'nbits4' },
  }),
];

/** Pruners whose pattern is shared by tiles of 128 outputs. */
const TILED: ReadonlySet<PrunerName> = new Set<PrunerName>(['2:4t', 'sparsegpt2:4t']);

/** The row type of an engine. */
type RowOf<E extends EngineName> = E extends 'cpu' ? CpuKernelRow : GraphKernelRow;

/** For engines that keep keys and values as floats alone. */
export function refuseKv8(recipe: Pick<Recipe, 'kv8'>): void {
  if (recipe.kv8)
    throw new JoulewiseError(
      'recipe.impossible',
      'Only our own kernels keep keys and values in int8. Choose the engine "cpu", or leave out kv8.',
    );
}

/** The best row this device can run, and what it could not have, in words. */
export function chooseKernel<E extends EngineName>(
  engine: E,
  recipe: Pick<Recipe, 'precision' | 'prunings' | 'budget' | 'kv8'>,
  features: readonly string[],
): { kernel: RowOf<E>; fallbacks: string[] } {
  const { precision } = recipe;
  if (!HANDED[engine].kv8) refuseKv8(recipe);
  const mixed = recipe.budget !== null;
  const fitting = KERNELS.filter(
    (k): k is RowOf<E> => k.engine === engine && k.precision === precision && k.mixed === mixed,
  );
  if (mixed && fitting.length === 0)
    throw new JoulewiseError(
      'recipe.impossible',
      `A budget mixes 4 and 8 bits, for which the engine ${quote(engine)} has no kernel. Choose the engine "cpu", "ort-gpu" or "ort-cpu", or one precision for all layers.`,
    );
  const tiled = (k: KernelRow) => k.engine !== 'cpu' && k.tiles;
  const wanted = recipe.prunings.some((p) => TILED.has(p.pruner)) && fitting.some(tiled);
  const rows = fitting.filter((k) => tiled(k) === wanted);
  const kernel = rows.find((k) => k.needs === null || features.includes(k.needs));
  if (!kernel) throw new JoulewiseError('recipe.impossible', `Engine ${engine} has no kernel for ${precision}.`);
  const missed = rows.slice(0, rows.indexOf(kernel));
  return {
    kernel,
    fallbacks: missed.map((k) => `${k.needs && LACKS[k.needs]}: instead of "${k.title}", used "${kernel.title}".`),
  };
}
