import { describe, expect, it } from 'vitest';
import { CATALOGUE, configOf, fitOf, memoryBytes, parametersOf } from './catalogue';
import { checkConfig } from './config';
import { hubListing } from './hub';

const of = (title: string) => {
  const row = CATALOGUE.find((r) => r.title.startsWith(title));
  if (!row) throw new Error(title);
  return row;
};

describe('catalogue', () => {
  it('counts the parameters that model cards and files state', () => {
    const published: Record<string, number> = {
      'SmolLM2 135M': 134_515_008,
      'SmolLM2 360M': 361_821_120,
      'Qwen2.5 0.5B': 494_032_768,
      'Qwen3 0.6B': 596_049_920,
      'TinyLlama 1.1B': 1_100_048_384,
      'Llama 3.2 1B': 1_235_814_400,
      'Qwen2.5 1.5B': 1_543_714_304,
    };
    for (const [title, total] of Object.entries(published))
      expect(parametersOf(of(title).shape).total, title).toBe(total);
    // model.safetensors of these repositories, less its header of some 30 to 40 kB.
    expect(269_060_552 - of('SmolLM2 135M').downloadBytes).toBeLessThan(60_000);
    expect(1_503_300_328 - of('Qwen3 0.6B').downloadBytes).toBeLessThan(60_000);
  });

  it('gives a whole configuration of each repository to count with, and none of others', () => {
    for (const { repo, shape } of CATALOGUE) {
      const config = configOf(repo);
      expect(config && checkConfig(config)).toMatchObject(shape);
    }
    expect(configOf('someone/else')).toBeNull();
  });

  it('takes less memory with fewer bits, and says what a device holds', () => {
    const { shape } = of('Llama 3.2 1B');
    const sizes = (['fp32', 'fp16', 'int8', 'int4'] as const).map((p) => memoryBytes(shape, p));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    const device = (memoryGiB: number | null) => ({ memoryGiB, gpu: null });
    expect(fitOf(memoryBytes(shape, 'fp32'), device(8), 'cpu')).toBe('too large');
    expect(fitOf(memoryBytes(shape, 'int4'), device(8), 'cpu')).toBe('fits');
    expect(fitOf(memoryBytes(shape, 'fp16'), device(4), 'cpu')).toBe('tight');
    expect(fitOf(memoryBytes(shape, 'int8'), device(null), 'cpu')).toBe('unknown');
  });
});

describe('a listing of the Hub', () => {
  const answer = (status: number, body: unknown) => () =>
    Promise.resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }));
  const ask = (status: number, body: unknown) => hubListing('a/b', 'main', 'https://hub.test', answer(status, body));

  it('names commit, sizes and hashes', async () => {
    const sha256 = 'ab'.repeat(32);
    expect(
      await ask(200, {
        sha: 'c0ffee',
        siblings: [
          { rfilename: 'config.json', size: 10 },
          { rfilename: 'model.safetensors', size: 1000, lfs: { sha256 } },
          { rfilename: 5 },
        ],
      }),
    ).toEqual({
      commit: 'c0ffee',
      files: [
        { name: 'config.json', bytes: 10, sha256: null },
        { name: 'model.safetensors', bytes: 1000, sha256 },
      ],
    });
  });

  it('is null on a plain mirror, and a sentence where the repository is not for everyone', async () => {
    expect(await ask(404, 'not here')).toBeNull();
    expect(await ask(200, '<html>')).toBeNull();
    await expect(ask(401, {})).rejects.toMatchObject({ code: 'input.unreadable' });
    await expect(hubListing('../x', 'main', 'https://hub.test')).rejects.toMatchObject({ code: 'option.invalid' });
  });
});
