import { createRandom } from '../core/random';
import { mean, quantile } from '../core/stats';
import type { RunRecord, TaskName, TicketOutcome } from '../schema/run';
import { partsOfRho, scaled, type Metric } from '../score/metrics';
import { drawTickets, FEW_DIFFERING, pairedDifference, type PairedMetric } from '../score/paired';
import { identity, type Statistic } from '../score/statistic';

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

/** Values at the point and in every draw of a set of tickets. */
interface Drawn {
  mid: number;
  draws: Float64Array;
}

/** Ids of tickets, and the draws of them that everybody who answered them is judged by. */
interface TicketSet {
  /** Its place among the sets. */
  at: number;
  ids: readonly string[];
  draws: readonly Int32Array[];
}

/** Two variants' quality of one task, the first minus the second, over the tickets that both answered. */
interface Pair extends Drawn {
  n: number;
  /** Of the draws, and what is known in all. */
  drawnSd: number;
  sd: number;
  /** Ends of the one-sided 95 % intervals where so few tickets differ that draws do not tell them. */
  exact: (() => { low: number; high: number }) | null;
}

/** Sample SD of the values that are numbers; 0 below two. */
function spreadOf(values: Float64Array): number {
  let [n, sum, squares] = [0, 0, 0];
  for (const x of values) if (Number.isFinite(x)) sum += ((n += 1), x);
  const middle = sum / n;
  for (const x of values) if (Number.isFinite(x)) squares += (x - middle) ** 2;
  return n > 1 ? Math.sqrt(squares / (n - 1)) : 0;
}

/** Mean of lists of equal length, place by place. */
function meanOf(lists: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(lists[0]?.length ?? 0);
  for (const list of lists)
    for (let r = 0; r < out.length; r++) out[r] = (out[r] as number) + (list[r] as number) / lists.length;
  return out;
}

const sorted = (values: Float64Array) => [...values.filter(Number.isFinite).sort()];

/** Draws by number of tickets, the latest few: the same for every plan, and slow to make. */
const drawsOf = new Map<number, readonly Int32Array[]>();
const DRAWS_KEPT = 4;

function drawsFor(n: number): readonly Int32Array[] {
  const draws = drawsOf.get(n) ?? drawTickets(n, { resamples: RESAMPLES, seed: SEED });
  drawsOf.delete(n);
  drawsOf.set(n, draws);
  for (const oldest of drawsOf.keys()) if (drawsOf.size > DRAWS_KEPT) drawsOf.delete(oldest);
  return draws;
}

/** Each ticket once: asked again, a model gives the same answer. */
function outcomesOf(runs: readonly RunRecord[], task: TaskName): TicketOutcome[] {
  const found = new Map<string, TicketOutcome>();
  for (const run of runs)
    if (run.task === task && !run.anchor) for (const t of run.tickets) if (!found.has(t.id)) found.set(t.id, t);
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function score(outcomes: readonly TicketOutcome[], task: TaskName, causes: readonly string[]): Scored | null {
  if (outcomes.length === 0) return null;
  const found = partsOfRho(task, (metric) => metric.compute(outcomes, causes));
  if (!found) return null;
  const parts = found.map(({ metric, value }) => ({ metric, statistic: value }));
  return { outcomes, parts, place: new Map(outcomes.map(({ id }, i) => [id, i])) };
}

/**
 * Compares variants on the tickets that they answered: tickets are drawn once for all variants and all tasks at once, so
 * that what is hard for one is hard for the other in the same draw.
 */
export class Qualities {
  readonly #scored: Map<TaskName, Scored | null>[];
  readonly #sets = new Map<string, TicketSet>();
  readonly #setsOf = new Map<string, TicketSet>();
  readonly #drawn = new Map<string, Drawn | null>();
  readonly #pairs = new Map<string, Pair | null>();

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
    const name = `${members.join()} ${tasks.join()}`;
    const known = this.#setsOf.get(name);
    if (known) return known;
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
    const set = this.#sets.get(key) ?? {
      at: this.#sets.size,
      ids: shared,
      draws: drawsFor(shared.length),
    };
    this.#sets.set(key, set);
    this.#setsOf.set(name, set);
    return set;
  }

  /** A statistic's value at the point and in each draw. */
  #draw(i: number, task: TaskName, part: Scored['parts'][number], set: TicketSet): Drawn | null {
    const key = `${i} ${task} ${part.metric.name} ${set.at}`;
    const known = this.#drawn.get(key);
    if (known !== undefined) return known;
    const scored = this.#scored[i]?.get(task);
    const drawn = scored ? this.#drawNew(scored, part, set) : null;
    this.#drawn.set(key, drawn);
    return drawn;
  }

  #drawNew({ place }: Scored, { metric, statistic }: Scored['parts'][number], set: TicketSet): Drawn | null {
    const at = Int32Array.from(set.ids, (id) => place.get(id) ?? -1);
    const here = at.filter((x) => x >= 0);
    if (here.length === 0) return null;
    const value = (indices: Int32Array) => scaled(metric, statistic.value(indices));
    // All tickets in their own order, as mostly: a draw's places are the statistic's.
    if (here.length === place.size && at.every((x, k) => x === k))
      return { mid: value(here), draws: Float64Array.from(set.draws, value) };
    const picked = new Int32Array(at.length);
    const draws = new Float64Array(RESAMPLES);
    set.draws.forEach((draw, r) => {
      let n = 0;
      for (const d of draw) {
        const x = at[d] as number;
        if (x >= 0) picked[n++] = x;
      }
      draws[r] = n === 0 ? NaN : value(picked.subarray(0, n));
    });
    return { mid: value(here), draws };
  }

  /** Quality of a task (mean of its metrics) at the point and in each draw of a set; null where it is unknown. */
  #taskDraws(i: number, task: TaskName, set: TicketSet): Drawn | null {
    const key = `${i} ${task} all ${set.at}`;
    const known = this.#drawn.get(key);
    if (known !== undefined) return known;
    const parts = this.#scored[i]?.get(task)?.parts.map((part) => this.#draw(i, task, part, set)) ?? [];
    const own = parts.filter((p) => p !== null);
    const drawn =
      own.length === 0 || own.length < parts.length
        ? null
        : { mid: mean(own.map((p) => p.mid)), draws: meanOf(own.map((p) => p.draws)) };
    this.#drawn.set(key, drawn);
    return drawn;
  }

  /** Quality over all tasks on a variant's own tickets: its mid, and its draws; null where a task is missing. */
  quality(i: number, tasks = this.tasks): { mid: number; low: number | null; high: number | null; n: number } | null {
    const set = this.#setOf([i], tasks);
    const own = tasks.map((task) => this.#taskDraws(i, task, set)).filter((p) => p !== null);
    if (own.length === 0 || own.length < tasks.length || set.ids.length === 0) return null;
    const draws = sorted(meanOf(own.map((p) => p.draws)));
    const ends = set.ids.length < 2 ? [null, null] : [quantile(draws, 0.025), quantile(draws, 0.975)];
    return { mid: mean(own.map((p) => p.mid)), low: ends[0] ?? null, high: ends[1] ?? null, n: set.ids.length };
  }

  /**
   * What a variant that answered fewer tickets than `reference` is to be moved by in each metric of a task, in the
   * metric's own units: the reference on all of its tickets less the reference on those that both answered. The
   * difference of the two is then that of the tickets that they share: who stopped early met other tickets, and those
   * alone would make it look better or worse.
   */
  shifts(i: number, reference: number, task: TaskName): Map<string, number> {
    const [own, other] = [this.#scored[i]?.get(task), this.#scored[reference]?.get(task)];
    if (!own || !other) return new Map();
    const shared = Int32Array.from(other.outcomes.flatMap(({ id }, at) => (own.place.has(id) ? [at] : [])));
    if (shared.length === 0 || shared.length === other.outcomes.length) return new Map();
    return new Map(
      other.parts.map(({ metric, statistic }) => [
        metric.name,
        statistic.value(identity(statistic.n)) - statistic.value(shared),
      ]),
    );
  }

  /** Quality of one task, i minus j, over the tickets that both answered; null where one lacks the task. */
  #pair(i: number, j: number, task: TaskName): Pair | null {
    const key = `${i} ${j} ${task}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) this.#pairs.set(key, (pair = this.#pairNew(i, j, task)));
    return pair;
  }

  #pairNew(i: number, j: number, task: TaskName): Pair | null {
    const [a, b] = [this.#scored[i]?.get(task), this.#scored[j]?.get(task)];
    if (!a || !b) return null;
    const set = this.#setOf([i, j], [task]);
    const n = set.ids.length;
    const [first, second] = [this.#taskDraws(i, task, set), this.#taskDraws(j, task, set)];
    if (n === 0 || !first || !second) return null;
    let [differing, won, lost] = [0, 0, 0];
    for (const id of set.ids) {
      const x = a.outcomes[a.place.get(id) as number] as TicketOutcome;
      const y = b.outcomes[b.place.get(id) as number] as TicketOutcome;
      if (x.output === y.output) continue;
      differing++;
      if (x.output === x.reference) won++;
      if (y.output === y.reference) lost++;
    }
    const draws = first.draws.map((value, r) => value - (second.draws[r] as number));
    const drawnSd = spreadOf(draws);
    if (differing >= FEW_DIFFERING) return { n, mid: first.mid - second.mid, draws, drawnSd, sd: drawnSd, exact: null };
    const parts = a.parts.flatMap((part, k) => {
      const [x, y] = [this.#draw(i, task, part, set), this.#draw(j, task, b.parts[k] as typeof part, set)];
      if (!x || !y) return [];
      const share = part.metric.name === 'accuracy';
      // So few odd tickets of a share are told by counts alone: no draw has to be sorted for them.
      const metric = (p: Drawn, q: Drawn, kind: PairedMetric['kind']) => {
        const [first, second] = share ? [[], []] : [p.draws, q.draws];
        return pairedDifference({ difference: p.mid - q.mid, first, second, n, kind });
      };
      // Metrics are scaled to [0, 1], so two variants are at most 1 apart.
      const own = metric(x, y, share ? { b: won, c: lost } : { differing, range: 1 });
      const high = () => -metric(y, x, share ? { b: lost, c: won } : { differing, range: 1 }).lowOneSided;
      return [{ ...own, high }];
    });
    // Ends of a mean of metrics: no further out than the mean of their ends.
    const at = (of: (p: (typeof parts)[number]) => number) => mean(parts.map(of));
    const exact = () => ({ low: at((p) => p.lowOneSided), high: at((p) => p.high()) });
    return { n, mid: at((p) => p.mid), draws, drawnSd, sd: at((p) => p.sd), exact };
  }

  /** Quality of one task, i minus j, over the tickets that both answered; null where one lacks the task. */
  taskDifference(i: number, j: number, task: TaskName): QualityDifference | null {
    const pair = this.#pair(i, j, task);
    if (!pair) return null;
    const { mid, sd, n, exact } = pair;
    if (exact) return { mid, sd, ...exact(), n };
    const draws = sorted(pair.draws);
    return { mid, sd, low: quantile(draws, 0.05), high: quantile(draws, 0.95), n };
  }

  /** Quality over all tasks, i minus j. */
  difference(i: number, j: number): Pick<QualityDifference, 'mid' | 'sd'> | null {
    const own = this.tasks.map((task) => this.#pair(i, j, task)).filter((p) => p !== null);
    if (own.length === 0 || own.length < this.tasks.length) return null;
    const set = this.#setOf([i, j], this.tasks);
    const joint = (at: number) => meanOf(this.tasks.map((task) => this.#taskDraws(at, task, set)?.draws ?? unknown));
    const second = joint(j);
    const drawn = spreadOf(joint(i).map((value, r) => value - (second[r] as number)));
    const missing = own.map((pair) => missingSd(pair) / this.tasks.length);
    return { mid: mean(own.map(({ mid }) => mid)), sd: Math.hypot(drawn, ...missing) };
  }

  /** Quality of a task, i minus j, over the tickets that both answered: with its one-sided 95 % end, and in each draw. */
  against(i: number, j: number, task: TaskName): { mid: number; low: number; draws: Float64Array } | null {
    const pair = this.#pair(i, j, task);
    const difference = pair && this.taskDifference(i, j, task);
    if (!difference) return null;
    const { mid, low } = difference;
    const missing = missingSd(pair);
    if (missing === 0) return { mid, low, draws: pair.draws };
    // Where few tickets differ, draws are narrower than what is known.
    const random = createRandom(SEED).fork(`${i} ${j} ${task}`);
    return { mid, low, draws: pair.draws.map((value) => value + missing * random.normal()) };
  }

  /** Share of right answers of a task, with the low end of its two-sided 95 % interval, and in each draw; null for texts. */
  accuracy(i: number, task: TaskName): { mid: number; low: number; draws: Float64Array } | null {
    const set = this.#setOf([i], [task]);
    const part = this.#scored[i]?.get(task)?.parts.find(({ metric }) => metric.name === 'accuracy');
    const drawn = part && this.#draw(i, task, part, set);
    return drawn ? { ...drawn, low: quantile(sorted(drawn.draws), 0.025) } : null;
  }
}

const unknown = new Float64Array(RESAMPLES).fill(NaN);

/** SD that few differing tickets cannot rule out, beyond that of the draws. */
const missingSd = ({ sd, drawnSd }: Pair) => Math.sqrt(Math.max(0, sd ** 2 - drawnSd ** 2));
