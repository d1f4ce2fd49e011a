import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Adapter, LowRank } from '../checkpoint/adapter';
import { linearShapes } from '../checkpoint/block';
import { openCheckpoint, withAdapter } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import type { Work } from '../core/cost';
import { createRandom } from '../core/random';
import { loadModule, spawnThread } from '../cpu/testing';
import { parseRecipe, targetOf } from '../variant/compress';
import { chooseKernel } from '../variant/kernels';
import { prepareVariant } from '../variant/prepare';
import { openCpu } from './cpu';
import { openOrt } from './ort';
import type { CandidateScore, EngineSession } from './session';

const RUNTIME = 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded';

const plain = await openCheckpoint(fileSet(builtinFiles()));

async function open(text: string, adapter: Adapter | null = null, checkpoint = plain): Promise<EngineSession> {
  const recipe = parseRecipe(text);
  const { kernel } = chooseKernel('ort-cpu', recipe, []);
  const variant = await prepareVariant(checkpoint, recipe, kernel, {
    use: 'engine',
    adapter,
    inPhase: (_, work) => work(),
    target: targetOf(kernel, () => ({ byte: 0, operation: 0 }) as never),
  });
  const assets = { mjs: pathToFileURL(`${RUNTIME}.mjs`).href, wasm: pathToFileURL(`${RUNTIME}.wasm`).href };
  return openOrt(variant, { kernel, fallbacks: [], threads: 1, device: null, assets });
}

describe('an adapter beside the weights of a graph', () => {
  const shapes = linearShapes(plain.config, plain.config.intermediateSize);
  const random = createRandom(8);
  const floats = (n: number) => Float32Array.from({ length: n }, () => random.normal() * 0.12);
  // Ranks differ by layer, and some linear layers have none.
  const parts = new Map(
    [1, 3].flatMap((layer) =>
      (['k_proj', 'o_proj', 'down_proj'] as const).map((linear) => {
        const [outputs, inputs] = shapes[linear];
        return [
          `${layer} ${linear}`,
          { rank: layer + 1, a: floats((layer + 1) * inputs), b: floats((layer + 1) * outputs) },
        ];
      }),
    ) as [string, LowRank][],
  );
  const adapter: Adapter = {
    rank: 4,
    count: parts.size,
    read: (layer, linear) => Promise.resolve(parts.get(`${layer} ${linear}`) ?? null),
  };
  const ids = Array.from({ length: 30 }, (_, i) => 5 + ((i * 37) % 300));
  const asked = async (session: EngineSession) => {
    const { logProbs } = await session.evaluate(ids);
    await session.close();
    return logProbs;
  };
  const apart = (a: Float64Array, b: Float64Array) => Math.max(...a.map((v, i) => Math.abs(v - (b[i] as number))));

  it('gives what the merged weights give where nothing is rounded', async () => {
    const beside = await open('fp32', adapter);
    expect(beside.kernel).toMatch(/, an adapter beside 6 matrices in fp32$/);
    const [one, merged, without] = [
      await asked(beside),
      await asked(await open('fp32', null, withAdapter(plain, adapter))),
      await asked(await open('fp32')),
    ];
    expect(apart(one, without)).toBeGreaterThan(0.5);
    expect(apart(one, merged)).toBeLessThan(1e-3);
  });

  it.each(['int4', 'int4+2:4'])('gives over %s what our own kernels give over the same weights', async (recipe) => {
    const { session: own } = await openCpu(withAdapter(plain, adapter), parseRecipe(recipe), {
      kernel: chooseKernel('cpu', parseRecipe(recipe), []).kernel,
      fallbacks: [],
      threads: 1,
      inPhase: (_, work) => work(),
      loadModule,
      spawn: spawnThread,
    });
    const [graph, kernels, without] = [
      await asked(await open(recipe, adapter)),
      await asked(own),
      await asked(await open(recipe)),
    ];
    // Our own kernels round activations too.
    expect(apart(graph, without)).toBeGreaterThan(0.5);
    expect(apart(graph, kernels)).toBeLessThan(apart(graph, without) / 5);
  });

  it('is counted as work and as weights that are read', async () => {
    const [beside, without] = [await open('int4', adapter), await open('int4')];
    const [more, less] = [beside.work(1, 8, 1) as Work, without.work(1, 8, 1) as Work];
    const numbers = [...parts.values()].reduce((n, { a, b }) => n + a.length + b.length, 0);
    expect(more.weightBytes - less.weightBytes).toBe(4 * numbers);
    expect(more.operations - less.operations).toBeGreaterThanOrEqual(2 * numbers);
    await Promise.all([beside.close(), without.close()]);
  });
});

describe.each(['fp32', 'int8', 'int4'])('ONNX Runtime on a processor, %s', (text) => {
  const session = open(text);
  afterAll(async () => (await session).close());
  const prefix = Array.from({ length: 40 }, (_, i) => 5 + i);
  const tail = [400, 401, 402];
  const candidates = [[4, 5, 6], [7], [8, 9], [10, 11]];
  const near = (found: readonly CandidateScore[], expected: readonly CandidateScore[]) =>
    found.forEach(({ logProb }, i) => expect(logProb).toBeCloseTo(expected[i]?.logProb ?? NaN, 3));

  it('scores candidates of one pass as each alone', async () => {
    const s = await session;
    const alone: CandidateScore[] = [];
    for (const candidate of candidates) alone.push(...(await s.score([...prefix, ...tail], [candidate])));
    near(await s.score([...prefix, ...tail], candidates), alone);
  });

  it('goes on from a prefix that is kept, also behind other prompts and where a prompt ends within it', async () => {
    const s = await session;
    const prompts = [[...prefix, ...tail], [...prefix, 7], prefix, prefix.slice(0, 12), [...prefix, ...prefix]];
    const whole = [];
    for (const p of prompts) whole.push([await s.score(p, candidates), await s.prefill(p), await s.decode(3)] as const);
    expect(await s.prefixes?.hold(prefix)).toBe(40);
    expect(s.prefixes?.of(prompts[0] ?? [])).toBe(40);
    for (const [i, p] of [...prompts, ...prompts].entries()) {
      const [scores, logits, decoded] = whole[i % prompts.length] as (typeof whole)[number];
      near(await s.score(p, candidates), scores);
      const [a, b] = [await s.prefill(p), await s.decode(3)];
      for (let k = 0; k < 50; k++) {
        expect(a[k]).toBeCloseTo(logits[k] as number, 3);
        expect(b[k]).toBeCloseTo(decoded[k] as number, 3);
      }
      await s.prefill([9, 8, 7]);
    }
  });
});
