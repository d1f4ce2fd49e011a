import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { generateDataset } from '../data/generator';
import { exampleRun } from '../rank/example';
import { foldRuns } from '../rank/fold';
import { parseRecord } from '../schema/record';
import { Run } from '../schema/run';
import { openUnit, type OpenRequest, type UnitContext } from './unit';
import { BASELINE } from '../schema/engines';
import type { Unit } from '../plan/units';

/** A wall clock that goes back an hour whenever it is read: as where a user, or the network's time, sets it back. */
let time = Date.parse('2026-03-01T12:00:00Z');
/** A steady clock that goes on by a millisecond a look, so that no duration depends on what else the machine does. */
let steady = 0;
beforeEach(() => {
  vi.stubGlobal('performance', { now: () => ++steady });
  const Real = Date;
  vi.stubGlobal(
    'Date',
    class extends Real {
      constructor(...given: [] | [string | number]) {
        super(given.length > 0 ? (given[0] as string) : (time -= 3_600_000));
      }
      static override now = () => (time -= 3_600_000);
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

it('a clock that is set back in the middle of a run changes no duration', async () => {
  const dataset = await generateDataset({ count: 60, seed: 3 });
  const parts = (part: string) => dataset.tickets.filter((_, i) => dataset.split[i] === part);
  const { device, versions } = exampleRun();
  const request: OpenRequest = {
    plan: {
      v: 3,
      dataset: { hash: dataset.hash, name: dataset.name },
      checkpoint: { kind: 'builtin' },
      tasks: ['rca'],
      stages: [{ kind: 'variants', variants: ['fp32'] }],
      baseline: true,
      engine: 'cpu',
      threads: 1,
      limit: 8,
      slices: 2,
      margin: 0.05,
      maxNewTokens: 8,
      seed: 1,
      w: 0.5,
      profile: null,
    },
    planHash: 'p',
    variant: BASELINE,
    engine: 'classical',
    threads: 1,
    checkpoint: { kind: 'builtin' },
    tickets: { rca: parts('test').slice(0, 8) },
    validation: [],
    train: parts('train'),
    calibrationTexts: null,
    causes: dataset.causes,
    device,
    sampler: null,
    versions,
  };
  const { signal } = new AbortController();
  const onProgress = () => undefined;
  const open = await openUnit(request, { onProgress, signal, samplerPort: () => null } as unknown as UnitContext);
  const unit: Unit = {
    variant: BASELINE,
    engine: 'classical',
    task: 'rca',
    slice: 0,
    block: 0,
    anchor: false,
    part: 'test',
    stage: 0,
  };
  const run = (slice: number) =>
    open.slice({ ...unit, slice, block: slice }, { patience: 0, tries: 0, onProgress, signal });
  const [first, second] = [await run(0), await run(1)];
  expect(second.startedAt < first.startedAt).toBe(true);
  for (const record of [first, second]) {
    parseRecord(Run, record);
    const durations = [
      ...record.phases.map((p) => p.seconds),
      ...record.tickets.flatMap((t) => [t.prefillMs / 1000, t.decodeMs / 1000]),
    ];
    // Whole looks at the steady clock, no more than there were; what rests on the other one is negative, or hours.
    for (const s of durations) {
      expect(s >= 0 && s * 1000 <= steady + 1e-6, String(s)).toBe(true);
      expect(Math.abs(s * 1000 - Math.round(s * 1000)), String(s)).toBeLessThan(1e-6);
    }
  }
  const [folded] = foldRuns([first, second]).results;
  expect(folded?.energy?.mid).toBeGreaterThan(0);
  expect(folded?.latency?.mid).toBeGreaterThan(0);
});
