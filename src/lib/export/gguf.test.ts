import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint';
import { type LinearName, LINEARS, linearShapes, names, ropeFrequencies, vectorNames } from '../checkpoint/block';
import { readGguf } from '../checkpoint/gguf';
import { bytesSource } from '../checkpoint/source';
import { builtinFiles, fileSet, floatBytes, makeSafetensors } from '../checkpoint/testing';
import { createTokenizer } from '../checkpoint/tokenizer';
import { compressCheckpoint } from '../compress/compress';
import { BLOCK, dequantize, type StoredTensor } from '../tensor/stored';
import { quantizeBlocks } from '../tensor/precisions';
import { parseRecipe } from '../compress/recipe';
import { createRandom } from '../core/random';
import type { ExportTarget } from './onnx';
import { encodeTensor, exportGguf, ggufBytes, ggufMetadata, type GgufReport } from './gguf';

const read = (path: string) => new Uint8Array(readFileSync(path));
const builtin = () => openCheckpoint(fileSet(builtinFiles(), 'built-in'));
const tiny = () => openCheckpoint(fileSet({ 'tiny.gguf': read('tests/fixtures/checkpoint/tiny.gguf') }, 'tiny'));

/** A checkpoint of any family with random weights, and the built-in model's tokenizer where its vocabulary is that long. */
async function made(changed: Record<string, unknown>): Promise<Checkpoint> {
  const json = {
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    vocab_size: 2048,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    tie_word_embeddings: true,
    eos_token_id: 2,
    ...changed,
  };
  const random = createRandom(3);
  const [h, f, q, kv] = [json.hidden_size, json.intermediate_size, json.num_attention_heads * json.head_dim, 32];
  const shapes = linearShapes({ hiddenSize: h, heads: 4, kvHeads: 2, headDim: 16 }, f);
  const tensors: Record<string, number[]> = { [names.embedding]: [2048, h], [names.finalNorm]: [h] };
  if (!json.tie_word_embeddings) tensors[names.head] = [2048, h];
  for (let layer = 0; layer < 2; layer++) {
    tensors[names.inputNorm(layer)] = tensors[names.postNorm(layer)] = [h];
    for (const linear of LINEARS) tensors[names.linear(layer, linear)] = [...shapes[linear]];
    if (changed['model_type'] === 'qwen2')
      for (const linear of ['q_proj', 'k_proj', 'v_proj'] as LinearName[])
        tensors[names.linear(layer, linear, 'bias')] = [linear === 'q_proj' ? q : kv];
    if (changed['model_type'] === 'qwen3') tensors[names.qNorm(layer)] = tensors[names.kNorm(layer)] = [16];
  }
  const data = Object.fromEntries(
    Object.entries(tensors).map(([name, shape]) => [
      name,
      {
        dtype: 'F32',
        shape,
        data: floatBytes(Array.from({ length: shape.reduce((a, d) => a * d, 1) }, () => random.normal() / 20)),
      },
    ]),
  );
  return openCheckpoint(
    fileSet({
      'config.json': JSON.stringify(json),
      'tokenizer.json': read('static/builtin/tokenizer.json'),
      'tokenizer_config.json': read('static/builtin/tokenizer_config.json'),
      'model.safetensors': makeSafetensors(data),
    }),
  );
}

/** Exports into memory; gives the file, its report and the largest piece that was appended at once. */
async function exported(checkpoint: Checkpoint, recipe: string) {
  const pieces: Uint8Array[] = [];
  let name = '';
  const target: ExportTarget = {
    open(file) {
      name = file;
      return Promise.resolve({
        append: (data) => Promise.resolve(void pieces.push(data.slice())),
        close: () => Promise.resolve(),
      });
    },
  };
  const report: GgufReport = await exportGguf(checkpoint, parseRecipe(recipe), target, {
    id: 'x',
    inPhase: (_, work) => work(),
  });
  const data = new Uint8Array(Buffer.concat(pieces));
  return { report, data, name, largest: Math.max(...pieces.map((p) => p.length)) };
}

const reopen = (data: Uint8Array) => openCheckpoint(fileSet({ 'x.gguf': data }));

/** Weights as the variant computes with them, by name. */
async function expected(checkpoint: Checkpoint, recipe: string) {
  const model = await compressCheckpoint(checkpoint, parseRecipe(recipe));
  const stored = new Map<string, StoredTensor>([[names.embedding, await model.embedding()]]);
  const head = await model.head();
  if (head) stored.set(names.head, head);
  for (let layer = 0; layer < model.config.layers; layer++) {
    const all = await model.layer(layer);
    for (const linear of LINEARS) stored.set(names.linear(layer, linear), all[linear]);
  }
  const vectors = new Map<string, Float32Array>();
  for (const name of vectorNames(model.config)) vectors.set(name, await model.vector(name));
  return { stored, vectors, config: model.config };
}

/** Largest difference that half-precision scales make, per weight of each block: half of a level, or of the scale's last digit. */
function check(name: string, t: StoredTensor, got: Float32Array) {
  const want = dequantize(t);
  expect(got.length).toBe(want.length);
  if (t.format !== 'blocks') {
    if (!want.every((v, i) => v === got[i])) throw new Error(`${name} differs`);
    return;
  }
  const blocks = Math.ceil(t.columns / BLOCK);
  want.forEach((v, i) => {
    const scale = Math.abs(t.scales[Math.floor(i / t.columns) * blocks + Math.floor((i % t.columns) / BLOCK)] ?? 0);
    const bound = Math.max(Math.abs(v) * 2 ** -11, scale < 2 ** -14 ? scale / 2 + 2 ** -25 : 0);
    if (!(Math.abs(v - (got[i] as number)) <= bound)) throw new Error(`${name}[${i}]: ${got[i]}, not ${v}`);
  });
}

describe('a variant as GGUF', () => {
  it.each([
    ['fp32', 'F32'],
    ['fp16', 'F16'],
    ['int8', 'Q8_0'],
    ['int4', 'Q4_0'],
    ['fp32+2:4', 'F32'],
    ['int8+ffn50+layers25', 'Q8_0'],
  ])('of the built-in model as %s reads back with the weights it computes with', async (recipe, storage) => {
    const checkpoint = await builtin();
    const { data, report, name, largest } = await exported(checkpoint, recipe);
    expect(name).toBe('x.gguf');
    expect(report.bytes).toBe(data.length);
    // No piece is larger than the largest tensor: nothing holds the model.
    expect(largest).toBeLessThanOrEqual(2048 * 256 * 4);
    const back = await reopen(data);
    const { stored, vectors, config } = await expected(checkpoint, recipe);
    expect(back.config).toMatchObject({
      ...config,
      normEpsilon: expect.closeTo(config.normEpsilon, 12) as number,
      intermediateSize: back.config.intermediateSize,
    });
    expect([...back.tensors.keys()].sort()).toEqual([...stored.keys(), ...vectors.keys()].sort());
    expect(back.tensors.get(names.linear(0, 'q_proj'))?.storage).toBe(storage);
    for (const [tensor, t] of stored) check(tensor, t, await back.read(tensor));
    for (const [tensor, v] of vectors) expect(await back.read(tensor)).toEqual(v);
    // The built-in weights are half precision, and so are their scales: nothing was rounded, nothing is told.
    expect(report.notes).toEqual([]);
  });

  it.each([
    ['qwen2', { model_type: 'qwen2' }],
    ['qwen3', { model_type: 'qwen3', tie_word_embeddings: false }],
    ['mistral', { model_type: 'mistral' }],
    [
      'llama 3, its rope frequencies scaled',
      {
        model_type: 'llama',
        rope_scaling: {
          rope_type: 'llama3',
          factor: 8,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 256,
        },
      },
    ],
  ])('keeps biases, head norms, heads and rope of %s', async (_, changed) => {
    const checkpoint = await made(changed);
    const back = await reopen((await exported(checkpoint, 'fp32')).data);
    expect([...back.tensors.keys()].sort()).toEqual([...checkpoint.tensors.keys()].sort());
    for (const tensor of checkpoint.tensors.keys())
      expect(await back.read(tensor)).toEqual(await checkpoint.read(tensor));
    const [got, want] = [ropeFrequencies(back.config), ropeFrequencies(checkpoint.config)];
    got.forEach((f, i) => expect(f / (want[i] as number)).toBeCloseTo(1, 6));
  });

  it('interleaves the rows of q and k for Llama alone', async () => {
    for (const [type, moves] of [
      ['llama', true],
      ['qwen3', false],
    ] as const) {
      const checkpoint = await made({ model_type: type });
      const { data } = await exported(checkpoint, 'fp32');
      const { tensors, dataStart } = await readGguf(bytesSource('x', data));
      const raw = (name: string) => {
        const at = dataStart + (tensors.find((t) => t.name === name)?.offset ?? NaN);
        return new Float32Array(data.buffer.slice(at + 64 * 4, at + 2 * 64 * 4));
      };
      const q = await checkpoint.read(names.linear(0, 'q_proj'));
      // Row 1 of the file is row 8 of ours: the first of the head's second half.
      expect(raw('blk.0.attn_q.weight')).toEqual(q.slice((moves ? 8 : 1) * 64, (moves ? 9 : 2) * 64));
      const v = await checkpoint.read(names.linear(0, 'v_proj'));
      expect(raw('blk.0.attn_v.weight')).toEqual(v.slice(64, 128));
    }
  });

  it('keeps a GGUF source’s tokenizer byte for byte', async () => {
    const source = read('tests/fixtures/checkpoint/tiny.gguf');
    const { data } = await exported(await tiny(), 'fp16');
    const [was, is] = [await readGguf(bytesSource('a', source)), await readGguf(bytesSource('b', data))];
    expect(was.tokenizer.size).toBeGreaterThan(4);
    expect([...is.tokenizer.keys()]).toEqual([...was.tokenizer.keys()]);
    for (const [key, { start, end }] of was.tokenizer) {
      const at = is.tokenizer.get(key) ?? { start: 0, end: 0 };
      expect(data.slice(at.start, at.end)).toEqual(source.slice(start, end));
    }
  });

  it('writes tokenizer.json so that texts have the same tokens', async () => {
    const checkpoint = await builtin();
    const back = await reopen((await exported(checkpoint, 'int4')).data);
    const [a, b] = [createTokenizer(checkpoint.tokenizer), createTokenizer(back.tokenizer)];
    for (const text of ['Link down at 02:14, site 4711.', '  café <|im_end|> 日本', '']) {
      expect(b.encode(text)).toEqual(a.encode(text));
      expect(b.chat([{ role: 'user', content: text }])).toEqual(a.chat([{ role: 'user', content: text }]));
    }
    expect(back.config.eosTokenIds).toEqual(checkpoint.config.eosTokenIds);
  });

  it('knows its length before a weight is read', async () => {
    const checkpoint = await builtin();
    for (const recipe of ['fp16', 'int4', 'int8+ffn50+layers25'])
      expect(await ggufBytes(checkpoint, parseRecipe(recipe))).toBe((await exported(checkpoint, recipe)).report.bytes);
  });

  it('knows the length of a mixture by the bytes that it stored', async () => {
    const checkpoint = await builtin();
    // As if the budget had chosen 4 bits everywhere.
    const int4 = (await exported(checkpoint, 'int4')).report;
    const size = await ggufBytes(checkpoint, parseRecipe('auto@60MB'), int4.compression.storedBytes);
    expect(Math.abs(size / int4.bytes - 1)).toBeLessThan(1e-4);
  });

  it('says what a file cannot tell llama.cpp, and stores rows of broken blocks whole', async () => {
    const { report, data } = await exported(await made({ model_type: 'llama' }), 'int8+kv8');
    expect(report.notes.join(' ')).toContain('-ctk q8_0');
    expect((await reopen(data)).tensors.get(names.linear(0, 'down_proj'))?.storage).toBe('Q8_0');
    expect(report.notes.join(' ')).toMatch(
      /\d+ of \d+ scales were rounded, and no weight moved by more than 0\.0[1-4]\d* % of/,
    );
    const odd = await made({ model_type: 'llama', intermediate_size: 40 });
    const whole = await exported(odd, 'int4');
    expect(whole.report.notes.join(' ')).toContain('2 matrices whose rows are not made of whole blocks of 32');
    check(
      'down',
      (await expected(odd, 'int4')).stored.get(names.linear(0, 'down_proj')) as StoredTensor,
      await (await reopen(whole.data)).read(names.linear(0, 'down_proj')),
    );
  });

  it('refuses shapes that GGUF cannot hold, in a sentence', async () => {
    const { config } = await made({ model_type: 'qwen2' });
    const o = { name: 'x', recipe: 'fp32', precision: 'fp32' as const, tokenizer: new Map() };
    const shape = { config, ffnSizes: [96, 64], precisionOf: () => 'fp32' as const, outer: 'fp32' as const };
    expect(() => ggufMetadata(shape, o)).toThrow(/one feed-forward size for all layers/);
    const scaled = { ...config, ropeScaling: { kind: 'factors' as const, factors: [1] } };
    expect(() => ggufMetadata({ ...shape, config: scaled, ffnSizes: [96, 96] }, o)).toThrow(
      /scaled rope frequencies for Llama models only, and this is a Qwen2 model/,
    );
  });
});

describe('blocks', () => {
  const rounding = () => ({ scales: 0, of: 0, moved: 0 });
  it('whose scales half precision holds are the same bits, and nothing is told', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => ((i % 32) - 16) / 64);
    for (const bits of [4, 8] as const) {
      const r = rounding();
      encodeTensor('w', quantizeBlocks(values, 2, 32, bits), bits === 8 ? 'Q8_0' : 'Q4_0', null, r);
      expect(r).toEqual({ scales: 0, of: 2, moved: 0 });
    }
  });

  it('whose scales are tiny move to the nearest level, and those too large are refused', () => {
    const r = rounding();
    const small = Float32Array.from({ length: 32 }, (_, i) => (i - 16) * 1.3e-5);
    const out = encodeTensor('w', quantizeBlocks(small, 1, 32, 8), 'Q8_0', null, r);
    expect(r.scales).toBe(1);
    const scale = (out[0] as number) * 2 ** -24;
    small.forEach((v, i) => {
      const got = (((out[2 + i] as number) << 24) >> 24) * scale;
      expect(Math.abs(got - v)).toBeLessThanOrEqual(scale * 0.51);
    });
    const large = new Float32Array(32).fill(1e9);
    expect(() => encodeTensor('w', quantizeBlocks(large, 1, 32, 8), 'Q8_0', null, rounding())).toThrow(/larger than/);
  });
});
