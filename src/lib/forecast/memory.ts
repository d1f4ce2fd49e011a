/** What an open model takes beside its weights, bytes: caches, and the space for one pass. */
const BESIDE = 2 ** 25;

/** Whether models of these weights (bytes each) stay open side by side; else each is opened anew for every slice. */
export const fitSideBySide = (weightBytes: readonly number[], budget: number): boolean =>
  weightBytes.reduce((sum, bytes) => sum + bytes + BESIDE, 0) <= budget;
