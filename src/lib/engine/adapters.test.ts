import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Adapter, LowRank } from '../checkpoint/adapter';
import { linearShapes } from '../checkpoint/block';
import { openCheckpoint, withAdapter, type Checkpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import { parseRecipe } from '../compress/recipe';
import { createRandom } from '../core/random';
import { loadModule, spawnThread } from '../cpu/testing';
import { compressVariant } from '../variant/compress';
import { chooseKernel } from '../variant/kernels';
import { openCpu, type CpuSession } from './cpu';
import { generate } from './generate';

const plain = await openCheckpoint(fileSet(builtinFiles()));
const read = (name: string) => new Uint8Array(readFileSync(`tests/fixtures/adapter/${name}`));
const files = Object.fromEntries(['adapter_config.json', 'adapter_model.safetensors'].map((n) => [n, read(n)]));
const { adapted } = await openCheckpoint(fileSet({ ...builtinFiles(), ...files }));
const shapes = linearShapes(plain.config, plain.config.intermediateSize);

/** Random numbers beside some linear layers of upper layers. */
const random = createRandom(4);
const floats = (n: number, by: number) => Float32Array.from({ length: n }, () => random.normal() * by);
const parts = new Map<string, LowRank>(
  [2, 3].flatMap((layer) =>
    (['q_proj', 'up_proj'] as const).map((linear) => {
      const [outputs, inputs] = shapes[linear];
      return [`${layer} ${linear}`, { rank: 3, a: floats(3 * inputs, 0.05), b: floats(3 * outputs, 0.05) }] as const;
    }),
  ),
);
const other: Adapter = {
  rank: 3,
  count: parts.size,
  read: (layer, linear) => Promise.resolve(parts.get(`${layer} ${linear}`) ?? null),
};
const adapters = { rca: adapted?.adapter as Adapter, response: other };

async function open(recipe: string, checkpoint: Checkpoint, named: Record<string, Adapter> = {}): Promise<CpuSession> {
  const { session } = await openCpu({ ...checkpoint, named }, parseRecipe(recipe), {
    kernel: chooseKernel('cpu', parseRecipe(recipe), []).kernel,
    fallbacks: [],
    threads: 2,
    inPhase: (_, work) => work(),
    loadModule,
    spawn: spawnThread,
  });
  return session;
}

const prefix = Array.from({ length: 20 }, (_, i) => 5 + ((i * 37) % 300));
const prompt = [...prefix, 11, 12, 13, 14];

async function asked(session: CpuSession) {
  const { ids } = await generate(session, prompt, { maxNewTokens: 4, stopIds: [], inPhase: (_, work) => work() });
  return {
    scores: await session.score(prompt, [[7, 8], [9]]),
    written: ids,
    logits: await session.prefill(prompt),
    nll: (await session.evaluate(prompt)).logProbs,
    work: session.work(3, 4, 1),
  };
}

describe.each(['fp32', 'int8', 'int4+2:4', 'int8+kv8'])('adapters that take turns beside %s', (recipe) => {
  it('give the bits of an engine that has each alone, in any order, whatever was kept of the others', async () => {
    const alone = {
      none: await open(recipe, plain),
      rca: await open(recipe, withAdapter(plain, adapters.rca)),
      response: await open(recipe, withAdapter(plain, adapters.response)),
    };
    const wanted = {
      none: await asked(alone.none),
      rca: await asked(alone.rca),
      response: await asked(alone.response),
    };
    expect(wanted.rca.logits).not.toEqual(wanted.response.logits);
    const session = await open(recipe, plain, adapters);
    expect(session.adapters?.names).toEqual(['rca', 'response']);
    expect(session.kernel).toContain('an adapter each of rca, response');
    const names = ['none', 'rca', 'response'] as const;
    for (const name of [...names, 'rca', 'none', 'response', 'rca', 'response'] as const) {
      session.adapters?.use(name === 'none' ? null : name);
      // A prefix that each computes for itself, once.
      await session.prefixes.hold(prefix);
      expect(session.prefixes.of(prompt)).toBe(prefix.length);
      expect(await asked(session), name).toEqual(wanted[name]);
    }
    // Known again without being computed; of another it is not known.
    expect(await session.prefixes.hold(prefix)).toBe(0);
    session.prefixes.release();
    await session.prefixes.hold(prefix);
    session.adapters?.use('rca');
    expect(session.prefixes.of(prompt)).toBe(0);
    expect(await asked(session)).toEqual(wanted.rca);
    expect(() => session.adapters?.use('summary')).toThrow(/summary/);
    for (const s of [session, ...Object.values(alone)]) await s.close();
  });
});

describe('adapters that take turns', () => {
  it('are refused beside weights that change shape or calibrate, beside another adapter, and of too large a rank', async () => {
    // Whoever else asks for weights would have none of the adapters.
    await expect(
      compressVariant({ ...plain, named: adapters }, parseRecipe('int8'), { inPhase: (_, work) => work() }),
    ).rejects.toThrow(/rca, response, which take turns .* Choose the engine "cpu"/);
    await expect(open('int8+ffn50', plain, adapters)).rejects.toThrow(/rca, response cannot stay beside .*ffn50/);
    await expect(open('int8', withAdapter(plain, other), adapters)).rejects.toThrow(/one adapter a task alone/);
    const large: Adapter = {
      rank: 300,
      count: 1,
      read: (layer, linear) =>
        Promise.resolve(
          layer === 0 && linear === 'q_proj'
            ? { rank: 300, a: floats(300 * shapes.q_proj[1], 1), b: floats(300 * shapes.q_proj[0], 1) }
            : null,
        ),
    };
    await expect(open('int8', plain, { rca: large })).rejects.toThrow(/a rank up to 256; this one has 300/);
  });
});
