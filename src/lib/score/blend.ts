/** Scores of one ticket's causes by two models, log-probabilities up to a constant, and the place of the right cause. */
export interface BlendRow {
  model: readonly number[];
  baseline: readonly number[];
  truth: number;
}

/** A mixture of two models' log-probabilities, and how well each does on the tickets that its weight was fitted on. */
export interface Blend {
  /** Of the model, in [0, 1]; the rest is the baseline's. */
  weight: number;
  tickets: number;
  /** Mean of -ln p of the right cause, nats: of the mixture, and of each alone. */
  nll: { blend: number; model: number; baseline: number };
}

/** What a baseline gives to a cause that it has never seen, nats: no mixture shall be ruled out by one of two. */
const UNSEEN = -12;

/** ln softmax. */
function normalised(scores: readonly number[]): number[] {
  const top = Math.max(...scores);
  const sum = Math.log(scores.reduce((n, s) => n + Math.exp(s - top), 0)) + top;
  return scores.map((s) => Math.max(UNSEEN, s - sum));
}

/** Log-probabilities (nats) of causes: `weight` times the model's plus the rest times the baseline's, normalised anew. */
export function blended({ model, baseline }: Pick<BlendRow, 'model' | 'baseline'>, weight: number): number[] {
  const [a, b] = [normalised(model), normalised(baseline)];
  return normalised(a.map((x, i) => weight * x + (1 - weight) * (b[i] as number)));
}

/** Mean of -ln p of the right cause, nats. */
const nllAt = (rows: readonly BlendRow[], weight: number): number =>
  rows.reduce((n, row) => n - (blended(row, weight)[row.truth] as number), 0) / rows.length;

/** Steps in which the weight is searched: finer ones tell nothing on a hundred tickets. */
const STEPS = 50;

/**
 * The weight with the lowest mean -ln p on these tickets, of equals the one nearer to the baseline, which is cheaper; null
 * without tickets. One number, so that it cannot fit itself to a few hundred tickets.
 */
export function fitBlend(all: readonly BlendRow[]): Blend | null {
  const rows = all.filter(({ truth }) => truth >= 0);
  if (rows.length === 0) return null;
  const tried = Array.from({ length: STEPS + 1 }, (_, i) => ({ weight: i / STEPS, nll: nllAt(rows, i / STEPS) }));
  const best = tried.reduce((a, b) => (b.nll < a.nll - 1e-12 ? b : a));
  return {
    weight: best.weight,
    tickets: rows.length,
    nll: { blend: best.nll, model: (tried.at(-1) as typeof best).nll, baseline: (tried[0] as typeof best).nll },
  };
}
