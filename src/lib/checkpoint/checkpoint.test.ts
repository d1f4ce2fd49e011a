import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { JoulewiseError } from '../core/errors';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { openCheckpoint, type Checkpoint } from './checkpoint';
import { checkIds, configFromJson, configToJson } from './config';
import { quantizationOf } from './quantized';
import { LINEARS, names, ropeFrequencies } from './block';
import { openGguf, readGguf } from './gguf';
import { readSafetensors } from './safetensors';
import { blobSource, bytesSource, httpSource } from './source';
import { readTensor } from './tensors';
import { createTokenizer } from './tokenizer';
import { damaged, fileSet, floatBytes, makeGguf, makeSafetensors, survives } from './testing';
import { isUsage } from '../core/testing';

const fixture = <T>(name: string) => JSON.parse(readFileSync(`tests/fixtures/checkpoint/${name}`, 'utf8')) as T;
const floats = (text: string) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);

/** Smallest Llama: one layer, hidden 16, 2 heads of 8. */
const HIDDEN = 16;
const FFN = 24;
const VOCAB = 12;
const METADATA = {
  'general.architecture': 'llama',
  'llama.embedding_length': HIDDEN,
  'llama.block_count': 1,
  'llama.feed_forward_length': FFN,
  'llama.attention.head_count': 2,
  'llama.attention.head_count_kv': 1,
  'llama.attention.layer_norm_rms_epsilon': 1e-5,
  'llama.context_length': 64,
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'gpt-2',
  'tokenizer.ggml.tokens': Array.from({ length: VOCAB }, (_, i) => String.fromCharCode(97 + i)),
  'tokenizer.ggml.merges': [] as string[],
  'tokenizer.ggml.eos_token_id': 2,
};
/** ggml's order of dimensions: innermost first. */
const GGUF_SHAPES: Record<string, [string, number[]]> = {
  'token_embd.weight': [names.embedding, [HIDDEN, VOCAB]],
  'output_norm.weight': [names.finalNorm, [HIDDEN]],
  'blk.0.attn_norm.weight': [names.inputNorm(0), [HIDDEN]],
  'blk.0.ffn_norm.weight': [names.postNorm(0), [HIDDEN]],
  'blk.0.attn_q.weight': [names.linear(0, 'q_proj'), [HIDDEN, 16]],
  'blk.0.attn_k.weight': [names.linear(0, 'k_proj'), [HIDDEN, 8]],
  'blk.0.attn_v.weight': [names.linear(0, 'v_proj'), [HIDDEN, 8]],
  'blk.0.attn_output.weight': [names.linear(0, 'o_proj'), [16, HIDDEN]],
  'blk.0.ffn_gate.weight': [names.linear(0, 'gate_proj'), [HIDDEN, FFN]],
  'blk.0.ffn_up.weight': [names.linear(0, 'up_proj'), [HIDDEN, FFN]],
  'blk.0.ffn_down.weight': [names.linear(0, 'down_proj'), [FFN, HIDDEN]],
};
const random = createRandom(1);
const DATA = Object.fromEntries(
  Object.entries(GGUF_SHAPES).map(([name, [, dims]]) => [
    name,
    Array.from({ length: dims.reduce((a, d) => a * d, 1) }, () => Math.fround(random.normal())),
  ]),
);
const tensorsOf = (changed: Record<string, { type: number; data: Uint8Array }> = {}) =>
  Object.entries(GGUF_SHAPES).map(([name, [, dims]]) => ({
    name,
    dims,
    type: changed[name]?.type ?? 0,
    data: changed[name]?.data ?? floatBytes(DATA[name] as number[]),
  }));
const GGUF = makeGguf(METADATA, tensorsOf());

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: HIDDEN,
  intermediate_size: FFN,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: VOCAB,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
  eos_token_id: 2,
};
const SAFETENSORS = Object.fromEntries(
  Object.entries(GGUF_SHAPES).map(([gguf, [name, dims]]) => [
    name,
    { dtype: 'F32', shape: dims.slice().reverse(), data: floatBytes(DATA[gguf] as number[]) },
  ]),
);
const FOLDER = {
  'config.json': JSON.stringify(CONFIG),
  'tokenizer.json': '{"model":{"type":"BPE"}}',
  'model.safetensors': makeSafetensors(SAFETENSORS),
};

const message = async (work: () => Promise<unknown>) => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof JoulewiseError)) throw error;
    return { code: error.code, message: error.message, usage: isUsage(error) };
  }
  throw new Error('nothing was thrown');
};
const readAll = async (c: Checkpoint) => {
  for (const name of c.tensors.keys()) await c.read(name);
  if (c.tokenizer.tokenizer['version'] !== undefined) createTokenizer(c.tokenizer);
};

describe('GGUF', () => {
  it('reads a file of the gguf package, with q and k rows put back', async () => {
    const { tensors } = fixture<{ tensors: Record<string, { shape: number[]; values: string }> }>('tiny.json');
    const c = await openCheckpoint(fileSet({ 'tiny.gguf': readFileSync('tests/fixtures/checkpoint/tiny.gguf') }));
    expect(c.config).toMatchObject({ family: 'Llama', hiddenSize: 32, heads: 4, kvHeads: 2, headDim: 8, layers: 1 });
    expect(c.config).toMatchObject({ tiedEmbeddings: true, bosTokenId: 1, eosTokenIds: [2], ropeTheta: 10000 });
    expect([...c.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, { shape, values }] of Object.entries(tensors)) {
      expect(c.tensors.get(name)?.shape).toEqual(shape);
      const expected = floats(values);
      (await c.read(name)).forEach((v, i) => {
        if (!(Math.abs(v - (expected[i] as number)) <= 1e-6))
          throw new Error(`${name}[${i}]: ${v}, not ${expected[i]}`);
      });
    }
  });

  it('reads a file made by hand, versions 2 and 3', async () => {
    for (const version of [2, 3]) {
      const c = await openCheckpoint(fileSet({ 'a.gguf': makeGguf(METADATA, tensorsOf(), version) }));
      expect(await c.read(names.linear(0, 'down_proj'))).toEqual(
        Float32Array.from(DATA['blk.0.ffn_down.weight'] ?? []),
      );
      expect(c.tensors.get(names.linear(0, 'down_proj'))?.shape).toEqual([HIDDEN, FFN]);
      // Row (pair i, half t) goes to (half t, pair i): row 1 of the file is the first of the second half.
      const q = await c.read(names.linear(0, 'q_proj'));
      expect([...q.subarray(4 * HIDDEN, 5 * HIDDEN)]).toEqual(DATA['blk.0.attn_q.weight']?.slice(HIDDEN, 2 * HIDDEN));
    }
  });

  it.each([
    [10, 'Q2_K'],
    [11, 'Q3_K'],
    [20, 'IQ4_NL'],
    [39, 'MXFP4'],
    [77, 'type 77'],
  ])('refuses storage type %i by name', async (type, name) => {
    const data = makeGguf(METADATA, tensorsOf({ 'blk.0.ffn_up.weight': { type, data: new Uint8Array(64) } }));
    const e = await message(() => openCheckpoint(fileSet({ 'a.gguf': data })));
    expect(e).toMatchObject({ code: 'checkpoint.unsupported', usage: true });
    expect(e.message).toContain(`"blk.0.ffn_up.weight" is stored as ${name},`);
  });

  it('refuses other architectures, other tensors and several files by name', async () => {
    const open = (data: Uint8Array) => openCheckpoint(fileSet({ 'a.gguf': data }));
    const gemma = await message(() => open(makeGguf({ ...METADATA, 'general.architecture': 'gemma2' }, tensorsOf())));
    expect(gemma.message).toMatch(/architecture "gemma2" is not known here\. Known: llama, qwen2, qwen3/);
    const extra = { name: 'blk.0.ffn_gate_exps.weight', dims: [1], type: 0, data: new Uint8Array(4) };
    expect((await message(() => open(makeGguf(METADATA, [...tensorsOf(), extra])))).message).toMatch(
      /"blk\.0\.ffn_gate_exps\.weight" is not part of a Llama model/,
    );
    const lacking = await message(() => open(makeGguf(METADATA, tensorsOf().slice(0, -1))));
    expect(lacking.message).toContain(`lacks tensor "${names.linear(0, 'down_proj')}"`);
    const two = await message(() => openCheckpoint(fileSet({ 'a.gguf': GGUF, 'b.gguf': GGUF })));
    expect(two.code).toBe('checkpoint.unsupported');
  });

  it('says that a file is cut off wherever it is cut', async () => {
    for (const end of [6, 40, 400, GGUF.length - 1]) {
      const e = await message(() => openCheckpoint(fileSet({ 'a.gguf': GGUF.slice(0, end) })));
      expect(e.code).toBe('checkpoint.truncated');
    }
  });

  it('survives 2,500 damages', async () => {
    const seen = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(damaged(GGUF), async (data) => {
        seen[await survives(async () => readAll(await openCheckpoint(fileSet({ 'a.gguf': data }))))]++;
      }),
      { numRuns: 2500 },
    );
    // Both must happen, or the damages prove nothing.
    expect(seen.read).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(500);
  });

  it('takes rope factors into the config', async () => {
    const factors = { name: 'rope_freqs.weight', dims: [4], type: 0, data: floatBytes([1, 1, 2, 8]) };
    const { config } = await openGguf(bytesSource('a.gguf', makeGguf(METADATA, [...tensorsOf(), factors])));
    expect(config.ropeScaling).toEqual({ kind: 'factors', factors: [1, 1, 2, 8] });
    const f = ropeFrequencies(config);
    expect(f[3]).toBeCloseTo(10000 ** -(6 / 8) / 8, 12);
    const header = await readGguf(bytesSource('a.gguf', GGUF));
    expect(header.dataStart % 32).toBe(0);
  });
});

describe('safetensors', () => {
  it('reads one file, halves and bfloat16 too', async () => {
    const c = await openCheckpoint(fileSet(FOLDER));
    expect(await c.read(names.embedding)).toEqual(Float32Array.from(DATA['token_embd.weight'] ?? []));
    const mixed = makeSafetensors({
      h: { dtype: 'F16', shape: [2], data: Uint8Array.of(0x00, 0x3c, 0x00, 0xc0) },
      b: { dtype: 'BF16', shape: [1, 2], data: Uint8Array.of(0x80, 0x3f, 0x40, 0xc0) },
    });
    const [h, b] = await readSafetensors(bytesSource('m', mixed));
    expect([...(await readTensor(h as never)), ...(await readTensor(b as never))]).toEqual([1, -2, 1, -3]);
  });

  it('reads shards, and names the one that is missing', async () => {
    const all = Object.entries(SAFETENSORS);
    const parts = [all.slice(0, 5), all.slice(5)].map((p) => makeSafetensors(Object.fromEntries(p)));
    const map = Object.fromEntries(all.map(([name], i) => [name, i < 5 ? 'a.safetensors' : 'b.safetensors']));
    const { 'model.safetensors': _, ...rest } = FOLDER;
    const sharded = {
      ...rest,
      'model.safetensors.index.json': JSON.stringify({ weight_map: map }),
      'a.safetensors': parts[0] as Uint8Array,
    };
    const c = await openCheckpoint(fileSet({ ...sharded, 'b.safetensors': parts[1] as Uint8Array }));
    expect(c.tensors.size).toBe(all.length);
    expect((await message(() => openCheckpoint(fileSet(sharded)))).message).toContain('"b.safetensors" is missing');
  });

  it.each([
    ['an unknown type', { x: { dtype: 'F8_E4M3', shape: [1], data_offsets: [0, 1] } }, /"F8_E4M3"; F32, F16 and BF16/],
    ['overlapping tensors', { x: { dtype: 'F32', shape: [2], data_offsets: [4, 12] } }, /overlap/],
    ['a wrong size', { x: { dtype: 'F32', shape: [3], data_offsets: [0, 8] } }, /does not fill/],
    ['a place outside', { x: { dtype: 'F32', shape: [1], data_offsets: [1e9, 1e9 + 4] } }, /cut off/],
    ['a negative place', { x: { dtype: 'F32', shape: [1], data_offsets: [-8, -4] } }, /no shape or place/],
    ['no place', { x: { dtype: 'F32', shape: [1] } }, /no shape or place/],
  ])('refuses %s', async (_, changed, sentence) => {
    const e = await message(() => readSafetensors(bytesSource('m', makeSafetensors(SAFETENSORS, changed))));
    expect(e.usage).toBe(true);
    expect(e.message).toMatch(sentence);
  });

  it('says what is missing beside the weights', async () => {
    const { 'config.json': _, ...rest } = FOLDER;
    expect((await message(() => openCheckpoint(fileSet(rest)))).message).toContain('config.json is missing');
    expect((await message(() => openCheckpoint(fileSet({ 'notes.txt': 'x' }, 'there')))).message).toMatch(
      /No weights were found in "there"/,
    );
  });

  it('survives 2,500 damages', async () => {
    const valid = FOLDER['model.safetensors'];
    const seen = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(damaged(valid), async (data) => {
        const files = fileSet({ ...FOLDER, 'model.safetensors': data });
        seen[await survives(async () => readAll(await openCheckpoint(files)))]++;
      }),
      { numRuns: 2500 },
    );
    expect(seen.read).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(500);
  });
});

describe('config', () => {
  it.each([
    ['llama', 'Llama', false, false],
    ['mistral', 'Mistral', false, false],
    ['qwen2', 'Qwen2', true, false],
    ['qwen3', 'Qwen3', false, true],
  ])('%s', (type, family, qkvBias, qkNorm) => {
    const config = configFromJson({ ...CONFIG, model_type: type, head_dim: 8 });
    expect(config).toMatchObject({ family, qkvBias, qkNorm, headDim: 8, eosTokenIds: [2], tiedEmbeddings: true });
    const back = configFromJson(configToJson(config, { intermediateSize: FFN, layers: 1 }));
    expect(back).toEqual(config);
  });

  it('finds the family by architecture, and caps Mistral at its window', () => {
    const { model_type: _, ...rest } = CONFIG;
    expect(configFromJson({ ...rest, architectures: ['MistralForCausalLM'], sliding_window: 32 })).toMatchObject({
      family: 'Mistral',
      maxPositions: 32,
    });
    expect(configFromJson({ ...CONFIG, sliding_window: 32 }).maxPositions).toBe(64);
  });

  it.each([
    [{ model_type: 'gemma3', architectures: ['Gemma3ForCausalLM'] }, /"gemma3" is not known here\. Known: Llama, Mist/],
    [{ hidden_act: 'gelu' }, /"gelu" is not known/],
    [{ rope_scaling: { rope_type: 'su', factor: 2 } }, /"su" is not known here\. Known: default, linear/],
    [{ num_hidden_layers: 1e9 }, /layers is 1000000000, not a whole number/],
    [{ num_attention_heads: 3, head_dim: 8, num_key_value_heads: 2 }, /do not divide/],
    [{ head_dim: 12 }, /multiples of 8/],
    [{ rms_norm_eps: 0 }, /epsilon/],
    [{ rope_theta: -1 }, /rope base/],
    [{ hidden_size: 'many' }, /no number "hidden_size"/],
  ])('%j is refused in words', (changed, sentence) => {
    expect(() => configFromJson({ ...CONFIG, ...changed })).toThrow(sentence);
  });

  it('rope frequencies equal transformers, Llama 3 scaling included', () => {
    const rows = fixture<{ config: Record<string, unknown>; frequencies: number[] }[]>('rope.json');
    expect(rows.length).toBe(3);
    for (const { config, frequencies } of rows) {
      const got = ropeFrequencies(configFromJson(config));
      expect(got.length).toBe(frequencies.length);
      got.forEach((f, i) => expect(Math.abs(f / (frequencies[i] as number) - 1)).toBeLessThan(1e-6));
    }
  });

  it('any JSON gives a config or a usage error', () => {
    const keys = fc.constantFrom(...Object.keys(CONFIG), 'head_dim', 'rope_scaling', 'rope_theta', 'sliding_window');
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue(), { maxKeys: 3 }), (changed) => {
        try {
          configFromJson({ ...CONFIG, ...changed });
        } catch (error) {
          expect(error).toSatisfy(isUsage);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('sources', () => {
  const data = Uint8Array.from({ length: 100 }, (_, i) => i);
  const server =
    (ranges: boolean): typeof fetch =>
    (_, init) => {
      const range = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('Range') ?? '');
      if (!range || !ranges) return Promise.resolve(new Response(data.slice()));
      const part = data.slice(Number(range[1]), Number(range[2]) + 1);
      return Promise.resolve(
        new Response(part, { status: 206, headers: { 'Content-Range': `bytes ${range[1]}-${range[2]}/100` } }),
      );
    };

  it('look the same whatever is behind them', async () => {
    const sources = [
      bytesSource('x', data),
      blobSource('x', new Blob([data])),
      await httpSource('x', 'http://x/', server(true)),
      await httpSource('x', 'http://x/', server(false)),
    ];
    for (const s of sources) {
      expect(s?.byteLength).toBe(100);
      expect(await s?.slice(10, 13)).toEqual(Uint8Array.of(10, 11, 12));
      expect(await s?.slice(100, 100)).toEqual(new Uint8Array());
      for (const [from, to] of [
        [90, 101],
        [-1, 3],
        [5, 4],
      ])
        expect(await message(() => s?.slice(from as number, to as number) ?? Promise.resolve())).toMatchObject({
          code: 'checkpoint.truncated',
        });
    }
  });

  it('say when nobody answers, and give null where there is no file', async () => {
    expect(await httpSource('x', 'http://x/', () => Promise.resolve(new Response(null, { status: 404 })))).toBeNull();
    const e = await message(() => httpSource('x', 'http://x/', () => Promise.reject(new TypeError('net'))));
    expect(e.code).toBe('network.failed');
    expect(
      (await message(() => httpSource('x', 'http://x/', () => Promise.resolve(new Response(null, { status: 500 })))))
        .code,
    ).toBe('network.failed');
  });
});

it('every linear layer of a family has a GGUF name', () => {
  expect(Object.values(GGUF_SHAPES).filter(([name]) => LINEARS.some((l) => name.includes(l))).length).toBe(7);
});

describe('closed lists', () => {
  const unknown = fc.stringMatching(/^[a-z][a-z_]{5,24}$/).map((key) => `x_${key}`);
  const value = fc.oneof(fc.boolean(), fc.integer(), fc.string({ minLength: 1, maxLength: 8 }), fc.constant({ a: 1 }));

  it('a key of config.json that nobody knows is refused by its name', () => {
    fc.assert(
      fc.property(unknown, value, (key, said) => {
        expect(() => configFromJson({ ...CONFIG, [key]: said })).toThrow(`"${key}"`);
      }),
    );
  });

  it('so is a key of rope, whatever its type', () => {
    const type = fc.constantFrom('default', 'linear', 'dynamic', 'yarn', 'llama3', 'longrope');
    fc.assert(
      fc.property(unknown, value, type, (key, said, rope_type) => {
        expect(() => configFromJson({ ...CONFIG, rope_scaling: { rope_type, factor: 1, [key]: said } })).toThrow(
          `"${key}"`,
        );
      }),
    );
  });

  it('so is a key of GGUF: of the model, of its tokenizer, of anybody', async () => {
    const prefix = fc.constantFrom('llama.', 'llama.rope.', 'tokenizer.', 'tokenizer.ggml.', 'qwen2.', '');
    await fc.assert(
      fc.asyncProperty(
        prefix,
        unknown,
        fc.oneof(fc.boolean(), fc.nat(9), fc.string({ minLength: 1 })),
        async (at, key, said) => {
          const data = makeGguf({ ...METADATA, [at + key]: said }, tensorsOf());
          expect((await message(() => openCheckpoint(fileSet({ 'a.gguf': data })))).message).toContain(`"${at}${key}"`);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('so is a tensor that nobody reads, in both formats', async () => {
    const name = fc.oneof(
      unknown.map((key) => `model.layers.0.${key}.weight`),
      fc.constantFrom(...LINEARS).map((l) => `${names.linear(0, l).replace('weight', 'bias')}`),
      unknown,
    );
    await fc.assert(
      fc.asyncProperty(name, async (tensor) => {
        const more = { [tensor]: { dtype: 'F32', shape: [2], data: floatBytes([0, 1]) } };
        const files = { ...FOLDER, 'model.safetensors': makeSafetensors({ ...SAFETENSORS, ...more }) };
        expect((await message(() => openCheckpoint(fileSet(files)))).message).toContain(`"${tensor}"`);
      }),
      { numRuns: 60 },
    );
    for (const gguf of ['blk.0.attn_output.bias', 'blk.0.ffn_down.bias', 'blk.7.attn_q.weight', 'x.weight']) {
      const extra = { name: gguf, dims: [2], type: 0, data: floatBytes([0, 1]) };
      const data = makeGguf(METADATA, [...tensorsOf(), extra]);
      expect((await message(() => openCheckpoint(fileSet({ 'a.gguf': data })))).message).toContain(`"${gguf}"`);
    }
  });

  it('biases of nothing but zeros, and buffers that everybody computes, are let go', async () => {
    const zero = { dtype: 'F32', shape: [HIDDEN], data: floatBytes(Array<number>(HIDDEN).fill(0)) };
    const more = {
      'model.layers.0.self_attn.o_proj.bias': zero,
      'model.layers.0.mlp.down_proj.bias': zero,
      'model.layers.0.self_attn.rotary_emb.inv_freq': zero,
    };
    const files = { ...FOLDER, 'model.safetensors': makeSafetensors({ ...SAFETENSORS, ...more }) };
    expect((await openCheckpoint(fileSet(files))).tensors.size).toBe(Object.keys(SAFETENSORS).length);
  });

  it('a head of its own beside a flag that ties is used, and the same bytes are the embedding', async () => {
    const head = (data: Uint8Array) => ({ 'lm_head.weight': { dtype: 'F32', shape: [VOCAB, HIDDEN], data } });
    const tied = async (data: Uint8Array) => {
      const files = { ...FOLDER, 'model.safetensors': makeSafetensors({ ...SAFETENSORS, ...head(data) }) };
      return (await openCheckpoint(fileSet(files))).config.tiedEmbeddings;
    };
    expect(await tied(floatBytes(DATA['token_embd.weight'] as number[]))).toBe(true);
    expect(await tied(floatBytes(Array<number>(VOCAB * HIDDEN).fill(1)))).toBe(false);
  });

  it('an id without a row is refused when opening', async () => {
    const vocab = Object.fromEntries(Array.from({ length: VOCAB + 1 }, (_, i) => [`t${i}`, i]));
    const files = { ...FOLDER, 'tokenizer.json': JSON.stringify({ model: { type: 'BPE', vocab, merges: [] } }) };
    expect((await message(() => openCheckpoint(fileSet(files)))).message).toMatch(/id 12 .* only 12 rows/);
    expect(() => checkIds({ vocabSize: 12 }, [3, 12])).toThrow(/token 12, .* 12 rows/);
  });

  it.each([
    [
      { quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } },
      /by bitsandbytes .*Use the original/,
    ],
    [{ quantization_config: { quant_method: 'fp8' } }, /by FP8.*Use the original/],
    [{ quantization_config: { quant_method: 'mxfp4' } }, /by MXFP4.*Use the original/],
    [{ quantization_config: { quant_method: 'a newer one' } }, /by "a newer one".*Use the original/],
    [{ quantization_config: { quant_method: 'gptq', bits: 3, group_size: 32 } }, /in 3 bits; 2, 4, 8 are read/],
    [{ quantization_config: { quant_method: 'gptq', bits: 4, group_size: 32, x_new: 1 } }, /says "x_new"/],
    [
      { quantization_config: { quant_method: 'awq', bits: 4, group_size: 32, version: 'gemv' } },
      /says "version": "gemv"/,
    ],
    [{ quantization_config: { quant_method: 'compressed-tensors', format: 'float-quantized' } }, /says "format"/],
    [{ quantization: { bits: 4, group_size: 32, mode: 'nvfp4' } }, /by MLX as "nvfp4"/],
  ])('%j is refused by its name', (changed, sentence) => {
    expect(() => quantizationOf({ ...CONFIG, ...changed })).toThrow(sentence);
  });
});
