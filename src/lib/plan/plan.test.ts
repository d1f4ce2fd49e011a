import { describe, expect, it } from 'vitest';
import { JoulewiseError, type ErrorCode } from '../core/errors';
import { exampleRun } from '../rank/example';
import type { PlanRecord } from '../schema/plan';
import type { RunRecord } from '../schema/run';
import { executePlan, planHash, type PlanEvent, type PlanHost } from './execute';
import { KernelBook } from './work';
import { BASELINE, checkPlan, runId, stageUnits, stageVariants, unitKey, type Unit } from './units';

const plan = (more: Partial<PlanRecord> = {}): PlanRecord => ({
  v: 1,
  dataset: { hash: 'd', name: 'tickets' },
  checkpoint: { kind: 'builtin' },
  tasks: ['rca'],
  stages: [{ kind: 'variants', variants: ['fp32', 'int8', 'int4'] }],
  baseline: false,
  engine: 'ort-cpu',
  threads: 1,
  limit: 10,
  slices: 3,
  maxNewTokens: 16,
  seed: 1,
  w: 0.5,
  profile: null,
  ...more,
});

/** Joules and accuracy by variant: int4 is cheap and good, fp32 dear and good, int8 between. */
const JOULES: Record<string, number> = { fp32: 10, int8: 4, int4: 2, [BASELINE]: 0.001 };
const runOf = (hash: string, unit: Unit): RunRecord => {
  const joules = JOULES[unit.variant] ?? 1;
  const example = exampleRun();
  return {
    ...example,
    id: runId(hash, unit),
    plan: hash,
    ...unit,
    phases: example.phases.map((p) => ({
      ...p,
      joules: { low: joules * 0.9, mid: joules, high: joules * 1.1 },
      netJoules: { low: joules * 0.9, mid: joules, high: joules * 1.1 },
    })),
  };
};

/** A host that runs nothing; `fail` says which tries fail, and how. */
async function host(
  p: PlanRecord,
  o: { stored?: RunRecord[]; fail?: (unit: Unit, attempt: number) => ErrorCode | null; signal?: AbortSignal } = {},
) {
  const hash = await planHash(p);
  const events: PlanEvent[] = [];
  const tried: string[] = [];
  const saved: RunRecord[] = [];
  const attempts = new Map<string, number>();
  const h: PlanHost = {
    finished: () => Promise.resolve(o.stored ?? []),
    save: (run) => Promise.resolve(void saved.push(run)),
    run(unit) {
      const key = unitKey(unit);
      const attempt = attempts.get(key) ?? 0;
      attempts.set(key, attempt + 1);
      tried.push(key);
      const code = o.fail?.(unit, attempt);
      return code ? Promise.reject(new JoulewiseError(code, `Failed: ${code}.`)) : Promise.resolve(runOf(hash, unit));
    },
    emit: (event) => void events.push(event),
    gate: () => Promise.resolve(),
  };
  return {
    hash,
    events,
    tried,
    saved,
    execute: () => executePlan(p, h, o.signal ?? new AbortController().signal),
  };
}

describe('units', () => {
  const p = plan({ tasks: ['rca', 'response'], slices: 4 });
  const units = stageUnits(p, 0, ['a', 'b', 'c']);

  it('are every variant, task and slice once, slices outside', () => {
    expect(units.length).toBe(3 * 2 * 4);
    expect(new Set(units.map(unitKey)).size).toBe(units.length);
    for (let r = 0; r < 4; r++)
      expect(new Set(units.slice(r * 6, r * 6 + 6).map((u) => u.slice))).toEqual(new Set([r]));
  });

  it('come in the same order for the same seed, and in another within each slice', () => {
    expect(stageUnits(p, 0, ['a', 'b', 'c'])).toEqual(units);
    expect(stageUnits({ ...p, seed: 2 }, 0, ['a', 'b', 'c'])).not.toEqual(units);
    const rounds = [0, 1, 2, 3].map((r) =>
      units
        .filter((u) => u.slice === r)
        .map((u) => `${u.task} ${u.variant}`)
        .join(),
    );
    expect(new Set(rounds).size).toBeGreaterThan(1);
  });

  it('run the baseline on its own engine', () => {
    const variants = stageVariants(plan({ baseline: true }), 0, []);
    expect(variants).toEqual(['fp32', 'int8', 'int4', BASELINE]);
    const engines = new Map(stageUnits(plan(), 0, variants).map((u) => [u.variant, u.engine]));
    expect(engines.get(BASELINE)).toBe('classical');
    expect(engines.get('int8')).toBe('ort-cpu');
  });

  it('name variants canonically and once', () => {
    const stages: PlanRecord['stages'] = [{ kind: 'variants', variants: ['2:4', 'fp32+2:4', ' INT8 '] }];
    expect(stageVariants(plan({ stages }), 0, [])).toEqual(['fp32+2:4', 'int8']);
    const again = plan({ stages: [...stages, { kind: 'variants', variants: ['int8', 'int4'] }] });
    expect(stageVariants(again, 1, [{ variant: 'int8', stage: 0 } as RunRecord])).toEqual(['int4']);
    expect(stageVariants(plan({ stages, engine: 'hub' }), 0, [])).toEqual(['2:4', 'fp32+2:4', ' INT8 ']);
  });

  it('are refused before anything is spent', () => {
    expect(() => checkPlan(plan({ stages: [{ kind: 'variants', variants: ['int3'] }] }))).toThrow(/"int3"/);
    expect(() => checkPlan(plan({ stages: [{ kind: 'best', k: 1, prunings: ['half'] }] }))).toThrow(/"half"/);
    expect(() => checkPlan(plan({ stages: [{ kind: 'best', k: 1, prunings: ['2:4', 'ffn50'] }] }))).not.toThrow();
  });
});

describe('execution', () => {
  it('runs and saves every unit, in order, and says so', async () => {
    const p = plan();
    const h = await host(p);
    const outcome = await h.execute();
    expect(h.tried).toEqual(stageUnits(p, 0, ['fp32', 'int8', 'int4']).map(unitKey));
    expect(h.saved.map((r) => r.id)).toEqual(outcome.runs.map((r) => r.id));
    expect(outcome.runs.length).toBe(9);
    expect(h.events[0]).toMatchObject({ type: 'stage', units: 9 });
    expect(h.events.filter((e) => e.type === 'run' && !e.resumed).length).toBe(9);
  });

  it('does not run again what is stored', async () => {
    const p = plan();
    const first = await host(p);
    const done = (await first.execute()).runs.slice(0, 4);
    const h = await host(p, { stored: done });
    const outcome = await h.execute();
    expect(outcome.runs.length).toBe(9);
    expect(h.tried.length).toBe(5);
    expect(h.saved.length).toBe(5);
    expect(h.events.filter((e) => e.type === 'run' && e.resumed).length).toBe(4);
    // Another plan's runs do not count.
    const other = await host(plan({ seed: 9 }), { stored: done });
    await other.execute();
    expect(other.tried.length).toBe(9);
  });

  it.each(['engine.memory', 'engine.failed', 'recipe.impossible'] as const)(
    'gives up a variant on %s and goes on with the others',
    async (code) => {
      const h = await host(plan(), { fail: (u) => (u.variant === 'int8' ? code : null) });
      const outcome = await h.execute();
      expect(outcome.runs.length).toBe(6);
      expect(outcome.failures).toMatchObject([{ unit: { variant: 'int8' }, error: { code } }]);
      expect(h.tried.filter((k) => k.includes('int8')).length).toBe(1);
      expect(h.events.filter((e) => e.type === 'failed').length).toBe(1);
    },
  );

  it('tries once more where the GPU was lost', async () => {
    const once = await host(plan({ slices: 1 }), {
      fail: (u, attempt) => (u.variant === 'int8' && attempt === 0 ? 'engine.lost' : null),
    });
    expect((await once.execute()).runs.length).toBe(3);
    expect(once.tried.length).toBe(4);
    const always = await host(plan(), { fail: (u) => (u.variant === 'int8' ? 'engine.lost' : null) });
    const outcome = await always.execute();
    expect(outcome.runs.length).toBe(6);
    expect(always.tried.filter((k) => k.includes('int8')).length).toBe(2);
    expect(outcome.failures).toMatchObject([{ error: { code: 'engine.lost' } }]);
  });

  it('says that the GPU was lost where it does not come back', async () => {
    const gone = await host(plan(), {
      fail: (u, attempt) => (u.variant !== 'int8' ? null : attempt === 0 ? 'engine.lost' : 'engine.unavailable'),
    });
    await expect(gone.execute()).rejects.toMatchObject({
      code: 'engine.unavailable',
      message: expect.stringMatching(/^The GPU was lost .* Finished runs are kept: .* press Resume/) as string,
    });
    expect(gone.saved.map((r) => r.variant)).not.toContain('int8');
    expect(gone.saved.length).toBeGreaterThan(0);
  });

  it('keeps trying a variant after a failure that is not the variant’s', async () => {
    const h = await host(plan(), { fail: (u) => (u.variant === 'int8' && u.slice === 0 ? 'network.failed' : null) });
    const outcome = await h.execute();
    expect(outcome.failures.length).toBe(1);
    expect(outcome.runs.length).toBe(8);
  });

  it.each(['cancelled', 'store.quota', 'store.unavailable', 'engine.unavailable', 'internal'] as const)(
    'ends with %s at once, and keeps what is finished',
    async (code) => {
      let n = 0;
      const h = await host(plan(), { fail: () => (++n > 3 ? code : null) });
      await expect(h.execute()).rejects.toMatchObject({ code });
      expect(h.saved.length).toBe(3);
      expect(h.tried.length).toBe(4);
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
    const h = await host(plan(), { fail: () => 'engine.memory' });
    await expect(h.execute()).rejects.toMatchObject({
      code: 'engine.memory',
      message: 'No variant could be run. Failed: engine.memory.',
    });
  });
});

describe('a second stage', () => {
  const stages: PlanRecord['stages'] = [
    { kind: 'variants', variants: ['fp32', 'int8', 'int4'] },
    { kind: 'best', k: 2, prunings: ['2:4', 'ffn50'] },
  ];

  it('crosses the best of the first with prunings; the baseline is never pruned', async () => {
    const h = await host(plan({ stages, baseline: true }));
    await h.execute();
    const second = h.events.filter((e) => e.type === 'stage')[1];
    // At equal quality the cheaper two win.
    expect(second?.type === 'stage' && second.variants.slice().sort()).toEqual([
      'int4+2:4',
      'int4+ffn50',
      'int8+2:4',
      'int8+ffn50',
    ]);
    expect(h.saved.filter((r) => r.stage === 1).length).toBe(12);
  });

  it('chooses among what could be run', async () => {
    const h = await host(plan({ stages }), { fail: (u) => (u.variant === 'int4' ? 'engine.memory' : null) });
    await h.execute();
    const second = h.events.filter((e) => e.type === 'stage')[1];
    expect(second?.type === 'stage' && second.variants.slice().sort()).toEqual([
      'fp32+2:4',
      'fp32+ffn50',
      'int8+2:4',
      'int8+ffn50',
    ]);
  });

  it('resumes into the same second stage', async () => {
    const p = plan({ stages });
    const first = await host(p);
    const { runs } = await first.execute();
    const again = await host(p, { stored: runs });
    expect((await again.execute()).runs.map((r) => r.id)).toEqual(runs.map((r) => r.id));
    expect(again.tried).toEqual([]);
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
