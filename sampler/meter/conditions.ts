import { cpus } from 'node:os';

/** What else was going on in a window. */
export interface Around {
  /** Share of all processors that were busy, whoever kept them so; null where unknown. */
  busy: number | null;
}

/** Looks that are kept: half an hour of them. */
const HISTORY = 4000;
/** Milliseconds from one look to the next: Node asks the kernel for each processor apart, which costs more than counters do. */
const LOOK_MS = 500;

/** How busy the machine was, over time. */
export class Conditions {
  readonly #points: { at: number; busy: number; all: number }[] = [];

  constructor(private readonly times: () => { busy: number; all: number } = timesHere) {}

  note(at: number): void {
    const last = this.#points.at(-1);
    if (last && at - last.at < LOOK_MS) return;
    this.#points.push({ at, ...this.times() });
    if (this.#points.length > HISTORY) this.#points.splice(0, HISTORY / 10);
  }

  between(from: number, to: number): Around {
    const a = this.#points.findLast((p) => p.at <= from) ?? this.#points[0];
    const b = this.#points.find((p) => p.at >= to) ?? this.#points.at(-1);
    return { busy: a && b && b.all > a.all ? (b.busy - a.busy) / (b.all - a.all) : null };
  }
}

function timesHere() {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.idle + times.irq;
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}
