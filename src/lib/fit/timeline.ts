import type { Arithmetic } from '../core/cost';
import { COEFFICIENTS, type Coefficient, type SegmentKind } from '../schema/energy-model';

/** One stretch of the fitting routine in which one kernel ran again and again, or nothing did. */
export interface Segment {
  kind: SegmentKind;
  /** Milliseconds of any one clock. */
  from: number;
  to: number;
  bytes: number;
  /** A multiply-add counts as two. */
  operations: number;
  arithmetic: Arithmetic;
}

/** Joules that a meter counted between two moments of the timeline's clock, and their SD as far as the meter tells. */
export interface Observation {
  from: number;
  to: number;
  joules: number;
  sd: number;
}

/** Kinds of work that tell the error and are not fitted to: what an engine does, not what a kernel of the routine does. */
export const HELD_OUT: ReadonlySet<SegmentKind> = new Set(['prefill', 'decode']);

const overlap = (a: { from: number; to: number }, b: { from: number; to: number }) =>
  Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));

/** What was spent in `span`, by COEFFICIENTS: work of a segment is spread evenly over it; time outside of all is idle. */
export function spentIn(segments: readonly Segment[], span: { from: number; to: number }): number[] {
  const spent = new Map<Coefficient, number>([['idle', (span.to - span.from) / 1000]]);
  const add = (name: Coefficient, x: number) => spent.set(name, (spent.get(name) ?? 0) + x);
  for (const segment of segments) {
    const time = overlap(segment, span);
    if (time === 0 || segment.kind === 'idle') continue;
    const share = time / (segment.to - segment.from);
    add('awake', time / 1000);
    add('byte', share * segment.bytes);
    add(segment.arithmetic, share * segment.operations);
  }
  return COEFFICIENTS.map((name) => spent.get(name) ?? 0);
}

/** The kernel that took most of `span`, and its share of that time; idle where none did. */
export function mostOf(
  segments: readonly Segment[],
  span: { from: number; to: number },
): { kind: SegmentKind; kernel: string; share: number } {
  const whole = span.to - span.from;
  const times = new Map<string, { kind: SegmentKind; kernel: string; time: number }>([
    ['idle', { kind: 'idle', kernel: 'idle', time: whole }],
  ]);
  for (const segment of segments) {
    const time = overlap(segment, span);
    if (time === 0 || segment.kind === 'idle') continue;
    const kernel = `${segment.kind}/${segment.arithmetic}`;
    const own = times.get(kernel) ?? { kind: segment.kind, kernel, time: 0 };
    times.set(kernel, { ...own, time: own.time + time });
    times.get('idle')!.time -= time;
  }
  const most = [...times.values()].reduce((a, b) => (b.time > a.time ? b : a));
  return { kind: most.kind, kernel: most.kernel, share: most.time / whole };
}
