import { contentHash } from '../core/canonical';
import { JoulewiseError, toWireError, type WireError } from '../core/errors';
import { createRandom } from '../core/random';
import { mainReadings } from '../meter/readings';
import { boundOf, wantsMore } from '../rank/bound';
import { chooseBest, LOOKS_EVERY, stopsAt } from '../rank/choose';
import { decide } from '../rank/decide';
import { foldRuns, type Folded } from '../rank/fold';
import { referenceOf } from '../rank/simple';
import { LEAST_SLICES, MOST_BOUND_SLICES } from '../schema/defaults';
import { namedContent, type PlanRecord } from '../schema/plan';
import { ANSWERING, type RunRecord } from '../schema/run';

import { OpenMembers, type OpenMember } from './open-members';
import { BASELINE } from '../schema/engines';
import { crossedMembers, joinsLate, listedMembers, runId, slicesOf, unitsOf, type Member, type Unit } from './units';

/** What answering tickets took so far in a unit: estimates, at the middle of their intervals. */
export interface Spent {
  seconds: number;
  /** Null where nothing can be said. */
  joules: number | null;
  /** Read and written. */
  tokens: number;
}

/** What a step of fine-tuning, or judging it on validation answers, told. */
export interface TrainingProgress {
  /** Mean loss of the step's answers, nats a token; null where answers were judged. */
  loss: number | null;
  /** Of validation answers; null for a step. */
  validation: number | null;
  /** Of the step; null where answers were judged. */
  tokensPerSecond: number | null;
  /** Since training began, and for 1,000 tokens; null where they cannot be told. */
  joules: number | null;
  joulesPerThousand: number | null;
}

/** Where a unit, or the opening of a variant, has got to. */
export interface UnitProgress {
  phase: string;
  done: number;
  of: number;
  /** Ticket text and output so far, for the live view; never stored. */
  ticket?: string;
  output?: string;
  spent?: Spent;
  training?: TrainingProgress;
  /** It stopped between two steps, as it was asked to, and goes on from there. */
  paused?: true;
}

export type PlanEvent =
  /** What is to be run as far as it is known; `atMost` while a later stage is not. `openings`: variants still to be opened. */
  | { type: 'planned'; units: number; openings: number; atMost: boolean }
  | { type: 'opening'; member: Member }
  | { type: 'opened'; member: Member; seconds: number }
  | { type: 'unit'; unit: Unit }
  | { type: 'progress'; progress: UnitProgress }
  | { type: 'run'; unit: Unit; run: RunRecord; resumed: boolean }
  | { type: 'failed'; unit: Unit; error: WireError }
  /** A variant that the answer no longer depends on, after so many slices. */
  | { type: 'stopped'; variant: string; after: number; why: string };

export interface PlanHost {
  /** Finished runs of this plan, from the store. */
  finished(planHash: string): Promise<RunRecord[]>;
  save(run: RunRecord): Promise<void>;
  /** Opens a variant and warms it up; it answers until it is closed. */
  open(member: Member, onProgress: (p: UnitProgress) => void, signal: AbortSignal): Promise<OpenMember>;
  /** Bytes of models that may be open side by side. */
  memory: number;
  emit(event: PlanEvent): void;
  /** Resolves at once, or when a pause ends. */
  gate(): Promise<void>;
  /** Folds runs where they do not keep the caller waiting; without it they are folded here. */
  fold?: ((runs: readonly RunRecord[]) => Promise<Folded>) | undefined;
}

export interface PlanOutcome {
  runs: RunRecord[];
  failures: { unit: Unit; error: WireError }[];
}

/** Failures after which the same variant is not tried again in this plan; the others go on. */
const VARIANT_FAILURES: readonly string[] = [
  'engine.memory',
  'engine.failed',
  'engine.lost',
  'engine.hung',
  'engine.wrong',
  'recipe.impossible',
  'run.skipped',
];
/** Failures that get one more try with a fresh thread. */
const TRIED_AGAIN: readonly string[] = ['engine.lost', 'engine.hung'];
/** Failures that end the plan: nothing that follows could succeed. */
const PLAN_FAILURES: readonly string[] = [
  'cancelled',
  'store.quota',
  'store.unavailable',
  'engine.unavailable',
  'internal',
];

/** Before a lost GPU is asked for again, ms: its driver starts anew, and until then the browser hands out dead devices. */
const RESTART_MS = 1000;
/** Slices after which variants that calibrate join, so that others are ranked meanwhile, and after which the best are chosen. */
const CALIBRATED_JOIN = 2;
export const BEST_JOIN = LEAST_SLICES;
/** Times that a slice is measured, and shares of a plan's own work that measuring again and waiting for quiet may add. */
const MOST_TRIES = 3;
const AGAIN_SHARE = 0.5;
const WAIT_SHARE = 1;
const WAIT_LEAST_S = 5;
/** Seconds that one slice waits at most; of the first block less, so that there is soon something to see. */
const WAIT_SLICE_S = 15;
const WAIT_FIRST_S = 2;

export const planHash = (plan: PlanRecord) => contentHash(namedContent(plan));

/** Where the browser gives up on the GPU after losing it: "no adapter" alone would hide why. */
const goneError = (cause: unknown) =>
  new JoulewiseError(
    'engine.unavailable',
    'The GPU was lost while the model ran, and this browser does not offer it any more. Finished runs are kept: close the browser, open it again and press Resume, or choose the processor as the engine.',
    { cause },
  );

export const cancelled = () => new JoulewiseError('cancelled', 'Stopped. Finished runs are kept.');

/**
 * Runs a plan block by block: a block is a slice of tickets, answered by all variants that are ready, in random order, so
 * that what the device does meanwhile falls on all alike. Variants stay open side by side as far as memory goes. Those
 * that calibrate join after a few slices, pruned ones once the best are known; both then make up the slices they missed,
 * beside a short slice of the reference. What is stored already is not run again.
 */
export async function executePlan(plan: PlanRecord, host: PlanHost, signal: AbortSignal): Promise<PlanOutcome> {
  return new Execution(plan, await planHash(plan), host, signal).run();
}

class Execution {
  readonly #slices: number;
  readonly #stored: Map<string, RunRecord>;
  readonly #runs = new Map<string, RunRecord>();
  readonly #failures: PlanOutcome['failures'] = [];
  readonly #givenUp = new Set<string>();
  /** Variants that the answer no longer depends on. */
  readonly #stopped = new Map<string, number>();
  readonly #sessions: OpenMembers;
  #members: Member[] = [];
  #block = 0;
  /** Units beyond the plan's slices, for the bound of joules. */
  #repeated = 0;
  #lost = false;
  /** Seconds of measuring, of measuring again, and of waiting. */
  #spent = { measured: 0, again: 0, waited: 0 };

  constructor(
    private readonly plan: PlanRecord,
    private readonly hash: string,
    private readonly host: PlanHost,
    private readonly signal: AbortSignal,
  ) {
    this.#slices = slicesOf(plan);
    this.#stored = new Map();
    this.#sessions = new OpenMembers(host, signal);
  }

  async run(): Promise<PlanOutcome> {
    for (const run of await this.host.finished(this.hash)) {
      this.#stored.set(run.id, run);
      this.#block = Math.max(this.#block, run.block + 1);
      // What linked blocks in an earlier sitting links them still.
      if (run.anchor) this.#runs.set(run.id, run);
    }
    try {
      await this.#stages();
      await this.#untilBound();
      await this.#validate();
    } finally {
      await this.#sessions.close();
    }
    const runs = [...this.#runs.values()];
    const [first] = this.#failures;
    if (runs.length === 0 && first)
      throw new JoulewiseError(first.error.code, `No variant could be run. ${first.error.message}`);
    return { runs, failures: this.#failures };
  }

  async #stages(): Promise<void> {
    const { plan } = this;
    const listed = listedMembers(plan);
    const late = listed.filter(({ variant }) => joinsLate(plan, variant));
    const early = listed.filter((member) => !late.includes(member));
    const lateJoin = early.some(({ variant }) => variant !== BASELINE) ? Math.min(CALIBRATED_JOIN, this.#slices) : 0;
    const bests = plan.stages.flatMap((s, stage) => (s.kind === 'best' ? [stage] : []));
    const bestJoin = bests.length > 0 ? Math.min(BEST_JOIN, this.#slices) : this.#slices;
    this.#members = early;
    this.#tellPlanned(late.length, bests);
    let to = this.#slices;
    for (let slice = 0; slice < to; slice++) {
      if (slice === lateJoin && late.length > 0) {
        this.#members = [...early, ...late];
        await this.#prepare(late);
      }
      if (slice === bestJoin) await this.#joinBest(bests, slice);
      // A look judges all at once, so nobody lacks slices then.
      if (plan.untilDecided && (slice === lateJoin || slice === bestJoin)) await this.#makeUp(slice);
      await this.#blockOf(slice, this.#members);
      const all = slice >= lateJoin && (bests.length === 0 || slice >= bestJoin);
      if (plan.untilDecided && all && (slice + 1) % LOOKS_EVERY === 0 && (await this.#decided(slice + 1)))
        to = slice + 1;
    }
    // A plan of few slices: those that join late make all of theirs up.
    if (late.length > 0 && !this.#members.includes(late[0] as Member)) this.#members = [...this.#members, ...late];
    await this.#makeUp(to);
    if (bestJoin === this.#slices && bests.length > 0) {
      await this.#joinBest(bests, to);
      await this.#makeUp(to);
    }
  }

  /** Repeats slices of variants whose joules are not known within the bound asked for, as long as that may help. */
  async #untilBound(): Promise<void> {
    const { energyBound, tasks } = this.plan;
    if (energyBound === undefined) return;
    for (let slice = this.#slices; slice < MOST_BOUND_SLICES; slice++) {
      const wanting = this.#members.filter((member) => {
        const runs = [...this.#runs.values()].filter(({ variant }) => variant === member.variant);
        return member.variant !== BASELINE && this.#active(member) && wantsMore(boundOf(runs, tasks, energyBound));
      });
      if (wanting.length === 0) return;
      this.#repeated += wanting.length * tasks.length;
      this.#tellPlanned(0, []);
      await this.#blockOf(slice, wanting);
    }
  }

  /** The answer's confidence in causes is calibrated on validation tickets, once the answer is known. */
  async #validate(): Promise<void> {
    if (!this.plan.tasks.includes('rca')) return;
    const { results, evidence } = await this.#fold([...this.#runs.values()]);
    const answer = decide(results, evidence).answer?.result;
    const member = this.#members.find(({ variant }) => variant === answer?.variant);
    const [unit] = member ? unitsOf({ ...this.plan, tasks: ['rca'] }, [member], 0, this.#block++) : [];
    if (!unit) return;
    const own: Unit = { ...unit, part: 'validation' };
    const known = this.#stored.get(runId(this.hash, own));
    if (known) this.#runs.set(known.id, known);
    else await this.#measure(own, 0);
  }

  /** Whoever joined late answers the slices before `to`, beside a short slice of the reference. */
  async #makeUp(to: number): Promise<void> {
    for (let slice = 0; slice < to; slice++) await this.#blockOf(slice, this.#members);
  }

  async #joinBest(bests: readonly number[], slice: number): Promise<void> {
    await this.#makeUp(slice);
    for (const stage of bests) {
      const s = this.plan.stages[stage];
      if (s?.kind !== 'best') continue;
      const before = this.#members.filter((m) => m.stage < stage);
      // Of slices before this one, also where later ones were kept: going on chooses as the first run did.
      const runs = [...this.#runs.values()].filter(
        (run) => run.slice < slice && before.some(({ variant }) => variant === run.variant),
      );
      const chosen = chooseBest(await this.#fold(runs), s.k);
      const joining = crossedMembers(this.plan, stage, chosen, this.#members);
      this.#members = [...this.#members, ...joining];
      this.#tellPlanned(0, []);
      await this.#prepare(joining);
    }
  }

  async #fold(runs: readonly RunRecord[]): Promise<Folded> {
    return (await this.host.fold?.(runs)) ?? foldRuns(runs, this.plan);
  }

  /** Stops whom the answer no longer depends on. True where it depends on nobody any more. */
  async #decided(after: number): Promise<boolean> {
    const { stops, decided } = stopsAt(await this.#fold([...this.#runs.values()]), after, this.#slices);
    for (const { variant, why } of stops) {
      if (this.#stopped.has(variant)) continue;
      this.#stopped.set(variant, after);
      this.host.emit({ type: 'stopped', variant, after, why });
    }
    return decided;
  }

  #tellPlanned(late: number, bests: readonly number[]): void {
    const known = this.#members.length + late;
    const crossed = bests.reduce((n, stage) => {
      const s = this.plan.stages[stage];
      return n + (s?.kind === 'best' ? s.k * s.prunings.length : 0);
    }, 0);
    const all = (known + crossed) * this.plan.tasks.length * this.#slices + this.#repeated;
    this.host.emit({
      type: 'planned',
      units: all,
      openings: known + crossed - this.#sessions.opened,
      atMost: (crossed > 0 || this.plan.untilDecided === true) && this.#repeated === 0,
    });
  }

  #active = ({ variant }: Member) => !this.#givenUp.has(variant) && !this.#stopped.has(variant);

  /** The variant that links blocks: the widest that runs. */
  #reference(): Member | null {
    const models = this.#members.filter((m) => m.variant !== BASELINE && !this.#givenUp.has(m.variant));
    const name = referenceOf(models.map(({ variant }) => variant));
    return models.find(({ variant }) => variant === name) ?? null;
  }

  /** Opens what a block needs before it begins, as far as memory goes: opening beside a measurement would disturb it. */
  async #prepare(members: readonly Member[]): Promise<void> {
    for (const member of members) {
      if (!this.#active(member) || !this.#sessions.hasRoomFor(member)) continue;
      const needed = Array.from({ length: this.#slices }, (_, slice) => unitsOf(this.plan, [member], slice, 0)).flat();
      if (needed.every((unit) => this.#stored.has(runId(this.hash, unit)))) continue;
      await this.#guarded(unitsOf(this.plan, [member], 0, this.#block)[0] as Unit, () => this.#sessions.take(member));
    }
  }

  async #blockOf(slice: number, members: readonly Member[]): Promise<void> {
    const wanted = unitsOf(this.plan, members.filter(this.#active), slice, this.#block);
    for (const unit of wanted) {
      const known = this.#stored.get(runId(this.hash, unit));
      if (!known || this.#runs.has(known.id)) continue;
      this.#runs.set(known.id, known);
      this.host.emit({ type: 'run', unit, run: known, resumed: true });
    }
    const missing = wanted.filter((unit) => !this.#runs.has(runId(this.hash, unit)));
    if (missing.length === 0) return;
    const block = this.#block++;
    const reference = this.#reference();
    const linked = !reference || missing.some(({ variant }) => variant === reference.variant);
    const onlyBaseline = missing.every(({ variant }) => variant === BASELINE);
    const units = [...missing, ...(linked || onlyBaseline ? [] : unitsOf(this.plan, [reference], slice, block, true))];
    await this.#prepare(members.filter(({ variant }) => units.some((unit) => unit.variant === variant)));
    const ordered = this.#inOrder(units, slice, block);
    for (const unit of ordered) await this.#measure(unit, 0);
    await this.#again(ordered);
  }

  /** At random; where not all fit into memory side by side, each variant's units beside each other. */
  #inOrder(units: readonly Unit[], slice: number, block: number): Unit[] {
    const random = createRandom(this.plan.seed).fork(`block ${block}, slice ${slice}`);
    if (units.every((unit) => this.#sessions.isOpen(unit.variant))) return random.shuffle(units);
    const variants = random.shuffle([...new Set(units.map(({ variant }) => variant))]);
    // Those that are open answer before others take their place.
    variants.sort((a, b) => Number(this.#sessions.isOpen(b)) - Number(this.#sessions.isOpen(a)));
    return variants.flatMap((variant) => random.shuffle(units.filter((unit) => unit.variant === variant)));
  }

  /** Disturbed slices are measured again at the end of their block, within a budget. */
  async #again(units: readonly Unit[]): Promise<void> {
    if (!this.#tells) return;
    for (let tries = 1; tries < MOST_TRIES; tries++)
      for (const unit of units) {
        if (this.#spent.again > AGAIN_SHARE * this.#spent.measured) return;
        if (!this.#active(unit)) continue;
        const run = this.#runs.get(runId(this.hash, unit));
        if (run?.steadiness?.disturbed) await this.#measure(unit, tries);
      }
  }

  /** Too few slices tell no energies apart, however quiet it is: nothing is gained by waiting or by measuring again. */
  get #tells(): boolean {
    return this.#slices >= LEAST_SLICES;
  }

  get #patience(): number {
    if (!this.#tells) return 0;
    const budget = Math.max(WAIT_LEAST_S, WAIT_SHARE * this.#spent.measured) - this.#spent.waited;
    const most = this.#spent.measured === 0 || this.#block <= 1 ? WAIT_FIRST_S : WAIT_SLICE_S;
    return Math.max(0, Math.min(most, budget));
  }

  async #measure(unit: Unit, tries: number): Promise<void> {
    if (!this.#active(unit)) return;
    await this.host.gate();
    if (this.signal.aborted) throw cancelled();
    const member = { variant: unit.variant, stage: unit.stage };
    this.host.emit({ type: 'unit', unit });
    await this.#guarded(unit, async (notes) => {
      const session = await this.#sessions.take(member);
      const run = await session.slice(unit, {
        patience: this.#patience,
        tries,
        onProgress: (progress) => this.host.emit({ type: 'progress', progress }),
        signal: this.signal,
      });
      const seconds = mainReadings(run.phases).reduce((n, p) => (ANSWERING.has(p.phase) ? n + p.seconds : n), 0);
      this.#spent[tries > 0 ? 'again' : 'measured'] += seconds;
      this.#spent.waited += run.steadiness?.waited ?? 0;
      // Measured again, it takes the place of what was disturbed, unless it was worse still.
      const before = this.#runs.get(run.id);
      if (before && worse(run, before)) return;
      const whole = {
        ...run,
        // What opening took stands in the first record; measured again, it still does.
        phases: [...openingPhases(before, run), ...run.phases],
        fallbacks: [...run.fallbacks, ...notes],
      };
      await this.host.save(whole);
      this.#runs.set(whole.id, whole);
      this.host.emit({ type: 'run', unit, run: whole, resumed: false });
    });
  }

  /** Runs a piece of work on a variant; tells its failure, and tries again where a fresh thread may help. */
  async #guarded(unit: Unit, work: (notes: readonly string[]) => Promise<unknown>): Promise<void> {
    const notes: string[] = [];
    for (let attempt = 0; ; attempt++) {
      try {
        await work(notes);
        return;
      } catch (error) {
        const wire = toWireError(error);
        await this.#sessions.drop(unit.variant);
        if (wire.code === 'engine.unavailable' && this.#lost) throw goneError(error);
        if (PLAN_FAILURES.includes(wire.code)) throw error;
        this.#lost ||= wire.code === 'engine.lost';
        // Whoever else is open lost its device too, and would wait for it.
        if (wire.code === 'engine.lost') await this.#sessions.close();
        if (TRIED_AGAIN.includes(wire.code) && attempt === 0) {
          notes.push(`${wire.message} This slice was run again in a new thread.`);
          await new Promise((done) => setTimeout(done, RESTART_MS));
          continue;
        }
        if (VARIANT_FAILURES.includes(wire.code)) this.#givenUp.add(unit.variant);
        this.#failures.push({ unit, error: wire });
        this.host.emit({ type: 'failed', unit, error: wire });
        return;
      }
    }
  }
}

/** What a slice that is measured again told beside its own answers: loading, compressing, calibrating. */
const openingPhases = (before: RunRecord | undefined, run: RunRecord): RunRecord['phases'] =>
  (before?.phases ?? []).filter(({ phase }) => !ANSWERING.has(phase) && !run.phases.some((own) => own.phase === phase));

/** Whether a slice that was measured again was disturbed more than before. */
function worse(again: RunRecord, before: RunRecord): boolean {
  const excess = ({ steadiness }: RunRecord) => (steadiness ? steadiness.mean / steadiness.quiet : 0);
  return again.steadiness?.disturbed === true && excess(again) > excess(before);
}
