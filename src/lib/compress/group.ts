import type { LinearName } from '../checkpoint/block';
import { JoulewiseError } from '../core/errors';
import type { Matrix } from '../matrix/matrix';
import { factorOf, outputError, solveColumns, type ColumnMask, type Factor } from './columns';
import { countZeros, dequantize, storedBytes, type StoredTensor } from '../tensor/stored';
import { PRECISIONS } from '../tensor/precisions';
import { PRUNERS } from './pruners';
import { QUANTIZERS, type LinearRecipe } from './recipe';
import type { InputStatistics } from './statistics';

/** Linear layers that share an input, to be compressed together: plain data, so that it can cross to another thread. */
export interface GroupJob {
  matrices: { linear: LinearName; data: Float32Array<ArrayBuffer>; rows: number }[];
  columns: number;
  /** One for all, or one for each matrix (mixed recipes). */
  recipes: LinearRecipe[];
  /** Null where the recipe needs none. */
  statistics: InputStatistics | null;
  /** tr(W X^T X W^T) of each matrix before compression, null where it is to be found; all null without statistics. */
  outputSquares: (number | null)[] | null;
}

/** What became of one linear layer. */
export interface LinearReport {
  linear: LinearName;
  recipe: string;
  rows: number;
  columns: number;
  /** Share of weights that are exactly zero. */
  sparsity: number;
  bytes: number;
  /** |x (W' - W)^T|^2 / |x W^T|^2 over the calibration tokens; null where x^T x was not collected. */
  error: number | null;
  milliseconds: number;
  /** Share of the mean diagonal added before inversion; null where nothing was inverted. */
  damping: number | null;
  /** Inputs that were zero on every calibration token. */
  deadInputs: number;
}

export interface GroupResult {
  tensors: StoredTensor[];
  reports: Omit<LinearReport, 'recipe'>[];
}

/** Runs jobs: here, or on other threads. */
export interface Solver {
  run(job: GroupJob): Promise<GroupResult>;
}

/** Masks, then quantizes, each matrix of a group. `m` may be null where no recipe runs the column loop. */
export function compressGroup(m: Matrix | null, job: GroupJob): GroupResult {
  const out: GroupResult = { tensors: [], reports: [] };
  const { statistics, columns } = job;
  const work = () => {
    /** By whether columns are ordered. */
    const factors = new Map<boolean, Factor>();
    job.matrices.forEach(({ linear, data, rows }, i) => {
      const start = performance.now();
      const recipe = (job.recipes[i] ?? job.recipes[0]) as LinearRecipe;
      const { loop, ordered, candidates } = QUANTIZERS[recipe.quantizer];
      const row = recipe.mask ? PRUNERS[recipe.mask.pruner] : null;
      const share = recipe.mask?.share ?? null;
      const wantsError = m !== null && statistics?.gram != null && job.outputSquares !== null;
      const original = wantsError ? data.slice() : null;
      const before =
        original && m && statistics ? (job.outputSquares?.[i] ?? outputError(m, statistics, original, rows)) : 0;
      let mask: ColumnMask | null = null;
      if (row?.kind === 'columns') mask = row.pattern(share);
      else if (row?.kind === 'mask') {
        if (row.needs && !statistics) throw new JoulewiseError('internal', 'This recipe needs calibration.');
        row.apply(data, rows, columns, share, statistics?.squares ?? null);
        if (loop) mask = { kind: 'given' };
      } else if (loop) mask = { kind: 'none' };
      let stored: StoredTensor;
      let factor: Factor | null = null;
      if (mask) {
        if (!m || !statistics) throw new JoulewiseError('internal', 'This recipe needs calibration and its kernels.');
        factor = factors.get(ordered) ?? factorOf(m, statistics, ordered);
        factors.set(ordered, factor);
        const { bits } = PRECISIONS[recipe.precision];
        const solved = solveColumns(m, factor, data, rows, mask, bits === 4 || bits === 8 ? bits : 0, candidates);
        stored = solved.stored ?? PRECISIONS[recipe.precision].store(solved.data, rows, columns);
      } else stored = PRECISIONS[recipe.precision].store(data, rows, columns);
      let error: number | null = null;
      if (original && m && statistics) {
        const made = dequantize(stored);
        for (let j = 0; j < original.length; j++) original[j] = (made[j] as number) - (original[j] as number);
        error = before > 0 ? Math.max(0, outputError(m, statistics, original, rows)) / before : 0;
      }
      out.tensors.push(stored);
      out.reports.push({
        linear,
        rows,
        columns,
        sparsity: countZeros(stored) / (rows * columns),
        bytes: storedBytes(stored),
        error,
        milliseconds: performance.now() - start,
        damping: factor ? factor.damping : null,
        deadInputs: factor ? factor.dead.length : 0,
      });
    });
  };
  if (m) m.within(work);
  else work();
  return out;
}
