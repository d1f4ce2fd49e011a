import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { generateDataset } from '../data/generator';
import { exampleRun } from '../rank/example';
import { foldRuns } from '../rank/fold';
import { parseRecord } from '../schema/record';
import { Run } from '../schema/run';
import { runUnit, type UnitContext, type UnitRequest } from './unit';
import { BASELINE } from './units';

/** A wall clock that goes back an hour whenever it is read: as where a user, or the network's time, sets it back. */
let time = Date.parse('2026-03-01T12:00:00Z');
beforeEach(() => {
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
  const request: UnitRequest = {
    plan: {
      v: 1,
      dataset: { hash: dataset.hash, name: dataset.name },
      checkpoint: { kind: 'builtin' },
      tasks: ['rca'],
      stages: [{ kind: 'variants', variants: ['fp32'] }],
      baseline: true,
      engine: 'cpu',
      threads: 1,
      limit: 8,
      slices: 1,
      maxNewTokens: 8,
      seed: 1,
      w: 0.5,
      profile: null,
    },
    planHash: 'p',
    unit: { variant: BASELINE, engine: 'classical', task: 'rca', slice: 0, stage: 0 },
    checkpoint: { kind: 'builtin' },
    tickets: parts('test').slice(0, 8),
    train: parts('train'),
    calibrationTexts: null,
    causes: dataset.causes,
    device,
    versions,
  };
  const context = { onProgress: () => undefined, signal: new AbortController().signal } as unknown as UnitContext;
  const [first, second] = [await runUnit(request, context), await runUnit(request, context)];
  expect(second.startedAt < first.startedAt).toBe(true);
  for (const run of [first, second]) {
    parseRecord(Run, run);
    const durations = [
      ...run.phases.map((p) => p.seconds),
      ...run.tickets.flatMap((t) => [t.prefillMs / 1000, t.decodeMs / 1000]),
    ];
    for (const s of durations) expect(s >= 0 && s < 60, String(s)).toBe(true);
  }
  const [folded] = foldRuns([first, { ...second, slice: 1 }]);
  for (const of of [folded?.energy, folded?.latency])
    expect(of && (of.low ?? -1) >= 0 && of.mid >= 0 && (of.high ?? -1) >= of.mid, JSON.stringify(of)).toBe(true);
});
