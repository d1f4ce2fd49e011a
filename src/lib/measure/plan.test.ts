import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JoulewiseError, type ErrorCode } from '../core/errors';
import { decide } from '../rank/decide';
import { exampleOutcome, exampleReading, exampleRun } from '../rank/example';
import { foldRuns } from '../rank/fold';
import { missingRuns } from '../plan/summary';
import { Plan, type PlanRecord } from '../schema/plan';
import { parseRecord } from '../schema/record';
import type { RunRecord } from '../schema/run';
import { executePlan, planHash, type PlanEvent, type PlanHost } from '../plan/execute';
import { KernelBook } from './work';
import { BASELINE } from '../schema/engines';
import { checkPlan, listedMembers, runId, slicesOf, ticketsOf, unitKey, unitsOf, type Unit } from '../plan/units';

const plan = (more: Partial<PlanRecord> = {}): PlanRecord => ({
  v: 3,
  dataset: { hash: 'd', name: 'tickets' },
  checkpoint: { kind: 'builtin' },
  tasks: ['rca'],
  stages: [{ kind: 'variants', variants: ['fp32', 'int8', 'int4'] }],
  baseline: false,
  engine: 'ort-cpu',
  threads: 1,
  limit: 24,
  slices: 3,
  margin: 0.05,
  maxNewTokens: 16,
  seed: 1,
  w: 0.5,
  profile: null,
  ...more,
});

/** Joules a ticket by variant: int4 is cheap, fp32 dear, int8 between; pruned ones cheaper than what they prune. */
const JOULES: Record<string, number> = { fp32: 10, int8: 4, int4: 2, [BASELINE]: 0.001 };
const joulesOf = (variant: string) => (JOULES[variant.split('+')[0] ?? ''] ?? 1) * (variant.includes('+') ? 0.7 : 1);

/** Eight new tickets a slice, half of each of two causes, all answered rightly. */
const ticketsIn = (slice: number) =>
  Array.from({ length: 8 }, (_, i) => {
    const cause = i % 2 ? 'A' : 'B';
    return exampleOutcome(`${slice}/${i}`, cause, cause);
  });

function runOf(hash: string, unit: Unit, more: Partial<RunRecord> = {}): RunRecord {
  const example = exampleRun();
  const tickets = ticketsIn(unit.slice);
  // A little noise of timing, of its own for each variant and block.
  const noise = 1 + 0.01 * Math.sin(unit.block * 7 + unit.variant.length);
  return {
    ...example,
    ...unit,
    id: runId(hash, unit),
    plan: hash,
    pass: `work of ${unit.variant}`,
    tickets: unit.anchor ? tickets.slice(0, 4) : tickets,
    phases: [
      {
        ...exampleReading('prefill', joulesOf(unit.variant) * noise * (unit.anchor ? 4 : 8)),
        flops: unit.anchor ? 4 : 8,
      },
    ],
    ...more,
  };
}

interface Told {
  stored?: RunRecord[];
  /** Which tries fail, and how. */
  fail?: (unit: Unit, attempt: number) => ErrorCode | null;
  /** Which openings fail, and how. */
  failOpening?: (variant: string, attempt: number) => ErrorCode | null;
  signal?: AbortSignal;
  /** Bytes that all models may hold; each holds one. */
  memory?: number;
  change?: (unit: Unit, attempt: number) => Partial<RunRecord>;
}

/** A host that runs nothing, and writes down what it was asked. */
async function host(p: PlanRecord, o: Told = {}) {
  const hash = await planHash(p);
  const events: PlanEvent[] = [];
  const tried: Unit[] = [];
  const opened: string[] = [];
  const closed: string[] = [];
  const saved: RunRecord[] = [];
  const validated: RunRecord[] = [];
  const attempts = new Map<string, number>();
  const next = (key: string) => {
    const attempt = attempts.get(key) ?? 0;
    attempts.set(key, attempt + 1);
    return attempt;
  };
  const failed = (code: ErrorCode) => Promise.reject(new JoulewiseError(code, `Failed: ${code}.`));
  const h: PlanHost = {
    finished: () => Promise.resolve(o.stored ?? []),
    save: (run) => Promise.resolve(void (run.part === 'test' ? saved : validated).push(run)),
    memory: o.memory ?? Infinity,
    open({ variant }) {
      const code = o.failOpening?.(variant, next(variant));
      if (code) return failed(code);
      opened.push(variant);
      return Promise.resolve({
        memoryBytes: 1,
        close: () => void closed.push(variant),
        slice(unit) {
          const attempt = next(unitKey(unit));
          if (unit.part === 'test') tried.push(unit);
          const wrong = o.fail?.(unit, attempt);
          return wrong ? failed(wrong) : Promise.resolve(runOf(hash, unit, o.change?.(unit, attempt)));
        },
      });
    },
    emit: (event) => void events.push(event),
    gate: () => Promise.resolve(),
  };
  return {
    hash,
    events,
    tried,
    opened,
    closed,
    saved,
    keys: () => tried.map(unitKey),
    validated,
    execute: async () => {
      const outcome = await executePlan(p, h, o.signal ?? new AbortController().signal);
      return { ...outcome, runs: outcome.runs.filter(({ part }) => part === 'test') };
    },
  };
}

const noisy = (disturbed: boolean, mean = disturbed ? 2 : 1): Partial<RunRecord> => ({
  steadiness: { pieces: 8, quiet: 1, mean, stalled: disturbed ? 0.5 : 0, disturbed, tries: 1, waited: 0 },
});

describe('units', () => {
  it('name variants canonically and once, of all stages, with the stage that lists them', () => {
    const stages: PlanRecord['stages'] = [{ kind: 'variants', variants: ['2:4', 'fp32+2:4', ' INT8 '] }];
    const names = (p: PlanRecord) => listedMembers(p).map(({ variant, stage }) => `${stage} ${variant}`);
    expect(names(plan({ stages }))).toEqual(['0 fp32+2:4', '0 int8']);
    const again = plan({ stages: [...stages, { kind: 'variants', variants: ['int8', 'int4'] }], baseline: true });
    expect(names(again)).toEqual(['0 fp32+2:4', '0 int8', `0 ${BASELINE}`, '1 int4']);
    expect(names(plan({ stages, engine: 'hub' }))).toEqual(['0 2:4', '0 fp32+2:4', '0  INT8 ']);
  });

  it('run the baseline on its own engine', () => {
    const units = unitsOf(
      plan(),
      [
        { variant: BASELINE, stage: 0 },
        { variant: 'int8', stage: 0 },
      ],
      0,
      0,
    );
    expect(units.map(({ engine }) => engine)).toEqual(['classical', 'ort-cpu']);
  });

  it('are refused before anything is spent', () => {
    expect(() => checkPlan(plan({ stages: [{ kind: 'variants', variants: ['int3'] }] }))).toThrow(/"int3"/);
    expect(() => checkPlan(plan({ stages: [{ kind: 'best', k: 1, prunings: ['half'] }] }))).toThrow(/"half"/);
    expect(() => checkPlan(plan({ stages: [{ kind: 'best', k: 1, prunings: ['2:4', 'ffn50'] }] }))).not.toThrow();
  });

  it('share the tickets out to slices: all new as long as there are any, none twice in a slice', () => {
    const size = fc.record({ limit: fc.integer({ min: 1, max: 100 }), slices: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 120 }), (p, n) => {
        const tickets = Array.from({ length: n }, (_, i) => i);
        const asked = Array.from({ length: slicesOf(p) }, (_, slice) =>
          ticketsOf({ slice, anchor: false }, tickets, p),
        );
        for (const slice of asked) {
          expect(slice.length).toBeGreaterThan(0);
          expect(new Set(slice).size).toBe(slice.length);
        }
        if (n >= p.limit) expect(asked.flat()).toEqual(tickets.slice(0, p.limit));
        // An anchor asks the first half of the same.
        const first = asked[0] as number[];
        expect(ticketsOf({ slice: 0, anchor: true }, tickets, p)).toEqual(first.slice(0, Math.ceil(first.length / 2)));
      }),
    );
  });
});

describe('execution', () => {
  it('asks every slice of all variants side by side, in another order each, with each opened once', async () => {
    const p = plan({ tasks: ['rca', 'response'] });
    const h = await host(p);
    const outcome = await h.execute();
    expect(outcome.runs.length).toBe(3 * 2 * 3);
    expect(h.saved.map((r) => r.id)).toEqual(outcome.runs.map((r) => r.id));
    expect(h.opened.toSorted()).toEqual(['fp32', 'int4', 'int8']);
    expect(h.closed.toSorted()).toEqual(h.opened.toSorted());
    const blocks = [0, 1, 2].map((slice) => h.tried.slice(slice * 6, slice * 6 + 6));
    blocks.forEach((block, slice) => {
      expect(new Set(block.map((u) => u.slice))).toEqual(new Set([slice]));
      expect(new Set(block.map((u) => u.block)).size).toBe(1);
      expect(new Set(block.map(unitKey)).size).toBe(6);
    });
    expect(new Set(blocks.map((block) => block.map((u) => `${u.task} ${u.variant}`).join())).size).toBeGreaterThan(1);
    const again = await host(p);
    await again.execute();
    expect(again.keys()).toEqual(h.keys());
  });

  it('opens everything that a block needs before it measures anything', async () => {
    const h = await host(plan());
    await h.execute();
    const kinds = h.events.map(({ type }) => type);
    expect(kinds.lastIndexOf('opened')).toBeLessThan(kinds.indexOf('unit'));
  });

  it('opens again between slices what memory does not hold side by side', async () => {
    const h = await host(plan(), { memory: 2 });
    const outcome = await h.execute();
    expect(outcome.runs.length).toBe(9);
    expect(h.opened.length).toBeGreaterThan(3);
    // Where units cannot be mixed freely, a variant is opened at most once a block.
    expect(h.opened.length).toBeLessThanOrEqual(9);
  });

  it('does not run again what is stored, and numbers what is left as a block of its own, linked by the reference', async () => {
    const p = plan();
    const first = await host(p);
    const done = (await first.execute()).runs.slice(0, 4);
    const h = await host(p, { stored: done });
    const outcome = await h.execute();
    expect(outcome.runs.filter((r) => !r.anchor).length).toBe(9);
    expect(h.tried.filter((u) => !u.anchor).length).toBe(5);
    expect(h.events.filter((e) => e.type === 'run' && e.resumed).length).toBe(4);
    expect(Math.min(...h.tried.map((u) => u.block))).toBeGreaterThan(Math.max(...done.map((r) => r.block)));
    for (const block of new Set(h.tried.map((u) => u.block)))
      expect(h.tried.some((u) => u.block === block && u.variant === 'fp32')).toBe(true);
    const other = await host(plan({ seed: 9 }), { stored: done });
    await other.execute();
    expect(other.tried.length).toBe(9);
  });

  it('measures a disturbed slice again at the end of its block, and keeps the quieter', async () => {
    const h = await host(plan({ slices: 6, limit: 12 }), {
      change: (unit, attempt) => noisy(unit.variant === 'int8' && unit.slice === 1 && attempt === 0),
    });
    const outcome = await h.execute();
    expect(h.keys().filter((key) => key === '0/rca/int8/1').length).toBe(2);
    expect(outcome.runs.length).toBe(18);
    expect(outcome.runs.every((r) => r.steadiness?.disturbed === false)).toBe(true);
    const order = h.tried.map((u) => u.slice);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it('keeps what opening took where the slice that told it is measured again', async () => {
    const load = exampleReading('load', 5);
    const answers = (unit: Unit) => runOf('h', unit).phases;
    const h = await host(plan({ slices: 6, limit: 12 }), {
      change: (unit, attempt) => ({
        ...noisy(attempt === 0),
        phases: attempt === 0 ? [load, ...answers(unit)] : answers(unit),
      }),
    });
    const { runs } = await h.execute();
    const again = runs.filter((r) => r.steadiness?.disturbed === false);
    expect(again.length).toBeGreaterThan(0);
    for (const run of again) expect(run.phases.map(({ phase }) => phase)).toEqual(['load', 'prefill']);
  });

  it('measures nothing again in a plan of too few slices to tell energies apart', async () => {
    const h = await host(plan(), { change: () => noisy(true) });
    expect((await h.execute()).runs.length).toBe(9);
    expect(h.tried.length).toBe(9);
  });

  it('gives up on quiet within its budget, keeps what is least disturbed, and says so', async () => {
    const h = await host(plan({ slices: 6, limit: 12 }), { change: (_, attempt) => noisy(true, 3 - attempt) });
    const outcome = await h.execute();
    expect(h.tried.length).toBeLessThanOrEqual(18 * 2);
    expect(outcome.runs.length).toBe(18);
    expect(outcome.runs.every((r) => r.steadiness?.disturbed)).toBe(true);
  });

  it.each(['engine.memory', 'engine.failed', 'engine.wrong', 'recipe.impossible'] as const)(
    'gives up a variant on %s and goes on with the others',
    async (code) => {
      for (const o of [
        { fail: (u: Unit) => (u.variant === 'int8' ? code : null) },
        { failOpening: (variant: string) => (variant === 'int8' ? code : null) },
      ]) {
        const h = await host(plan(), o);
        const outcome = await h.execute();
        expect(outcome.runs.length).toBe(6);
        expect(outcome.failures).toMatchObject([{ unit: { variant: 'int8' }, error: { code } }]);
        expect(h.events.filter((e) => e.type === 'failed').length).toBe(1);
      }
    },
  );

  it.each(['engine.lost', 'engine.hung'] as const)(
    'tries once more in a new thread on %s, and says so in the record',
    async (code) => {
      const once = await host(plan({ slices: 1 }), {
        fail: (u, attempt) => (u.variant === 'int8' && attempt === 0 ? code : null),
      });
      const { runs } = await once.execute();
      expect(runs.length).toBe(3);
      expect(once.tried.length).toBe(4);
      expect(once.opened.filter((v) => v === 'int8').length).toBe(2);
      expect(runs.find((r) => r.variant === 'int8')?.fallbacks.join()).toMatch(/run again in a new thread/);
      const always = await host(plan(), { fail: (u) => (u.variant === 'int8' ? code : null) });
      const outcome = await always.execute();
      expect(outcome.runs.length).toBe(6);
      expect(outcome.failures).toMatchObject([{ error: { code } }]);
    },
  );

  it('says that the GPU was lost where it does not come back', async () => {
    const gone = await host(plan(), {
      fail: (u, attempt) => (u.variant !== 'int8' ? null : attempt === 0 ? 'engine.lost' : 'engine.unavailable'),
    });
    await expect(gone.execute()).rejects.toMatchObject({
      code: 'engine.unavailable',
      message: expect.stringMatching(/^The GPU was lost .* Finished runs are kept: .* press Resume/) as string,
    });
    expect(gone.saved.map((r) => r.variant)).not.toContain('int8');
  });

  it('keeps trying a variant after a failure that is not the variant’s', async () => {
    const h = await host(plan(), { fail: (u) => (u.variant === 'int8' && u.slice === 0 ? 'network.failed' : null) });
    const outcome = await h.execute();
    expect(outcome.failures.length).toBeGreaterThan(0);
    expect(outcome.runs.filter((r) => !r.anchor).length).toBe(8);
  });

  it.each(['cancelled', 'store.quota', 'store.unavailable', 'engine.unavailable', 'internal'] as const)(
    'ends with %s at once, keeps what is finished, and closes what is open',
    async (code) => {
      let n = 0;
      const h = await host(plan(), { fail: () => (++n > 3 ? code : null) });
      await expect(h.execute()).rejects.toMatchObject({ code });
      expect(h.saved.length).toBe(3);
      expect(h.tried.length).toBe(4);
      expect(h.closed.toSorted()).toEqual(h.opened.toSorted());
    },
  );

  it('stops between units when asked to', async () => {
    const controller = new AbortController();
    let n = 0;
    const h = await host(plan(), {
      signal: controller.signal,
      fail: () => {
        if (++n === 2) controller.abort();
        return null;
      },
    });
    await expect(h.execute()).rejects.toMatchObject({ code: 'cancelled' });
    expect(h.saved.length).toBe(2);
  });

  it('says why where nothing could be run', async () => {
    const h = await host(plan(), { failOpening: () => 'engine.memory' });
    await expect(h.execute()).rejects.toMatchObject({
      code: 'engine.memory',
      message: 'No variant could be run. Failed: engine.memory.',
    });
  });
});

describe('who joins later', () => {
  const stages: PlanRecord['stages'] = [
    { kind: 'variants', variants: ['fp32', 'int8', 'int4'] },
    { kind: 'best', k: 2, prunings: ['2:4', 'ffn50'] },
  ];
  const nine = { limit: 72, slices: 9 } as const;

  it('are the best crossed with prunings, once six slices tell them; they make up what they missed beside an anchor', async () => {
    const h = await host(plan({ stages, baseline: true, ...nine }));
    const { runs } = await h.execute();
    const joined = [...new Set(h.tried.filter((u) => u.stage === 1).map((u) => u.variant))].toSorted();
    expect(joined).toEqual(['int4+2:4', 'int4+ffn50', 'int8+2:4', 'int8+ffn50']);
    expect(runs.filter((r) => r.stage === 1).length).toBe(4 * 9);
    // Slices 6, 7 and 8 hold all variants; the others are made up, with half a slice of the reference in each.
    const late = h.tried.filter((u) => u.stage === 1 && u.slice < 6);
    for (const { block } of late) {
      const anchors = h.tried.filter((u) => u.block === block && u.anchor);
      expect(anchors.map((u) => u.variant)).toEqual(['fp32']);
    }
    expect(runs.filter((r) => r.anchor).every((r) => r.tickets.length === 4)).toBe(true);
    const { results, evidence } = foldRuns(runs, plan());
    expect(results.every((r) => r.energy !== null && r.slices === 9)).toBe(true);
    expect(evidence.slices).toBe(9);
    // What was measured apart is told apart: 0.7 of what it prunes.
    const at = (variant: string) => results.find((r) => r.variant === variant)?.energy?.mid ?? NaN;
    expect(at('int4+2:4') / at('int4')).toBeCloseTo(0.7, 1);
  });

  it('choose among what could be run', async () => {
    const h = await host(plan({ stages, ...nine }), {
      failOpening: (variant) => (variant === 'int4' ? 'engine.memory' : null),
    });
    await h.execute();
    const joined = [...new Set(h.tried.filter((u) => u.stage === 1).map((u) => u.variant))].toSorted();
    expect(joined).toEqual(['fp32+2:4', 'fp32+ffn50', 'int8+2:4', 'int8+ffn50']);
  });

  it('resume into the same second stage', async () => {
    const p = plan({ stages, ...nine });
    const { runs } = await (await host(p)).execute();
    const again = await host(p, { stored: runs });
    const outcome = await again.execute();
    // Anchors too: without them blocks would not be linked any more.
    const ids = (list: readonly RunRecord[]) => list.map((r) => r.id).toSorted();
    expect(ids(outcome.runs)).toEqual(ids(runs));
    expect(again.tried).toEqual([]);
  });

  it('calibrate while others are ranked already, and catch up', async () => {
    const stage: PlanRecord['stages'] = [{ kind: 'variants', variants: ['fp32', 'int4', 'int4.gptq'] }];
    const h = await host(plan({ stages: stage, ...nine }));
    const { runs } = await h.execute();
    const first = h.tried.findIndex((u) => u.variant === 'int4.gptq');
    expect(new Set(h.tried.slice(0, first).map((u) => u.slice))).toEqual(new Set([0, 1]));
    expect(runs.filter((r) => r.variant === 'int4.gptq').length).toBe(9);
  });
});

describe('confidence', () => {
  it('is calibrated on validation tickets of the answer alone, once there is one', async () => {
    const h = await host(plan({ limit: 72, slices: 9 }));
    await h.execute();
    expect(h.validated.map(({ variant, task }) => `${variant} ${task}`)).toEqual(['int4 rca']);
    const none = await host(plan({ limit: 72, slices: 9, tasks: ['response'] }));
    await none.execute();
    expect(none.validated).toEqual([]);
  });
});

describe('until decided', () => {
  it('stops who is dearer, never the reference, and ends early where the answer stands', async () => {
    const p = plan({ untilDecided: true, limit: 240, slices: 30 });
    const h = await host(p);
    const { runs } = await h.execute();
    const stopped = h.events.flatMap((e) => (e.type === 'stopped' ? [[e.variant, e.why, e.after]] : []));
    expect(stopped).toContainEqual(['int8', 'dearer', 4]);
    expect(stopped.map(([variant]) => variant)).not.toContain('fp32');
    // Who answers all rightly is shown to be as good only once there are tickets enough.
    expect(runs.length).toBeLessThan(3 * 30 * 0.6);
    const { results, evidence } = foldRuns(runs, p);
    expect(decide(results, evidence).answer?.result.variant).toBe('int4');
    expect(evidence.stopped.map(({ at }) => results[at]?.variant)).toEqual(['int8']);
  });
});

describe('until joules are known within a bound', () => {
  /** Each slice of a variant lies off by a few percent of its own; the net joules are half of the gross ones. */
  const spread = (percent: Record<string, number>) => (unit: Unit) => {
    const n = unit.anchor ? 4 : 8;
    const off = 1 + ((percent[unit.variant] ?? 0) / 100) * (unit.slice % 2 ? 1 : -1);
    return { phases: [{ ...exampleReading('prefill', joulesOf(unit.variant) * off * n), seconds: n, flops: n }] };
  };
  const slicesIn = (runs: readonly RunRecord[], variant: string) =>
    runs.filter((run) => run.variant === variant && !run.anchor).length;

  it('repeats slices of those that are not within it, and of nobody else, and says so', async () => {
    const p = plan({ energyBound: 0.03, limit: 48, slices: 6, baseline: true });
    const h = await host(p, { change: spread({ fp32: 1, int8: 8, int4: 1 }) });
    const { runs } = await h.execute();
    expect(slicesIn(runs, 'fp32')).toBe(6);
    expect(slicesIn(runs, BASELINE)).toBe(6);
    expect(slicesIn(runs, 'int8')).toBeGreaterThan(10);
    // Blocks of int8 alone are linked by the reference, as others are.
    expect(runs.some((run) => run.anchor && run.slice >= 6)).toBe(true);
    const { results } = foldRuns(runs, p);
    for (const { variant, bound } of results)
      if (variant === BASELINE) expect(bound).toBeUndefined();
      else expect(bound).toMatchObject({ asked: 0.03, met: true, slices: slicesIn(runs, variant) });
    const units = h.events.flatMap((e) => (e.type === 'planned' ? [e.units] : []));
    expect(units.at(-1)).toBe(4 * 6 + slicesIn(runs, 'int8') - 6);
    expect(missingRuns(p, h.hash, runs)).toEqual({ missing: 0, atLeast: false });

    // Stopped in the middle, it goes on, and measures nothing twice.
    const some = runs.filter((run) => run.slice < 8);
    expect(missingRuns(p, h.hash, some)).toEqual({ missing: 1, atLeast: true });
    const again = await host(p, { stored: some, change: spread({ int8: 8 }) });
    const { runs: all } = await again.execute();
    expect(again.tried.every(({ slice }) => slice >= 8)).toBe(true);
    expect(foldRuns(all, p).results.every(({ bound }) => bound === undefined || bound.met)).toBe(true);
  });

  it('ends where a meter can never meet it, and where the most slices are done', async () => {
    const p = plan({ energyBound: 0.03, limit: 48, slices: 6 });
    const h = await host(p, { change: spread({ int8: 95, int4: 25 }) });
    const { runs } = await h.execute();
    expect(slicesIn(runs, 'int8')).toBe(6);
    expect(slicesIn(runs, 'int4')).toBe(100);
    const bounds = foldRuns(runs, p).results.map(({ variant, bound }) => [variant, bound?.met, bound?.why]);
    expect(bounds).toContainEqual(['int8', false, 'spread']);
    expect(bounds).toContainEqual(['int4', false, 'spread']);
    expect(missingRuns(p, h.hash, runs)).toEqual({ missing: 0, atLeast: false });
  });

  it('without one the plan is what it was, name and all', async () => {
    const p = plan({ limit: 48, slices: 6 });
    const h = await host(p, { change: spread({ int8: 8 }) });
    const { runs } = await h.execute();
    expect(slicesIn(runs, 'int8')).toBe(6);
    expect(await planHash({ ...p, energyBound: 0.03 })).not.toBe(h.hash);
    expect(parseRecord(Plan, p)).toEqual(p);
    expect(() => parseRecord(Plan, { ...p, energyBound: 3 })).toThrow(/energyBound/);
  });
});

describe('kernel book', () => {
  it('adds up measured passes, forgets others, and keeps unknown unknown', () => {
    let ms = 0;
    const session = {
      takeKernels: () => [
        { name: 'linear', bytes: 10, operations: 4, ms: ++ms },
        { name: 'vectors', bytes: null, operations: null, ms: 1 },
      ],
    };
    const book = new KernelBook(session);
    book.take(false);
    expect(book.total).toBeNull();
    book.take(true);
    book.take(false);
    book.take(true);
    expect(book.total).toEqual([
      { name: 'linear', bytes: 20, operations: 8, ms: 2 + 4 },
      { name: 'vectors', bytes: null, operations: null, ms: 2 },
    ]);
    const silent = new KernelBook({ takeKernels: () => null });
    silent.take(true);
    expect(silent.total).toBeNull();
  });
});
