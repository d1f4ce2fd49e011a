import { afterEach, describe, expect, it } from 'vitest';
import { planHash } from './execute';
import { exampleRun } from '../rank/example';
import { contentHash } from '../core/canonical';
import {
  ENGINE,
  engineNow,
  ENGINES,
  engineThen,
  isCounted,
  takesRecipes,
  type EngineName,
  type EngineRow,
} from '../schema/engines';
import { faultsOf, isFlag, isOneOf, namesMissing, open, orNull } from '../core/testing';
import { OPENERS, openVariant, type OpenOptions, type OpenVariant } from '../engine/open';
import { guessProfile } from '../meter/match';
import { PRECISIONS } from '../tensor/precisions';
import { HANDED } from '../variant/engines';
import { KERNELS } from '../variant/kernels';
import { memoryBudget } from '../device/limits';
import { NO_WORK, priceOf } from '../forecast/price';
import { Plan } from '../schema/plan';
import { parseRecord } from '../schema/record';
import { SharedRecipe, SharedResult } from '../schema/result';
import { MISPLACED } from '../schema/misplaced';
import { Run } from '../schema/run';

/** A plan as version 2 wrote it. */
const second = {
  v: 2,
  dataset: { hash: 'd', name: 'tickets' },
  checkpoint: { kind: 'builtin' },
  tasks: ['rca'],
  stages: [{ kind: 'variants', variants: ['fp16'] }],
  baseline: false,
  engine: 'gpu',
  threads: null,
  limit: 10,
  slices: 1,
  margin: 0.05,
  maxNewTokens: 16,
  seed: 1,
  w: 0.5,
  profile: null,
};

describe('ONNX Runtime on WebGPU, which was called gpu', () => {
  it('has its name of today in every record of before', () => {
    expect(parseRecord(Plan, second).engine).toBe('ort-gpu');
    expect(parseRecord(Plan, { ...second, engine: 'ort-cpu' }).engine).toBe('ort-cpu');
    expect(parseRecord(Run, { ...exampleRun({}), v: 4, engine: 'gpu' }).engine).toBe('ort-gpu');
    const { v: _, checkpoint, ...plan } = second;
    expect(parseRecord(SharedRecipe, { v: 2, kind: 'recipe', checkpoint, plan }).plan.engine).toBe('ort-gpu');
    const result = { v: 2, kind: 'result', variants: [{ engine: 'gpu' }, { engine: 'wgsl' }] };
    expect(SharedResult.upgraders[2]?.(result)).toEqual({
      ...result,
      variants: [{ engine: 'ort-gpu' }, { engine: 'wgsl' }],
    });
  });

  it('marks shared results of versions that scored causes wrongly', () => {
    const variants = [
      { engine: 'ort-gpu', fallbacks: ['x'] },
      { engine: 'cpu', fallbacks: ['x'] },
    ];
    const lift = (tasks: string[]) => SharedResult.upgraders[3]?.({ v: 3, kind: 'result', tasks, variants });
    const marked = [{ engine: 'ort-gpu', fallbacks: [MISPLACED, 'x'] }, variants[1]];
    expect(lift(['rca'])).toMatchObject({ variants: marked });
    expect(lift(['response'])).toMatchObject({ variants });
  });

  it('leaves stored plans their name, under which their runs are found', async () => {
    for (const engine of ['gpu', 'cpu'])
      expect(await planHash(parseRecord(Plan, { ...second, engine }))).toBe(await contentHash({ ...second, engine }));
  });

  it('is renamed there and back, and nothing else is', () => {
    for (const engine of ENGINES) expect(engineNow(engineThen(engine))).toBe(engine);
    expect(ENGINES.filter((engine) => engineThen(engine) !== engine)).toEqual(['ort-gpu']);
  });
});

const COLUMNS = {
  takes: isOneOf('recipe', 'export', 'nothing'),
  device: isOneOf('cpu', 'gpu', 'either'),
  onPage: isFlag,
  threads: isFlag,
  memory: isOneOf('device', null),
  speed: orNull((x) => typeof x === 'object'),
};
const HANDED_COLUMNS = {
  inWasm: isFlag,
  triesThreads: isFlag,
  kv8: isFlag,
  budget: isOneOf('panels', 'blocks', null),
  graph: orNull((x) => typeof x === 'object'),
  exportsAs: (x: unknown) => ENGINES.some((e) => e === x && HANDED[e].graph !== null),
};
const TOY = 'toy' as EngineName;

describe('the table of engines', () => {
  afterEach(() => {
    delete open(ENGINE as Record<string, EngineRow>)[TOY];
    delete open(OPENERS)[TOY];
  });

  it('is whole, and a column that a row lacks is named', () => {
    expect(Object.keys(ENGINE).sort()).toEqual([...ENGINES].sort());
    expect(faultsOf(ENGINE, COLUMNS)).toEqual([]);
    expect(namesMissing(ENGINE.cpu, COLUMNS)).toBe(true);
    expect(Object.keys(HANDED)).toEqual(Object.keys(ENGINE));
    expect(faultsOf(HANDED, HANDED_COLUMNS)).toEqual([]);
    expect(namesMissing(HANDED.cpu, HANDED_COLUMNS)).toBe(true);
    // What opens a model has a row that opens it, and only that.
    expect(Object.keys(OPENERS).sort()).toEqual(ENGINES.filter((e) => ENGINE[e].takes !== 'nothing').sort());
    // What is given recipes and counted has a kernel for each precision.
    for (const engine of ENGINES.filter((e) => takesRecipes(e) && isCounted(e)))
      for (const precision of Object.keys(PRECISIONS))
        expect(
          KERNELS.some((k) => k.engine === engine && k.precision === precision),
          `${engine} ${precision}`,
        ).toBe(true);
  });

  it('takes a further row: it is opened, priced, given memory and a power profile', async () => {
    open(ENGINE as Record<string, EngineRow>)[TOY] = { ...ENGINE.cpu, device: 'gpu', memory: null, threads: false };
    const opened = {} as OpenVariant;
    open(OPENERS)[TOY] = () => Promise.resolve(opened);
    expect(await openVariant({ engine: TOY } as OpenOptions)).toBe(opened);
    const device = exampleRun({}).device;
    const { profile } = guessProfile(device, TOY);
    expect(profile.kind).toBe('gpu');
    expect(memoryBudget(device, TOY)).toBe(memoryBudget(device, 'ort-gpu'));
    const work = { ...NO_WORK, operations: { ...NO_WORK.operations, f32: 20e9 } };
    expect(priceOf(work, { engine: TOY, threads: 4, profile, correction: null }).seconds.mid).toBeCloseTo(1);
  });
});
