import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import { createTokenizer } from '../checkpoint/tokenizer';
import { JoulewiseError } from '../core/errors';
import { loadModule, spawnThread } from '../cpu/testing';
import type { GraphWeight } from '../decoder/forms';
import { parseRecipe } from '../variant/compress';
import { chooseKernel } from '../variant/kernels';
import { prepareVariant } from '../variant/prepare';
import { apartOf, checkAgainstOwn, checkNote, SPREAD, traceOf, type CheckOptions } from './check';
import { openCpu } from './cpu';
import { openOrt } from './ort';
import type { EngineSession } from './session';

const RUNTIME = 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded';
const checkpoint = await openCheckpoint(fileSet(builtinFiles()));
const tokenizer = createTokenizer(checkpoint.tokenizer);
const prompts = [
  'Causes: power; link; software. Ticket: the site is down since 03:00 and the battery alarm was raised twice, then cleared, then raised again by the second rectifier. Which cause?',
  'Causes: power; link; software. Ticket: users report that calls drop near the mast, at night alone, and that the signal comes back by itself after some minutes. Which cause?',
].map((content) => tokenizer.chat([{ role: 'user', content }]).slice(-48));

/** A session of ONNX Runtime, which stands for a GPU's, with what `spoil` makes of its weights. */
async function graph(text: string, spoil: (weights: GraphWeight[]) => void = () => undefined): Promise<EngineSession> {
  const recipe = parseRecipe(text);
  // WebGPU's forms of weights, which run here too.
  const { kernel } = chooseKernel('ort-gpu', recipe, []);
  const variant = await prepareVariant(checkpoint, recipe, kernel, { use: 'engine', inPhase: (_, work) => work() });
  spoil(variant.weights);
  const assets = { mjs: pathToFileURL(`${RUNTIME}.mjs`).href, wasm: pathToFileURL(`${RUNTIME}.wasm`).href };
  return openOrt(variant, {
    kernel: { ...kernel, engine: 'ort-cpu' },
    fallbacks: [],
    threads: 1,
    device: null,
    assets,
  });
}

const opener = (async ({ variant }: CheckOptions) =>
  openCpu(checkpoint, parseRecipe(variant), {
    kernel: chooseKernel('cpu', parseRecipe(variant), []).kernel,
    fallbacks: [],
    threads: 1,
    inPhase: (_, work) => work(),
    loadModule,
    spawn: spawnThread,
  })) as unknown as Parameters<typeof checkAgainstOwn>[2];

const check = (session: EngineSession, variant: string, open = opener) =>
  checkAgainstOwn({ session }, { variant, engine: 'ort-gpu', prompts } as unknown as CheckOptions, open);

describe('a check against our own kernels', () => {
  it.each(['fp32', 'fp16', 'int8', 'int4', 'fp32+2:4', 'int8+2:4', 'int4+2:4'] as const)(
    'passes %s where kernels are right',
    async (recipe) => {
      const session = await graph(recipe);
      const found = await check(session, recipe);
      await session.close();
      expect(found?.tokens).toBe(prompts.length * (47 + 6));
      expect(found?.apart).toBeLessThan(SPREAD[parseRecipe(recipe).precision] / 3);
      expect(found && checkNote(found)).toMatch(/nats a token apart over 106 tokens/);
    },
  );

  /** What shipped kernels did, in weights: another zero point, scales of another row, one layer that is left out. */
  const faults: [string, string, (weights: GraphWeight[]) => void][] = [
    [
      'int4',
      'another zero point in one layer',
      (weights) => {
        const { data } = weights.find(({ name }) => name === 'l1.down.q') as GraphWeight;
        for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) ^ 0x88;
      },
    ],
    [
      'int8',
      'scales of the next row',
      (weights) => {
        for (const { name, data } of weights)
          if (/^l\d\.(?:up|o)\.s$/.test(name)) data.copyWithin(0, 4 * Math.ceil(checkpoint.config.hiddenSize / 32));
      },
    ],
    ['fp32', 'a layer that adds nothing', (weights) => weights.find(({ name }) => name === 'l2.o.w')?.data.fill(0)],
    ['fp32', 'no number', (weights) => weights.find(({ name }) => name === 'l0.q.w')?.data.fill(255)],
  ];
  it.each(faults)('refuses %s with %s', async (recipe, _, spoil) => {
    const session = await graph(recipe, spoil);
    await expect(check(session, recipe)).rejects.toMatchObject({
      code: 'engine.wrong',
      message: expect.stringMatching(/is not ranked\. Choose the engine "cpu"/) as string,
    });
    await session.close();
  });

  it('refuses what is wrong one token at a time alone', async () => {
    const session = await graph('fp32');
    const broken: Pick<EngineSession, 'evaluate' | 'prefill' | 'decode'> = {
      evaluate: (ids) => session.evaluate(ids),
      prefill: (ids) => session.prefill(ids),
      decode: async (id) => (await session.decode(id)).map((v) => 0.9 * v),
    };
    await expect(check(broken as EngineSession, 'fp32')).rejects.toMatchObject({ code: 'engine.wrong' });
    expect(apartOf(await traceOf(session, prompts), await traceOf(session, prompts))).toBe(0);
    await session.close();
  });

  it('says what it could not check, and asks engines of the processor nothing', async () => {
    const session = await graph('fp32');
    const full = () => Promise.reject(new JoulewiseError('engine.memory', 'It does not fit.'));
    const found = await check(session, 'fp32', full);
    expect(found).toMatchObject({ apart: null, tokens: 0 });
    expect(found && checkNote(found)).toBe('Not checked against our own kernels: It does not fit.');
    const stop = () => Promise.reject(new JoulewiseError('cancelled', 'Stopped.'));
    await expect(check(session, 'fp32', stop)).rejects.toMatchObject({ code: 'cancelled' });
    const own = { variant: 'fp32', engine: 'cpu', prompts } as unknown as CheckOptions;
    expect(await checkAgainstOwn({ session }, own, full)).toBeNull();
    await session.close();
  });
});
