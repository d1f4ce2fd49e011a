/**
 * What is said of results that older versions measured on ONNX Runtime. Its attention reads the positions it is given only
 * on a processor behind a past, so candidates behind the first stood too far back (decision 9).
 */
export const MISPLACED =
  'Causes were scored by an earlier Joulewise, which on ONNX Runtime could place them at wrong positions: do not rely on quality of root cause analysis here, and run it again.';

/** Of runs on an adapter whose subgroups are smaller than ONNX Runtime's attention takes them for (`device/probe.ts`). */
export const SMALL_SUBGROUPS =
  'Computed by an earlier Joulewise on a software adapter, where ONNX Runtime gets prompts of 32 tokens and more wrong: run it again.';

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** A run or a result with such a sentence among its fallbacks, the first of them. */
const marked = (of: Record<string, unknown>, sentence: string) => ({
  ...of,
  fallbacks: [sentence, ...(Array.isArray(of['fallbacks']) ? (of['fallbacks'] as unknown[]) : [])],
});

/** Lifts a run: marks one that an engine measured which scored causes wrongly then. */
export function markRun(run: Record<string, unknown>, engine: 'ort-cpu' | 'ort-gpu'): Record<string, unknown> {
  if (run['engine'] !== engine) return run;
  const gpu = isObject(run['device']) ? run['device']['gpu'] : null;
  const soft = engine === 'ort-gpu' && isObject(gpu) && gpu['fallback'] === true;
  const placed = run['task'] === 'rca' ? marked(run, MISPLACED) : run;
  return soft ? marked(placed, SMALL_SUBGROUPS) : placed;
}

/** Lifts a shared result, whose variants do not tell by which version they were measured. */
export function markResult(result: Record<string, unknown>, most: number): Record<string, unknown> {
  const variants: unknown = result['variants'];
  if (!Array.isArray(variants)) return result;
  const mark = (variant: unknown) => {
    if (!isObject(variant) || (variant['engine'] !== 'ort-cpu' && variant['engine'] !== 'ort-gpu')) return variant;
    const lifted = marked(variant, MISPLACED);
    return { ...lifted, fallbacks: lifted.fallbacks.slice(0, most) };
  };
  const scored = Array.isArray(result['tasks']) && result['tasks'].includes('rca');
  return scored ? { ...result, variants: variants.map(mark) } : result;
}
