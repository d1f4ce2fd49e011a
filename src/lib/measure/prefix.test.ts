import { afterAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import { createTokenizer } from '../checkpoint/tokenizer';
import { parseRecipe } from '../compress/recipe';
import { loadModule, spawnThread } from '../cpu/testing';
import { generateDataset } from '../data/generator';
import { TASK_TABLE, taskOf } from '../data/tasks';
import { openCpu } from '../engine/cpu';
import type { EngineSession } from '../engine/session';
import { createMeter } from '../meter/meter';
import { TASKS } from '../schema/run';
import { chooseKernel } from '../variant/kernels';
import { openOutputs } from './answer';
import { COMPUTED_WHOLE, prefixOf, sharesPrefix, SlicePrefix } from './prefix';

const checkpoint = await openCheckpoint(fileSet(builtinFiles()));
const tokenizer = createTokenizer(checkpoint.tokenizer);
const stopIds = checkpoint.config.eosTokenIds;
const { tickets, causes } = await generateDataset({ count: 40, seed: 5 });
const PLAN = { slices: 3, limit: 24 };

const meterOf = () => createMeter({ clock: () => performance.now(), fence: () => undefined, sources: [] });

describe('the prefix of a task', () => {
  it.each(TASKS)('%s: what every prompt begins with, up to the ticket', (name) => {
    const task = taskOf(name, undefined);
    const prefix = prefixOf(task, causes, tokenizer);
    expect(prefix.length).toBeGreaterThan(15);
    for (const ticket of tickets)
      expect(tokenizer.chat(task.messages(ticket, causes)).slice(0, prefix.length)).toEqual(prefix);
    const text = tokenizer.decode(prefix);
    if (name === 'rca') for (const cause of causes) expect(text).toContain(cause);
    // All but a few tokens of what stands before the ticket.
    const marked = task.messages({ ...(tickets[0] as (typeof tickets)[number]), text: 'Q' }, causes);
    const before =
      marked
        .map(({ content }) => content)
        .join('')
        .split('Q')[0] ?? '';
    expect(prefix.length).toBeGreaterThanOrEqual(tokenizer.encode(before).length - 2);
  });

  it('is none where a prompt of one\u2019s own begins with the ticket', () => {
    const templates = { response: { title: 'T', system: '', user: '{text} What now?' } };
    expect(prefixOf(taskOf('response', templates), causes, tokenizer)).toEqual([]);
  });

  it('is shared in plans whose slices have two tickets or more', () => {
    expect(sharesPrefix({ slices: 9, limit: 72 })).toBe(true);
    expect(sharesPrefix({ slices: 9, limit: 18 })).toBe(true);
    // Some slices of one, some of two: none shares, so that they stay comparable.
    expect(sharesPrefix({ slices: 9, limit: 17 })).toBe(false);
  });
});

describe.each(['int8', 'int4+kv8'])('a slice of %s', (text) => {
  const recipe = parseRecipe(text);
  const opened = openCpu(checkpoint, recipe, {
    kernel: chooseKernel('cpu', recipe, []).kernel,
    fallbacks: [],
    threads: 2,
    inPhase: (_, work) => work(),
    loadModule,
    spawn: spawnThread,
  });
  afterAll(async () => (await opened).session.close());

  async function slice(session: EngineSession, task: (typeof TASKS)[number], plan = PLAN) {
    const meter = meterOf();
    const prefix = new SlicePrefix(session, tokenizer, plan, causes);
    await prefix.begin(TASK_TABLE[task], meter, 'prefix');
    const answer = openOutputs(TASK_TABLE[task], causes, { session, tokenizer, stopIds, meter });
    const answered = [];
    for (const ticket of tickets.slice(0, 4)) {
      const { promptIds, shared, output, scores } = await answer(ticket, { kind: 'measured', limit: 5 });
      prefix.count(promptIds.length, shared);
      answered.push({ promptIds, output, scores });
      // A timed piece takes the cache.
      await session.prefill([3]);
      await prefix.resume();
    }
    const { prompts, notes } = prefix;
    prefix.end();
    return { answered, prompts, notes, windows: meter.windows() };
  }

  it.each(TASKS)('%s: gives the same answers, computes its prefix once, and says so', async (task) => {
    const { session } = await opened;
    const [shared, whole] = [await slice(session, task), await slice(session, task, { slices: 9, limit: 9 })];
    expect(shared.answered).toEqual(whole.answered);
    const tokens = shared.answered.reduce((n, { promptIds }) => n + promptIds.length, 0);
    const prefix = prefixOf(TASK_TABLE[task], causes, tokenizer).length;
    expect(whole.prompts).toEqual({ computed: tokens, shared: 0 });
    expect(shared.prompts).toEqual({ computed: tokens - 3 * prefix, shared: 4 * prefix });
    const operationsOf = ({ windows }: typeof shared, phase: string) =>
      windows.find((w) => w.phase === phase)?.operations ?? 0;
    expect(operationsOf(whole, 'prefix')).toBe(0);
    expect(operationsOf(shared, 'prefix')).toBe(session.work(prefix, 0, 0)?.operations);
    expect(operationsOf(shared, 'decode')).toBe(operationsOf(whole, 'decode'));
    // What is not computed is not counted: three prefixes less.
    const less = operationsOf(whole, 'prefill') - operationsOf(shared, 'prefill') - operationsOf(shared, 'prefix');
    expect(less / (3 * operationsOf(shared, 'prefix'))).toBeCloseTo(1, 6);
    expect(shared.notes).toEqual([]);
  });

  it('says of an engine that keeps none that prompts are computed whole', async () => {
    const { session } = await opened;
    const without = {
      prefixes: null,
      score: session.score.bind(session),
      scorePasses: session.scorePasses,
      prefill: session.prefill.bind(session),
      work: session.work.bind(session),
      arithmetic: session.arithmetic,
    } as unknown as EngineSession;
    const { prompts, notes } = await slice(without, 'rca');
    expect(notes).toEqual([COMPUTED_WHOLE]);
    expect(prompts.shared).toBe(0);
  });
});
