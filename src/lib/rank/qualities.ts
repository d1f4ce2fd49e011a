import { createRandom } from '../core/random';
import { mean, quantile, standardDeviation } from '../core/stats';
import type { RunRecord, TaskName, TicketOutcome } from '../schema/run';
import { metricsOf, scaled, type Metric } from '../score/metrics';
import { drawTickets, FEW_DIFFERING, pairedDifference, type PairedMetric } from '../score/paired';
import type { Statistic } from '../score/statistic';

/** Draws of tickets that all comparisons share. */
export const RESAMPLES = 2000;
const SEED = 1;

/** What a task's quality is made of, for one variant: its metrics in [0, 1], 1 the better end. */
interface Scored {
  outcomes: readonly TicketOutcome[];
  place: ReadonlyMap<string, number>;
  parts: { metric: Metric; statistic: Statistic }[];
}

/** A difference of two variants' quality over the tickets that both answered. */
export interface QualityDifference {
  mid: number;
  /** Effective: where hardly any ticket differs, what these tickets cannot rule out. */
  sd: number;
  /** Ends of the one-sided 95 % intervals. */
  low: number;
  high: number;
  /** Tickets. */
  n: number;
}

/** Values of a metric at the point and in every draw of a set of tickets. */
interface Drawn {
  mid: number;
  draws: Float64Array;
}

/** Ids of tickets, and the draws of them that everybody who answered them is judged by. */
interface TicketSet {
  ids: readonly string[];
  draws: readonly Int32Array[];
}

/** Each ticket once: asked again, a model gives the same answer. */
function outcomesOf(runs: readonly RunRecord[], task: TaskName): TicketOutcome[] {
  const found = new Map<string, TicketOutcome>();
  for (const run of runs)
    if (run.task === task && !run.anchor) for (const t of run.tickets) if (!found.has(t.id)) found.set(t.id, t);
  return [...found.values()];
}

function score(outcomes: readonly TicketOutcome[], task: TaskName, causes: readonly string[]): Scored | null {
  if (outcomes.length === 0) return null;
  const metrics = metricsOf(task).filter(({ inRho }) => inRho);
  const parts = metrics.flatMap((metric) => {
    const statistic = metric.compute(outcomes, causes);
    return statistic ? [{ metric, statistic }] : [];
  });
  if (parts.length < metrics.length) return null;
  return { outcomes, parts, place: new Map(outcomes.map(({ id }, i) => [id, i])) };
}

/**
 * Compares variants on the tickets that they answered: tickets are drawn once for all variants and all tasks at once, so
 * that what is hard for one is hard for the other in the same draw.
 */
export class Qualities {
  readonly #scored: Map<TaskName, Scored | null>[];
  readonly #sets = new Map<string, TicketSet>();
  readonly #drawn = new Map<string, Drawn | null>();

  /** @param variants runs of each */
  constructor(
    variants: readonly (readonly RunRecord[])[],
    readonly tasks: readonly TaskName[],
    /** Candidate causes; the most frequent in training first. */
    readonly causes: readonly string[],
  ) {
    this.#scored = variants.map(
      (runs) => new Map(tasks.map((task) => [task, score(outcomesOf(runs, task), task, causes)])),
    );
  }

  /** Adds what always gives one answer, on the tickets that variant `like` answered for a task; its place. */
  addConstant(task: TaskName, output: string, like: number): number {
    const outcomes = this.#scored[like]?.get(task)?.outcomes ?? [];
    const constant = outcomes.map((o) => ({ ...o, output, scores: null }));
    this.#scored.push(new Map([[task, score(constant, task, this.causes)]]));
    return this.#scored.length - 1;
  }

  tickets(i: number, task: TaskName): number {
    return this.#scored[i]?.get(task)?.outcomes.length ?? 0;
  }

  outcomes(i: number, task: TaskName): readonly TicketOutcome[] {
    return this.#scored[i]?.get(task)?.outcomes ?? [];
  }

  /** Tickets that all these variants answered in all of these tasks that have them. */
  #setOf(members: readonly number[], tasks: readonly TaskName[]): TicketSet {
    const lists = members.flatMap((i) =>
      tasks.map((task) => [task, this.#scored[i]?.get(task)?.place ?? new Map<string, number>()] as const),
    );
    const ids = new Set(lists.flatMap(([, place]) => [...place.keys()]));
    // In a task that one of them answered a ticket for, all must have.
    const shared = [...ids].filter((id) =>
      tasks.every((task) => {
        const own = lists.filter(([name]) => name === task).map(([, place]) => place.has(id));
        return own.every(Boolean) || !own.some(Boolean);
      }),
    );
    shared.sort();
    const key = shared.join('\n');
    let set = this.#sets.get(key);
    if (!set) {
      set = { ids: shared, draws: drawTickets(shared.length, { resamples: RESAMPLES, seed: SEED }) };
      this.#sets.set(key, set);
    }
    return set;
  }

  /** A statistic's value at the point and in each draw. */
  #draw(i: number, task: TaskName, part: Scored['parts'][number], set: TicketSet): Drawn | null {
    const scored = this.#scored[i]?.get(task);
    if (!scored) return null;
    const key = `${i} ${task} ${part.metric.name} ${[...this.#sets.values()].indexOf(set)}`;
    const known = this.#drawn.get(key);
    if (known !== undefined) return known;
    const at = Int32Array.from(set.ids, (id) => scored.place.get(id) ?? -1);
    const whole = at.every((x) => x >= 0);
    const here = whole ? at : at.filter((x) => x >= 0);
    const value = (indices: Int32Array) => scaled(part.metric, part.statistic.value(indices));
    const picked = new Int32Array(set.ids.length);
    const drawn =
      here.length === 0
        ? null
        : {
            mid: value(here),
            draws: Float64Array.from(set.draws, (draw) => {
              let n = 0;
              for (const d of draw) {
                const x = at[d] as number;
                if (x >= 0) picked[n++] = x;
              }
              return n === 0 ? NaN : value(picked.subarray(0, n));
            }),
          };
    this.#drawn.set(key, drawn);
    return drawn;
  }

  /** Quality of a task (mean of its metrics) at the point and in each draw of a set; null where it is unknown. */
  #taskDraws(i: number, task: TaskName, set: TicketSet): Drawn | null {
    const parts = this.#scored[i]?.get(task)?.parts.map((part) => this.#draw(i, task, part, set)) ?? [];
    if (parts.length === 0 || parts.some((p) => p === null)) return null;
    const own = parts as Drawn[];
    return {
      mid: mean(own.map((p) => p.mid)),
      draws: Float64Array.from({ length: RESAMPLES }, (_, r) => mean(own.map((p) => p.draws[r] as number))),
    };
  }

  /** Quality over all tasks on a variant's own tickets: its mid, and its draws; null where a task is missing. */
  quality(i: number, tasks = this.tasks): { mid: number; low: number | null; high: number | null; n: number } | null {
    const set = this.#setOf([i], tasks);
    const parts = tasks.map((task) => this.#taskDraws(i, task, set));
    if (parts.length === 0 || parts.some((p) => p === null) || set.ids.length === 0) return null;
    const own = parts as Drawn[];
    const draws = Array.from({ length: RESAMPLES }, (_, r) => mean(own.map((p) => p.draws[r] as number)));
    const sorted = draws.filter(Number.isFinite).sort((a, b) => a - b);
    const ends = set.ids.length < 2 ? [null, null] : [quantile(sorted, 0.025), quantile(sorted, 0.975)];
    return { mid: mean(own.map((p) => p.mid)), low: ends[0] ?? null, high: ends[1] ?? null, n: set.ids.length };
  }

  /** Quality of one task, i minus j, over the tickets that both answered; null where one lacks the task. */
  taskDifference(i: number, j: number, task: TaskName): QualityDifference | null {
    const [a, b] = [this.#scored[i]?.get(task), this.#scored[j]?.get(task)];
    if (!a || !b) return null;
    const set = this.#setOf([i, j], [task]);
    const n = set.ids.length;
    if (n === 0) return null;
    const pairs = set.ids.map(
      (id) =>
        [a.outcomes[a.place.get(id) as number], b.outcomes[b.place.get(id) as number]] as [
          TicketOutcome,
          TicketOutcome,
        ],
    );
    const differing = pairs.filter(([x, y]) => x.output !== y.output).length;
    const won = pairs.filter(([x, y]) => x.output === x.reference && y.output !== y.reference).length;
    const lost = pairs.filter(([x, y]) => x.output !== x.reference && y.output === y.reference).length;
    const parts = a.parts.map((part, k) => {
      const [x, y] = [this.#draw(i, task, part, set), this.#draw(j, task, b.parts[k] as typeof part, set)];
      if (!x || !y) return null;
      const share = part.metric.name === 'accuracy';
      const metric = (a: Drawn, b: Drawn, kind: PairedMetric['kind']) =>
        pairedDifference({ difference: a.mid - b.mid, first: a.draws, second: b.draws, n, kind });
      // Metrics are scaled to [0, 1], so two variants are at most 1 apart.
      const own = metric(x, y, share ? { b: won, c: lost } : { differing, range: 1 });
      const turned = metric(y, x, share ? { b: lost, c: won } : { differing, range: 1 });
      return { ...own, highOneSided: -turned.lowOneSided };
    });
    if (parts.some((p) => p === null)) return null;
    const own = parts as NonNullable<(typeof parts)[number]>[];
    if (differing < FEW_DIFFERING) {
      // Ends of a mean of metrics: no further out than the mean of their ends.
      const at = (of: (p: (typeof own)[number]) => number) => mean(own.map(of));
      return { mid: at((p) => p.mid), sd: at((p) => p.sd), low: at((p) => p.lowOneSided), high: at((p) => p.highOneSided), n };
    }
    const [x, y] = [this.#taskDraws(i, task, set), this.#taskDraws(j, task, set)];
    if (!x || !y) return null;
    const draws = [...x.draws].map((value, r) => value - (y.draws[r] as number)).filter(Number.isFinite);
    draws.sort((p, q) => p - q);
    return { mid: x.mid - y.mid, sd: standardDeviation(draws), low: quantile(draws, 0.05), high: quantile(draws, 0.95), n };
  }

  /** Quality over all tasks, i minus j. */
  difference(i: number, j: number): Pick<QualityDifference, 'mid' | 'sd'> | null {
    const parts = this.tasks.map((task) => this.taskDifference(i, j, task));
    if (parts.length === 0 || parts.some((p) => p === null)) return null;
    const own = parts as QualityDifference[];
    const set = this.#setOf([i, j], this.tasks);
    const draws = this.tasks.map((task) => [this.#taskDraws(i, task, set), this.#taskDraws(j, task, set)] as const);
    const joint = Array.from({ length: RESAMPLES }, (_, r) =>
      mean(draws.map(([x, y]) => (x?.draws[r] ?? NaN) - (y?.draws[r] ?? NaN))),
    ).filter(Number.isFinite);
    const drawn = joint.length > 1 ? standardDeviation(joint) : 0;
    const missing = this.tasks.map((task) => this.#missing(i, j, task) / this.tasks.length);
    return { mid: mean(own.map(({ mid }) => mid)), sd: Math.hypot(drawn, ...missing) };
  }

  /** SD that few differing tickets cannot rule out, beyond that of the draws. */
  #missing(i: number, j: number, task: TaskName): number {
    const known = this.taskDifference(i, j, task);
    const drawn = this.#differenceDraws(i, j, task);
    if (!known || !drawn) return 0;
    const finite = [...drawn].filter(Number.isFinite);
    const sd = finite.length > 1 ? standardDeviation(finite) : 0;
    return Math.sqrt(Math.max(0, known.sd ** 2 - sd ** 2));
  }

  #differenceDraws(i: number, j: number, task: TaskName): Float64Array | null {
    const set = this.#setOf([i, j], [task]);
    const [x, y] = [this.#taskDraws(i, task, set), this.#taskDraws(j, task, set)];
    return x && y ? x.draws.map((value, r) => value - (y.draws[r] as number)) : null;
  }

  /** Quality of a task in each draw, relative to another variant's, over the tickets that both answered. */
  drawsAgainst(i: number, j: number, task: TaskName): Float64Array | null {
    const drawn = this.#differenceDraws(i, j, task);
    const missing = this.#missing(i, j, task);
    if (!drawn || missing === 0) return drawn;
    // Where few tickets differ, draws are narrower than what is known.
    const random = createRandom(SEED).fork(`${i} ${j} ${task}`);
    return drawn.map((value) => value + missing * random.normal());
  }
}
