// Where the time of a pass goes, on thread 0's clock.
import { COUNTERS } from './layout';

// @ts-ignore: decorator
@external('env', 'now')
declare function now(): f64;

let marked: f64 = 0;

/** A pass begins. */
export function startClock(thread: i32): void {
  if (thread == 0) marked = now();
}

/** Thread 0 books the time since the last mark on a row of the counter table. */
export function mark(thread: i32, kind: i32): void {
  if (thread) return;
  const t = now();
  const at = <usize>COUNTERS + (<usize>kind << 3);
  store<f64>(at, load<f64>(at) + (t - marked));
  marked = t;
}
