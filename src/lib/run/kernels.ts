import type { PrecisionName } from '../tensor/precisions';
import type { PrunerName } from '../compress/pruners';
import type { Recipe } from '../compress/recipe';
import { JoulewiseError, quote } from '../core/errors';
import type { ByteDot } from '../cpu/module';
import type { FormName } from '../decoder/forms';
import type { Arithmetic } from '../meter/sources';
import type { EngineName } from '../schema/run';

/** Feature of a processor: it sums four byte products in one instruction (cpu/module.ts). */
export const BYTE_DOT = 'byte-dot';
export const featuresOf = (dot: ByteDot): readonly string[] => (dot ? [BYTE_DOT] : []);

/** What is said where a feature is missing. */
const LACKS: Readonly<Record<'shader-f16' | typeof BYTE_DOT, string>> = {
  'shader-f16': 'This adapter lacks shader-f16',
  [BYTE_DOT]: 'WebAssembly finds no instruction for sums of byte products here (VNNI, or ARM with relaxed SIMD)',
};

interface RowBase {
  precision: PrecisionName;
  /** WebGPU feature, or feature of the processor, that this row needs. */
  needs: keyof typeof LACKS | null;
  /** For recipes under a budget, whose linear layers are int8 or int4 one by one. */
  mixed: boolean;
  /** Stands in the record. */
  title: string;
}

/** A row of an engine that runs our graph: the form of its linear layers, and of embedding and output projection. */
export interface GraphKernelRow extends RowBase {
  engine: 'ort-cpu' | 'gpu';
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

const row = (
  engine: GraphKernelRow['engine'],
  precision: PrecisionName,
  form: FormName,
  outerForm: FormName,
  title: string,
  needs: KernelRow['needs'] = null,
): GraphKernelRow => ({
  engine,
  precision,
  form,
  outerForm,
  needs,
  title,
  mixed: false,
  others: {},
  tiles: form.startsWith('tiles'),
});

const cpu = (
  precision: PrecisionName,
  title: string,
  mixed = false,
  needs: KernelRow['needs'] = null,
): CpuKernelRow => ({
  engine: 'cpu',
  precision,
  needs,
  mixed,
  title,
});

const mixture = (row: GraphKernelRow, others: GraphKernelRow['others']): GraphKernelRow => ({
  ...row,
  mixed: true,
  others,
});

export const KERNELS: readonly KernelRow[] = [
  cpu('fp32', 'stored fp32, computed fp32 (own WASM kernels)'),
  cpu('fp16', 'stored fp16, unpacked to fp32 as it is read (own WASM kernels)'),
  cpu(
    'int8',
    'stored 8-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32 (own WASM kernels, byte products)',
    false,
    BYTE_DOT,
  ),
  cpu('int8', 'stored 8-bit blocks of 32, computed int8 per output x 16-bit levels per token (own WASM kernels)'),
  cpu(
    'int4',
    'stored 4-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32, output projection as int8 (own WASM kernels, byte products)',
    false,
    BYTE_DOT,
  ),
  cpu(
    'int4',
    'stored 4-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32, output projection as int8 (own WASM kernels)',
  ),
  cpu(
    'int8',
    'stored as a mixture of 8-bit and 4-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32 (own WASM kernels, byte products)',
    true,
    BYTE_DOT,
  ),
  cpu(
    'int8',
    'stored as a mixture of 8-bit and 4-bit blocks of 32, 8 bits computed int8 per output x 16-bit levels per token, 4 bits as stored x 8-bit levels in blocks of 32 (own WASM kernels)',
    true,
  ),
  row('ort-cpu', 'fp32', 'f32', 'f32', 'stored fp32, computed fp32 (WASM)'),
  row('ort-cpu', 'fp16', 'f32', 'f32', 'stored fp16, computed fp32 (WASM has no half-precision arithmetic)'),
  row(
    'ort-cpu',
    'int8',
    'dyn8',
    'dyn8',
    'stored 8-bit blocks of 32, computed int8 per output x two uint8 terms per token (WASM)',
  ),
  row(
    'ort-cpu',
    'int4',
    'dyn8',
    'dyn8',
    'stored 4-bit blocks of 32, computed int8 per output x two uint8 terms per token (WASM)',
  ),
  mixture(
    row(
      'ort-cpu',
      'int8',
      'dyn8',
      'dyn8',
      'stored as a mixture of 8-bit and 4-bit blocks of 32, computed int8 per output x two uint8 terms per token (WASM)',
    ),
    { int4: 'dyn8' },
  ),
  row('ort-cpu', 'fp32', 'tiles32', 'f32', 'stored fp32, half of it computed in fp32 by tiles of 2:4 (WASM)'),
  row('ort-cpu', 'fp16', 'tiles32', 'f32', 'stored fp16, half of it computed in fp32 by tiles of 2:4 (WASM)'),
  row('gpu', 'fp32', 'f32', 'f32', 'stored fp32, computed fp32 (WebGPU)'),
  row('gpu', 'fp16', 'f16', 'f16', 'stored fp16, computed fp16 (WebGPU)', 'shader-f16'),
  row('gpu', 'fp16', 'f32', 'f32', 'stored fp16, computed fp32 (WebGPU without shader-f16)'),
  row('gpu', 'fp32', 'tiles32', 'f32', 'stored fp32, half of it computed in fp32 by tiles of 2:4 (WebGPU)'),
  row(
    'gpu',
    'fp16',
    'tiles16',
    'f16',
    'stored fp16, half of it computed in fp16 by tiles of 2:4 (WebGPU)',
    'shader-f16',
  ),
  row(
    'gpu',
    'fp16',
    'tiles32',
    'f32',
    'stored fp16, half of it computed in fp32 by tiles of 2:4 (WebGPU without shader-f16)',
  ),
  row('gpu', 'int8', 'nbits8', 'nbits8', 'stored 8-bit blocks of 32, computed fp32 by MatMulNBits (WebGPU)'),
  row('gpu', 'int4', 'nbits4', 'nbits8', 'stored 4-bit blocks of 32, computed fp32 by MatMulNBits (WebGPU)'),
  mixture(
    row(
      'gpu',
      'int8',
      'nbits8',
      'nbits8',
      'stored as a mixture of 8-bit and 4-bit blocks of 32, computed fp32 by MatMulNBits (WebGPU)',
    ),
    { int4: 'nbits4' },
  ),
];

/** Arithmetic of a kernel's linear layers, by its title; they do nearly all operations. */
export const arithmeticOf = (kernel: string): Arithmetic =>
  /16-bit levels/.test(kernel)
    ? 'i16'
    : /computed int8|8-bit levels/.test(kernel)
      ? 'i8'
      : /computed fp16/.test(kernel)
        ? 'f16'
        : 'f32';

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
  if (engine !== 'cpu') refuseKv8(recipe);
  const mixed = recipe.budget !== null;
  const fitting = KERNELS.filter(
    (k): k is RowOf<E> => k.engine === engine && k.precision === precision && k.mixed === mixed,
  );
  if (mixed && fitting.length === 0)
    throw new JoulewiseError(
      'recipe.impossible',
      `A budget mixes 4 and 8 bits, for which the engine ${quote(engine)} has no kernel. Choose the engine "cpu", "gpu" or "ort-cpu", or one precision for all layers.`,
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
