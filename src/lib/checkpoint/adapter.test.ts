import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeInto } from './adapter';
import { openCheckpoint } from './checkpoint';
import { names } from './block';
import { builtinFiles, fileSet, floatBytes, makeSafetensors } from './testing';

const read = (path: string) => new Uint8Array(readFileSync(path));
const builtin = builtinFiles();
const weights = read('tests/fixtures/adapter/adapter_model.safetensors');
const config = JSON.parse(readFileSync('tests/fixtures/adapter/adapter_config.json', 'utf8')) as Record<
  string,
  unknown
>;
const open = (changed: Record<string, unknown> = {}, more: Record<string, Uint8Array<ArrayBuffer>> = {}) =>
  openCheckpoint(
    fileSet({
      ...builtin,
      'adapter_model.safetensors': weights,
      'adapter_config.json': JSON.stringify({ ...config, ...changed }),
      ...more,
    }),
  );

describe('LoRA adapters', () => {
  it('stand beside the checkpoint and are merged into what is read', async () => {
    const checkpoint = await open();
    const { adapter, base } = checkpoint.adapted ?? {};
    expect(adapter).toMatchObject({ rank: 4, count: 16 });
    expect(await adapter?.read(0, 'k_proj')).toBeNull();
    const low = await adapter?.read(0, 'down_proj');
    expect(low && [low.a.length, low.b.length]).toEqual([4 * 768, 256 * 4]);
    const name = names.linear(0, 'down_proj');
    const want = (await base?.read(name)) as Float32Array;
    const before = want.slice();
    if (low) mergeInto(want, low);
    expect(await checkpoint.read(name)).toEqual(want);
    expect(want).not.toEqual(before);
    // Row 3, column 5 by hand, twice alpha / r = 2 in b already.
    const sum = [0, 1, 2, 3].reduce((s, r) => s + (low?.b[3 * 4 + r] ?? NaN) * (low?.a[r * 768 + 5] ?? NaN), 0);
    expect((want[3 * 768 + 5] as number) - (before[3 * 768 + 5] as number)).toBeCloseTo(sum, 5);
    expect((await openCheckpoint(fileSet(builtin))).adapted).toBeNull();
  });

  it.each([
    [{ peft_type: 'LOHA' }, /it is no LoRA adapter/],
    [{ use_dora: true }, /DoRA adapter without the lengths/],
    [{ bias: 'some' }, /trains of biases/],
    [{ init_lora_weights: 'olora' }, /"init_lora_weights" is "olora"/],
    [{ init_lora_weights: 'a newer one' }, /"init_lora_weights" is "a newer one"/],
    [{ use_qalora: true }, /"use_qalora"/],
    [{ rank_pattern: { q_proj: 8 } }, /do not fit this checkpoint/],
    [{ alpha_pattern: { '(?P<a>q_proj': 8 } }, /"alpha_pattern" chooses by/],
    [{ r: 8 }, /do not fit this checkpoint/],
    [{ layers_to_transform: [0], layers_pattern: 'blocks' }, /"layers_pattern" .*blocks.* are called "layers"/],
    [{ layers_to_transform: [0, 1] }, /change .*layers\.2\.\S+_proj.*, which "target_modules"/],
    [{ layers_to_transform: [0, 1], layers_pattern: ['layers'] }, /leave alone/],
    [{ target_modules: ['q_proj', 'k_proj'] }, /choose .*k_proj.*, of which it has no tensors|leave alone/],
    [{ exclude_modules: ['model.layers.1.self_attn.q_proj'] }, /layers\.1\.self_attn\.q_proj.*leave alone/],
    [{ target_modules: '(?P<a>q_proj' }, /"target_modules" chooses by .*save it with names/],
    [{ lora_alpha: undefined }, /names no rank "r" and factor "lora_alpha"/],
  ])('%j is refused in a sentence', async (changed, message) => {
    await expect(open(changed)).rejects.toThrow(message);
  });

  it.each([
    [{ target_modules: '.*\\.(q|v|o|down)_proj' }],
    [{ target_modules: null }],
    [{ layers_to_transform: [0, 1, 2, 3] }],
    [{ layers_to_transform: [0, 1, 2, 3], layers_pattern: 'layers' }],
    [{ target_modules: 'all-linear', exclude_modules: '.*(k|gate|up)_proj' }],
  ])('%j chooses what its tensors change', async (changed) => {
    expect((await open(changed)).adapted?.adapter.count).toBe(16);
  });

  it('any key that is not known is refused by its name', async () => {
    const key = fc
      .stringMatching(/^[a-z][a-z_]{3,20}$/)
      .filter((name) => !(name in config) && !/^(?:r|lora|use|init|eva)/.test(name));
    const value = fc.oneof(fc.constant(true), fc.integer({ min: 1 }), fc.string({ minLength: 1 }), fc.constant([1]));
    await fc.assert(
      fc.asyncProperty(key, value, async (name, said) => {
        await expect(open({ [name]: said })).rejects.toThrow(`"${name}"`);
      }),
      { numRuns: 40 },
    );
  });

  it('lie beside a checkpoint by the names of their tasks, and are merged into nothing', async () => {
    const files = fileSet({
      ...builtin,
      'response.adapter_model.safetensors': weights,
      'response.adapter_config.json': JSON.stringify(config),
      'rca.adapter_model.safetensors': weights,
      'rca.adapter_config.json': JSON.stringify({ ...config, lora_alpha: 2 }),
    });
    const opened = await openCheckpoint(files);
    const { named } = opened;
    expect([Object.keys(named), opened.adapted]).toEqual([['rca', 'response'], null]);
    const [one, other] = [await named['rca']?.read(0, 'q_proj'), await named['response']?.read(0, 'q_proj')];
    expect(one?.b.map((x) => 4 * x)).toEqual(other?.b);
    const name = names.linear(0, 'q_proj');
    expect(await opened.read(name)).toEqual(await (await openCheckpoint(fileSet(builtin))).read(name));
    const half = fileSet({ ...builtin, 'rca.adapter_model.safetensors': weights });
    await expect(openCheckpoint(half)).rejects.toThrow(/adapter_config\.json is missing/);
  });

  it('a low-rank part of the head unties it from the embedding', async () => {
    const { vocabSize, hiddenSize } = (await openCheckpoint(fileSet(builtin))).config;
    const part = (rows: number, columns: number, by: number) => ({
      dtype: 'F32',
      shape: [rows, columns],
      data: floatBytes(Array.from({ length: rows * columns }, (_, i) => by * ((i % 7) - 3))),
    });
    const made = await open(
      { target_modules: ['lm_head'], r: 2, lora_alpha: 4 },
      {
        'adapter_model.safetensors': makeSafetensors({
          'base_model.model.lm_head.lora_A.weight': part(2, hiddenSize, 0.01),
          'base_model.model.lm_head.lora_B.weight': part(vocabSize, 2, 0.1),
        }) as Uint8Array<ArrayBuffer>,
      },
    );
    const plain = await openCheckpoint(fileSet(builtin));
    expect([made.config.tiedEmbeddings, made.adapted, made.notes.join()]).toEqual([
      false,
      null,
      expect.stringMatching(/the head.*merged into the weights/),
    ]);
    const embedding = await plain.read(names.embedding);
    expect(await made.read(names.embedding)).toEqual(embedding);
    // Row 0 by hand: alpha / r = 2.
    const head = await made.read(names.head);
    const a = (r: number, i: number) => Math.fround(0.01 * (((r * hiddenSize + i) % 7) - 3));
    const sum = 2 * (Math.fround(-0.3) * a(0, 5) + Math.fround(-0.2) * a(1, 5));
    expect((head[5] as number) - (embedding[5] as number)).toBeCloseTo(sum, 6);
  });

  it('half an adapter is refused', async () => {
    await expect(openCheckpoint(fileSet({ ...builtin, 'adapter_model.safetensors': weights }))).rejects.toThrow(
      /adapter_config\.json is missing/,
    );
  });
});
