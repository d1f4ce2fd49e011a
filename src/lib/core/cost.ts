/** Arithmetic that the operations were done in. Where the hardware lacks it and computes wider, name the wider one. */
export const ARITHMETICS = ['f32', 'f16', 'i16', 'i8'] as const;
export type Arithmetic = (typeof ARITHMETICS)[number];

/** Work of one pass: operations, and bytes moved between memory and the kernels. */
export interface Work {
  operations: number;
  /** Weights read (each once a pass). */
  weightBytes: number;
  /** Activations and KV cache, read and written. */
  activationBytes: number;
}

export const totalBytes = (cost: Work) => cost.weightBytes + cost.activationBytes;

export const addWork = (a: Work, b: Work): Work => ({
  operations: a.operations + b.operations,
  weightBytes: a.weightBytes + b.weightBytes,
  activationBytes: a.activationBytes + b.activationBytes,
});
