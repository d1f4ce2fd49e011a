/** AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it: decay first, then the step with both corrections. */
export interface AdamW {
  /** Float32 vectors of the size of what is trained. */
  first: Float32Array<ArrayBuffer>;
  second: Float32Array<ArrayBuffer>;
  /** Steps taken. */
  taken: number;
}

export interface AdamWOptions {
  decay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

export const ADAMW: AdamWOptions = { decay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

export const newAdamW = (size: number): AdamW => ({
  first: new Float32Array(size),
  second: new Float32Array(size),
  taken: 0,
});

/**
 * Changes `weights` in place; `gradient` is multiplied by `scale` first (clipping), `undecayed` are ascending ranges without
 * weight decay. Arithmetic in float64, kept in float32.
 */
export function adamStep(
  state: AdamW,
  weights: Float32Array,
  gradient: Float32Array,
  {
    lr,
    scale,
    undecayed = [],
    ...o
  }: AdamWOptions & { lr: number; scale: number; undecayed?: readonly (readonly [from: number, to: number])[] },
): void {
  const { first, second } = state;
  const t = ++state.taken;
  const size = lr / (1 - o.beta1 ** t);
  const root = Math.sqrt(1 - o.beta2 ** t);
  const range = (from: number, to: number, keep: number) => {
    for (let i = from; i < to; i++) {
      const g = (gradient[i] as number) * scale;
      const m = (first[i] as number) * o.beta1 + g * (1 - o.beta1);
      const v = (second[i] as number) * o.beta2 + g * g * (1 - o.beta2);
      first[i] = m;
      second[i] = v;
      weights[i] = (weights[i] as number) * keep - (size * m) / (Math.sqrt(v) / root + o.epsilon);
    }
  };
  let done = 0;
  for (const [from, to] of undecayed) {
    range(done, from, 1 - lr * o.decay);
    range(from, to, 1);
    done = to;
  }
  range(done, weights.length, 1 - lr * o.decay);
}

/** Global norm of a gradient, in float64. */
export function normOf(gradient: Float32Array): number {
  let sum = 0;
  for (const g of gradient) sum += g * g;
  return Math.sqrt(sum);
}

/** What a gradient of this norm is multiplied by so that it is at most `clip` (torch.nn.utils.clip_grad_norm_). */
export const clipScale = (norm: number, clip: number | null) => (clip === null ? 1 : Math.min(1, clip / (norm + 1e-6)));

/**
 * Share of the learning rate at a step from 0: linear warm-up, then half a cosine down to `floor` (transformers'
 * get_cosine_schedule_with_warmup, where that is 0).
 */
export function schedule(step: number, steps: number, warmup: number, floor = 0): number {
  if (step < warmup) return step / Math.max(1, warmup);
  const progress = (step - warmup) / Math.max(1, steps - warmup);
  return floor + (1 - floor) * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}
