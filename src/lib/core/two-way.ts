/** One measurement: `weight` is inverse to its variance (1 where absent); a weight of 0 leaves the cell out. */
export interface Cell {
  row: number;
  column: number;
  y: number;
  weight?: number;
}

export interface TwoWay {
  /**
   * Least-squares row effects [rows], in units of y. They sum to 0 over the rows of a connected part, so only
   * differences between connected rows mean anything. NaN for a row without cells.
   */
  effects: Float64Array;
  /** Column effects [columns]: what a row of effect 0 would measure there. NaN for a column without cells. */
  columnEffects: Float64Array;
  /** y minus fit, parallel to the cells (NaN where a cell's weight is 0). */
  residuals: Float64Array;
  /** Observations less estimated parameters. */
  df: number;
  /** Residual variance sigma^2 of a cell of weight 1, in units of y squared; null where df is 0. */
  variance: number | null;
  /** Whether the cells allow to compare rows i and j: a path of shared columns leads from one to the other. */
  connected(i: number, j: number): boolean;
  /** The factor with Var(effect_i - effect_j) = sigma^2 * pair(i, j); null where the rows are not connected. */
  pair(i: number, j: number): number | null;
  /** Correlations [k][k] of the contrasts effect_i - effect_j; rows and columns of zeros where one has no variance. */
  correlation(contrasts: readonly (readonly [i: number, j: number])[]): number[][];
}

/** For every row the lowest row that a path of shared columns leads to; -1 for a row without cells. */
function parts(cells: readonly Cell[], rows: number, columns: number): Int32Array {
  const label = new Int32Array(rows).fill(-1);
  for (const { row } of cells) label[row] = row;
  const ofColumn = new Int32Array(columns);
  for (let changed = true; changed;) {
    changed = false;
    ofColumn.fill(rows);
    for (const { row, column } of cells) ofColumn[column] = Math.min(ofColumn[column] as number, label[row] as number);
    for (const { row, column } of cells) {
      if ((ofColumn[column] as number) >= (label[row] as number)) continue;
      label[row] = ofColumn[column] as number;
      changed = true;
    }
  }
  return label;
}

/** The inverse of a positive definite matrix [n * n], row by row, by Gauss-Jordan in place. */
function invert(a: Float64Array, n: number): void {
  for (let k = 0; k < n; k++) {
    const pivot = a[k * n + k] as number;
    a[k * n + k] = 1;
    for (let j = 0; j < n; j++) a[k * n + j] = (a[k * n + j] as number) / pivot;
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = a[i * n + k] as number;
      a[i * n + k] = 0;
      for (let j = 0; j < n; j++) a[i * n + j] = (a[i * n + j] as number) - factor * (a[k * n + j] as number);
    }
  }
}

/**
 * Weighted least squares of y = row + column + rest, Var(rest) = sigma^2 / weight, with any cells missing or repeated
 * (Searle 1987, Linear Models for Unbalanced Data, ch. 4). Columns are eliminated first: what remains is the Laplacian
 * of the rows, whose pseudo-inverse holds the variances of all differences between rows.
 */
export function twoWay(cells: readonly Cell[], rows: number, columns: number): TwoWay {
  const weightOf = (cell: Cell) => cell.weight ?? 1;
  const used = cells.filter((cell) => weightOf(cell) > 0);
  const label = parts(used, rows, columns);

  const columnWeight = new Float64Array(columns);
  const columnMean = new Float64Array(columns);
  const byColumn = Array.from({ length: columns }, () => new Float64Array(rows));
  for (const cell of used) {
    const w = weightOf(cell);
    const total = (columnWeight[cell.column] as number) + w;
    columnWeight[cell.column] = total;
    const mean = columnMean[cell.column] as number;
    columnMean[cell.column] = mean + ((cell.y - mean) * w) / total;
    const share = byColumn[cell.column] as Float64Array;
    share[cell.row] = (share[cell.row] as number) + w;
  }

  // S = diag(row weights) - sum over columns of w w^T / (column weight); right = weighted deviations from column means.
  const inverse = new Float64Array(rows * rows);
  const right = new Float64Array(rows);
  for (const cell of used) {
    const w = weightOf(cell);
    inverse[cell.row * rows + cell.row] = (inverse[cell.row * rows + cell.row] as number) + w;
    right[cell.row] = (right[cell.row] as number) + w * (cell.y - (columnMean[cell.column] as number));
  }
  byColumn.forEach((share, column) => {
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < rows; j++) {
        if (share[i] === 0 || share[j] === 0) continue;
        const product = ((share[i] as number) * (share[j] as number)) / (columnWeight[column] as number);
        inverse[i * rows + j] = (inverse[i * rows + j] as number) - product;
      }
  });
  // Within each connected part S has the constants as its null space: adding scale / size there makes it invertible, and
  // changes neither differences nor (since the right side sums to 0) the effects. A row without cells gets a 1.
  const size = new Int32Array(rows);
  const scale = new Float64Array(rows);
  label.forEach((l, i) => {
    if (l < 0) return;
    size[l] = (size[l] as number) + 1;
    scale[l] = (scale[l] as number) + (inverse[i * rows + i] as number);
  });
  for (let i = 0; i < rows; i++) {
    const l = label[i] as number;
    if (l < 0) inverse[i * rows + i] = 1;
    else
      for (let j = 0; j < rows; j++)
        if (label[j] === l) {
          // A part of one row has nothing to scale by.
          const add = ((scale[l] as number) || 1) / (size[l] as number) ** 2;
          inverse[i * rows + j] = (inverse[i * rows + j] as number) + add;
        }
  }
  invert(inverse, rows);

  const effects = Float64Array.from({ length: rows }, (_, i) => {
    if ((label[i] as number) < 0) return NaN;
    return right.reduce((sum, v, j) => sum + v * (inverse[i * rows + j] as number), 0);
  });
  const columnEffects = new Float64Array(columns);
  for (const cell of used)
    columnEffects[cell.column] =
      (columnEffects[cell.column] as number) + weightOf(cell) * (effects[cell.row] as number);
  columnEffects.forEach((sum, j) => {
    const total = columnWeight[j] as number;
    columnEffects[j] = total === 0 ? NaN : (columnMean[j] as number) - sum / total;
  });

  const residuals = Float64Array.from(cells, (cell) =>
    weightOf(cell) > 0 ? cell.y - (effects[cell.row] as number) - (columnEffects[cell.column] as number) : NaN,
  );
  // Each connected part has one parameter less than it has rows and columns.
  const parameters =
    label.filter((l) => l >= 0).length + columnWeight.filter((w) => w > 0).length - size.filter((n) => n > 0).length;
  const df = used.length - parameters;
  const squares = cells.reduce(
    (sum, cell, k) => (weightOf(cell) > 0 ? sum + weightOf(cell) * (residuals[k] as number) ** 2 : sum),
    0,
  );

  const connected = (i: number, j: number) => label[i] === label[j] && (label[i] as number) >= 0;
  const at = (i: number, j: number) => inverse[i * rows + j] as number;
  const covariance = ([i, j]: readonly [number, number], [k, l]: readonly [number, number]) =>
    connected(i, j) && connected(k, l) ? at(i, k) - at(i, l) - at(j, k) + at(j, l) : 0;
  return {
    effects,
    columnEffects,
    residuals,
    df,
    variance: df > 0 ? squares / df : null,
    connected,
    pair: (i, j) => (connected(i, j) ? (i === j ? 0 : covariance([i, j], [i, j])) : null),
    correlation(contrasts) {
      const sd = contrasts.map((c) => Math.sqrt(c[0] === c[1] ? 0 : covariance(c, c)));
      return contrasts.map((c, a) =>
        contrasts.map((d, b) => {
          const scale = (sd[a] as number) * (sd[b] as number);
          return scale === 0 ? 0 : a === b ? 1 : covariance(c, d) / scale;
        }),
      );
    },
  };
}
