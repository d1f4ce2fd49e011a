import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import { parseRecipe, targetOf } from '../variant/compress';
import { chooseKernel } from '../variant/kernels';
import { prepareVariant } from '../variant/prepare';
import { openOrt } from './ort';
import type { CandidateScore, EngineSession } from './session';

const RUNTIME = 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded';

async function open(text: string): Promise<EngineSession> {
  const checkpoint = await openCheckpoint(fileSet(builtinFiles()));
  const recipe = parseRecipe(text);
  const { kernel } = chooseKernel('ort-cpu', recipe, []);
  const variant = await prepareVariant(checkpoint, recipe, kernel, {
    use: 'engine',
    inPhase: (_, work) => work(),
    target: targetOf(kernel, () => ({ byte: 0, operation: 0 }) as never),
  });
  const assets = { mjs: pathToFileURL(`${RUNTIME}.mjs`).href, wasm: pathToFileURL(`${RUNTIME}.wasm`).href };
  return openOrt(variant, { kernel, fallbacks: [], threads: 1, device: null, assets });
}

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
