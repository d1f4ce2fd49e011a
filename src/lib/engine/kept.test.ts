import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import { compressGroup } from '../compress/group';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import type { StoredTensor } from '../tensor/stored';
import { prune2of4 } from '../tensor/masks';
import { linearRecipe, parseRecipe } from '../compress/recipe';
import { createRandom } from '../core/random';
import type { ModelConfig } from '../checkpoint/config';
import { CpuModel, MODEL_VERSION } from '../cpu/model';
import type { ByteDot } from '../core/dot';
import { loadModule, spawnThread } from '../cpu/testing';
import { nodeMatrix } from '../matrix/testing';
import type { Phase } from '../schema/run';
import { openCpu } from './cpu';
import { packedKey, WEIGHTS_VERSION, type KeptHeader, type PackedStore } from '../variant/kept';
import { chooseKernel } from '../variant/kernels';

const checkpoint = await openCheckpoint(fileSet(builtinFiles()));

/** Keeps headers as a file would: as JSON. */
function memoryStore(): PackedStore & { size: () => number } {
  const kept = new Map<string, { header: string; pieces: Uint8Array[] }>();
  return {
    checkpointHash: 'a',
    size: () => kept.size,
    read: (key) => {
      const found = kept.get(key);
      if (!found) return Promise.resolve(null);
      async function* pieces(all: Uint8Array[]) {
        for (const piece of all) yield await Promise.resolve(piece);
      }
      return Promise.resolve({ header: JSON.parse(found.header) as KeptHeader, pieces: pieces(found.pieces) });
    },
    write: (key, header, pieces) => {
      kept.set(key, { header: JSON.stringify(header), pieces: [...pieces] });
      return Promise.resolve();
    },
  };
}

async function answer(text: string, keeping: PackedStore) {
  const recipe = parseRecipe(text);
  const phases: Phase[] = [];
  const { session, compression } = await openCpu(checkpoint, recipe, {
    kernel: chooseKernel('cpu', recipe, []).kernel,
    fallbacks: [],
    threads: 2,
    keeping,
    inPhase: (phase, work) => {
      phases.push(phase);
      return work();
    },
    loadModule,
    spawn: spawnThread,
  });
  const logits = await session.prefill([1, 5, 9, 2, 40]);
  await session.close();
  return { logits, compression, kernel: session.kernel, said: session.fallbacks, made: phases.includes('compress') };
}

describe('packed models', () => {
  it.each(['fp32', 'fp16+2:4', 'int8+ffn25', 'fp16+mag50', 'int4'])('%s reads back as it was packed', async (text) => {
    const store = memoryStore();
    const [first, second] = [await answer(text, store), await answer(text, store)];
    expect([first.made, second.made]).toEqual([true, false]);
    expect(second.logits).toEqual(first.logits);
    expect(second.compression).toEqual(first.compression);
    expect(second.kernel).toBe(first.kernel);
    expect(first.said).toEqual([]);
    expect(second.said.join()).toContain('kept');
  });

  it('are shared by recipes that differ in the cache of keys and values alone', async () => {
    const store = memoryStore();
    await answer('int8', store);
    const other = await answer('int8+kv8', store);
    expect(other.made).toBe(false);
    expect(other.compression.recipe).toBe('int8+kv8');
    expect(other.kernel).toContain('keys and values kept in int8');
    expect(store.size()).toBe(1);
  });

  it('have one name for each checkpoint, recipe, text and price', async () => {
    const [int8, gptq, auto] = ['int8', 'int4.gptq', 'auto@1MB'].map(parseRecipe) as [never, never, never];
    const target = (joule: number) => ({ rates: { joule } }) as never;
    const keys = await Promise.all([
      packedKey('a', int8, null, null, null),
      packedKey('b', int8, null, null, null),
      packedKey('a', gptq, [[1, 2]], null, null),
      packedKey('a', gptq, [[1, 3]], null, null),
      packedKey('a', auto, [[1, 2]], target(1), null),
      packedKey('a', auto, [[1, 2]], target(2), null),
      packedKey('a', int8, null, null, 'unsigned'),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(await packedKey('a', int8, null, target(2), null)).toBe(keys[0]);
  });
});

/** Names of what today's code makes. Where one changes, raise the version that it names and put the new name here. */
const PINNED = { model: '552fe26ceb58513e', weights: '0ab92f837d72b346' };

describe('versions of what is kept', () => {
  const digest = (parts: Iterable<Uint8Array>) => {
    const hash = createHash('sha256');
    for (const p of parts) hash.update(p);
    return hash.digest('hex').slice(0, 16);
  };
  const bytesOf = (t: StoredTensor) => [
    new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength),
    ...(t.format === 'blocks' ? [new Uint8Array(t.scales.buffer, t.scales.byteOffset, t.scales.byteLength)] : []),
  ];
  const weights = (rows: number, columns: number) => {
    const random = createRandom(7);
    return Float32Array.from({ length: rows * columns }, () => random.int(2001) / 1000 - 1);
  };

  /** A model's memory with a tensor of every precision, dense and 2:4, in it. */
  const packedOn = (config: ModelConfig, dot: ByteDot) => {
    const model = new CpuModel(config, [], 8, dot);
    for (const precision of Object.keys(PRECISIONS) as PrecisionName[])
      for (const sparse of [false, true]) {
        const data = weights(20, 64);
        if (sparse) prune2of4(data);
        const t = PRECISIONS[precision].store(data, 20, 64);
        model.setOuter(t, t);
      }
    return model.image().pieces;
  };

  it(`MODEL_VERSION ${MODEL_VERSION} is what lies in memory`, () => {
    const config = { ...checkpoint.config, layers: 0 };
    const pieces: Uint8Array[] = [];
    for (const dot of [null, 'unsigned', 'signed'] as const) pieces.push(...packedOn(config, dot));
    expect(digest(pieces)).toBe(PINNED.model);
  });

  it(`WEIGHTS_VERSION ${WEIGHTS_VERSION} is what pruners and quantizers make`, async () => {
    const m = await nodeMatrix();
    const [rows, columns] = [16, 64];
    const gram = new Float32Array((columns * (columns + 1)) / 2);
    // A diagonal with some weight beside it: well conditioned, and no two inputs alike.
    for (let i = 0, at = 0; i < columns; i++)
      for (let j = i; j < columns; j++) gram[at++] = i === j ? 2 + i / columns : 1 / (1 + i + j);
    const squares = Float64Array.from({ length: columns }, (_, i) => 2 + i / columns);
    const recipes = ['int8+2:4', 'int4+mag50', 'fp16+wanda2:4', 'int8+sparsegpt2:4', 'int4.gptq', 'int4.gptqact'];
    const made = recipes.flatMap((recipe) =>
      compressGroup(m, {
        matrices: [{ linear: 'q_proj', data: weights(rows, columns), rows }],
        columns,
        recipes: [linearRecipe(parseRecipe(recipe))],
        statistics: { size: columns, squares, gram },
        outputSquares: [1],
      }).tensors.flatMap(bytesOf),
    );
    expect(digest(made)).toBe(PINNED.weights);
  });
});
