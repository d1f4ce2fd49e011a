/** Writes the gradient at `x` into `gradient` and returns the value. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

export interface Minimum {
  x: Float64Array;
  value: number;
  iterations: number;
  evaluations: number;
  /** Whether the largest gradient component fell to the tolerance. */
  converged: boolean;
}

const dot = (a: Float64Array, b: Float64Array) => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
};

/** a + scale * b */
const step = (a: Float64Array, scale: number, b: Float64Array) => {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = (a[i] as number) + scale * (b[i] as number);
  return out;
};

const largest = (a: Float64Array) => a.reduce((top, x) => Math.max(top, Math.abs(x)), 0);

const ARMIJO = 1e-4;
const CURVATURE = 0.9;
const LINE_STEPS = 50;

/**
 * Limited-memory BFGS (Nocedal and Wright, algorithm 7.5) with a weak Wolfe line search by bisection (Lewis and
 * Overton 2013). For smooth functions; deterministic.
 * @param tolerance stop when no gradient component is larger
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  { tolerance = 1e-6, maxIterations = 1000, memory = 10 } = {},
): Minimum {
  let x = start;
  let gradient = new Float64Array(x.length);
  let value = objective(x, gradient);
  let evaluations = 1;
  let iterations = 0;
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];

  const direction = () => {
    let q = gradient.map((g) => -g);
    const alphas: number[] = [];
    for (const { s, y, rho } of pairs.toReversed()) {
      const alpha = rho * dot(s, q);
      alphas.unshift(alpha);
      q = step(q, -alpha, y);
    }
    const last = pairs.at(-1);
    const scale = last ? 1 / (last.rho * dot(last.y, last.y)) : 1 / Math.max(1, Math.sqrt(dot(gradient, gradient)));
    q = q.map((v) => v * scale);
    pairs.forEach(({ s, y, rho }, i) => {
      q = step(q, (alphas[i] as number) - rho * dot(y, q), s);
    });
    return q;
  };

  for (; iterations < maxIterations && largest(gradient) > tolerance; iterations++) {
    const d = direction();
    const slope = dot(gradient, d);
    let [low, high, t] = [0, Infinity, 1];
    let next = x;
    let nextGradient = gradient;
    let nextValue = value;
    for (let i = 0; i < LINE_STEPS; i++) {
      next = step(x, t, d);
      nextGradient = new Float64Array(x.length);
      nextValue = objective(next, nextGradient);
      evaluations++;
      if (!(nextValue <= value + ARMIJO * t * slope)) high = t;
      else if (dot(nextGradient, d) < CURVATURE * slope) low = t;
      else break;
      t = high === Infinity ? 2 * low : (low + high) / 2;
    }
    // Rounding leaves no descent to find: this is the minimum to machine precision.
    if (!(nextValue <= value)) break;
    const s = step(next, -1, x);
    const y = step(nextGradient, -1, gradient);
    const sy = dot(s, y);
    if (sy > 0) {
      pairs.push({ s, y, rho: 1 / sy });
      if (pairs.length > memory) pairs.shift();
    }
    [x, gradient, value] = [next, nextGradient, nextValue];
  }
  return { x, value, iterations, evaluations, converged: largest(gradient) <= tolerance };
}
