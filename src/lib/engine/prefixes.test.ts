import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import { loadModule, spawnThread } from '../cpu/testing';
import { parseRecipe } from '../compress/recipe';
import { chooseKernel } from '../variant/kernels';
import { openCpu, type CpuSession } from './cpu';
import { generate } from './generate';
import { KeptPrefixes, LEFT_TOKENS } from './prefixes';

const read = (path: string) => new Uint8Array(readFileSync(path));
const ADAPTER = ['adapter_config.json', 'adapter_model.safetensors'];
const filesOf = (names: readonly string[], folder: string) =>
  Object.fromEntries(names.map((name) => [name, read(`${folder}/${name}`)]));
const plain = await openCheckpoint(fileSet(builtinFiles()));
const adapted = await openCheckpoint(fileSet({ ...builtinFiles(), ...filesOf(ADAPTER, 'tests/fixtures/adapter') }));

async function open(text: string, o: { adapter?: boolean; threads?: number } = {}): Promise<CpuSession> {
  const recipe = parseRecipe(text);
  const { session } = await openCpu(o.adapter ? adapted : plain, recipe, {
    kernel: chooseKernel('cpu', recipe, []).kernel,
    fallbacks: [],
    threads: o.threads ?? 2,
    inPhase: (_, work) => work(),
    loadModule,
    spawn: spawnThread,
  });
  return session;
}

const id = fc.integer({ min: 3, max: plain.config.vocabSize - 1 });
const ids = (minLength: number, maxLength: number) => fc.array(id, { minLength, maxLength });

/** All that a prompt is asked for. */
async function asked(session: CpuSession, prompt: readonly number[], candidates: readonly (readonly number[])[]) {
  const scores = await session.score(prompt, candidates);
  const { ids: written } = await generate(session, prompt, {
    maxNewTokens: 3,
    stopIds: [],
    inPhase: (_, work) => work(),
  });
  return { scores, logits: await session.prefill(prompt), written };
}

const KINDS: readonly (readonly [recipe: string, adapter: boolean])[] = [
  ['fp32', false],
  ['fp16', false],
  ['int8', false],
  ['int4', false],
  ['fp16+2:4', false],
  ['int8+2:4', false],
  ['int4+2:4', false],
  ['fp32+kv8', false],
  ['int8+kv8', false],
  ['int4+kv8', false],
  ['fp32', true],
  ['int8', true],
];

describe.each(KINDS)('%s, with an adapter: %s', (recipe, adapter) => {
  const session = open(recipe, { adapter });
  afterAll(async () => (await session).close());

  it('a prompt behind a prefix that is kept has the bits of one computed whole, whatever ran between', async () => {
    const s = await session;
    if (adapter) expect(s.kernel).toContain('adapter');
    await fc.assert(
      fc.asyncProperty(
        // A chunk of the cache holds 64 positions: on both sides of that.
        ids(2, 90),
        fc.array(ids(0, 30), { minLength: 1, maxLength: 3 }),
        fc.array(ids(1, 4), { minLength: 1, maxLength: 4 }),
        async (prefix, tickets, candidates) => {
          s.prefixes.release();
          const prompts = tickets.map((ticket) => [...prefix, ...ticket]);
          const whole = [];
          for (const prompt of prompts) whole.push(await asked(s, prompt, candidates));
          expect(await s.prefixes.hold(prefix)).toBe(prefix.length);
          for (const [i, prompt] of prompts.entries()) {
            expect(s.prefixes.of(prompt)).toBe(Math.max(0, Math.min(prefix.length, prompt.length - LEFT_TOKENS)));
            expect(await asked(s, prompt, candidates)).toEqual(whole[i]);
            // Another prompt takes the cache, as a timed piece does, and the next one goes on from the copy.
            await s.prefill([prompt[0] === 7 ? 8 : 7]);
          }
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('several prefixes', () => {
  it('serve in turn, the longest that fits first, on one thread and several alike', async () => {
    const [one, two] = await Promise.all([open('int8', { threads: 1 }), open('int8', { threads: 2 })]);
    const a = Array.from({ length: 40 }, (_, i) => 5 + i);
    const b = [...a.slice(0, 20), ...Array.from({ length: 60 }, (_, i) => 300 + i)];
    const tail = [9, 10, 11, 12];
    const candidates = [[4, 5, 6], [7], [8, 9]];
    const whole = [await asked(one, [...a, ...tail], candidates), await asked(one, [...b, ...tail], candidates)];
    await two.prefixes.hold(a);
    await two.prefixes.hold(b);
    for (let round = 0; round < 2; round++)
      for (const [i, prefix] of [a, b].entries())
        expect(await asked(two, [...prefix, ...tail], candidates)).toEqual(whole[i]);
    // Held already: nothing is computed again, and it is found in the cache.
    expect(await two.prefixes.hold(a)).toBe(0);
    expect(two.prefixes.of([...a.slice(0, 20), 1, 2, 3])).toBe(0);
    two.prefixes.release();
    expect(two.prefixes.of([...a, ...tail])).toBe(0);
    await Promise.all([one.close(), two.close()]);
  });

  it('count as work what is computed, kernel by kernel', async () => {
    const s = await open('fp32');
    const prefix = Array.from({ length: 30 }, (_, i) => 5 + i);
    const operationsOf = () => s.takeKernels().reduce((n, k) => n + (k.operations ?? 0), 0);
    s.takeKernels();
    await s.prefixes.hold(prefix);
    expect(operationsOf()).toBeCloseTo(s.work(30, 0, 0).operations, 0);
    await s.prefill([...prefix, 1, 2, 3]);
    expect(operationsOf()).toBeCloseTo(s.work(3, 30, 1).operations, 0);
    await s.score([...prefix, 1, 2, 3], [[4, 5], [6]]);
    expect(operationsOf()).toBeCloseTo(s.work(4, 30, 2).operations, 0);
    // What is held and what goes on from it attend to as many pairs as the whole.
    expect(s.work(30, 0, 0).operations + s.work(3, 30, 1).operations).toBe(s.work(33, 0, 1).operations);
    await s.close();
  });

  it('and prompts longer than a pass leave bits alone too, wherever passes are cut', async () => {
    const s = await open('int8');
    const all = Array.from({ length: 560 }, (_, i) => 3 + ((i * i) % 900));
    for (const [held, tokens] of [
      [100, 513],
      [513, 553],
      [40, 553],
    ] as const) {
      s.prefixes.release();
      const prompt = all.slice(0, tokens);
      const whole = await asked(s, prompt, [[4, 5], [6]]);
      await s.prefixes.hold(all.slice(0, held));
      expect(s.prefixes.of(prompt)).toBe(held);
      expect(await asked(s, prompt, [[4, 5], [6]])).toEqual(whole);
    }
    await s.close();
  });
});

describe('kept prefixes', () => {
  /** A cache of ids: what stands in it, and what was computed. */
  function fake() {
    const slots: number[] = [];
    let computed = 0;
    const compute = (ids: readonly number[], from = 0) => {
      slots.splice(from, slots.length, ...ids);
      computed += ids.length;
    };
    const kept = new KeptPrefixes<number[]>({
      leastLogits: 0,
      compute,
      save: (tokens) => slots.slice(0, tokens),
      restore: (ids) => void slots.splice(0, ids.length, ...ids),
    });
    return { kept, slots, compute, computed: () => computed };
  }

  it('leave the cache as if each prompt had been computed whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ what: fc.constant('hold' as const), ids: fc.array(fc.nat(2), { maxLength: 6 }) }),
            fc.record({ what: fc.constant('ask' as const), ids: fc.array(fc.nat(2), { minLength: 1, maxLength: 9 }) }),
            fc.record({
              what: fc.constant('other' as const),
              ids: fc.array(fc.nat(2), { minLength: 1, maxLength: 9 }),
            }),
          ),
          { maxLength: 25 },
        ),
        async (steps) => {
          const { kept, slots, compute } = fake();
          for (const { what, ids } of steps) {
            if (what === 'hold') {
              await kept.hold(ids);
              expect(slots.slice(0, ids.length)).toEqual(ids);
            } else if (what === 'other') {
              kept.overwrite();
              compute(ids);
            } else {
              const told = kept.of(ids);
              const past = kept.enter(ids);
              expect(past).toBe(told);
              expect(ids.length - past).toBeGreaterThanOrEqual(Math.min(ids.length, LEFT_TOKENS));
              compute(ids.slice(past), past);
              expect(slots.slice(0, ids.length)).toEqual(ids);
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are few: the oldest goes', async () => {
    const { kept, computed } = fake();
    for (let i = 0; i < 9; i++) await kept.hold([i, i, i]);
    expect(kept.of([0, 0, 0, 1, 2])).toBe(0);
    expect(kept.of([8, 8, 8, 1, 2])).toBe(3);
    expect(computed()).toBe(27);
    expect(await kept.hold([])).toBe(0);
  });
});
