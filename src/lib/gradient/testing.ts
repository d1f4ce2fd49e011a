import { readFileSync } from 'node:fs';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { fileSet, makeSafetensors } from '../checkpoint/testing';
import { compressCheckpoint } from '../compress/compress';
import { parseRecipe } from '../compress/recipe';
import { freeze, type Frozen } from './frozen';

/** Tiny models of three families, and what PyTorch made of an adapter on them (tests/oracle/tune.py). */

export interface TuneReference {
  adapter: string;
  sequences: { ids: number[]; labels: (number | null)[] }[];
  loss: number;
  gradient: string;
  steps: { loss: number; norm: number; lr: number }[];
  end: string;
}

interface Family {
  config: Record<string, unknown>;
  weights: Record<string, { shape: number[]; data: string }>;
}

const models = JSON.parse(readFileSync('tests/fixtures/calibration.json', 'utf8')) as Record<string, Family>;

export const { options, families } = JSON.parse(readFileSync('tests/fixtures/tune.json', 'utf8')) as {
  options: { rank: number; alpha: number; steps: number; warmup: number; lr: number; decay: number; clip: number };
  families: Record<string, TuneReference>;
};

/** What PyTorch made of training all weights of them, and of one with a head of its own (tests/oracle/full.py). */
export interface FullReference {
  /** Of each token but the first, what it counts as what is predicted. */
  sequences: { ids: number[]; weights: number[] }[];
  /** Float16; null where the embedding is the head. */
  head: string | null;
  loss: number;
  /** By tensor. */
  gradient: Record<string, string>;
  steps: { loss: number; norm: number; lr: number }[];
  end: Record<string, string> | null;
}

export const { options: fullOptions, models: fullModels } = JSON.parse(
  readFileSync('tests/fixtures/full.json', 'utf8'),
) as {
  options: { steps: number; warmup: number; lr: number; decay: number; clip: number; beta2: number };
  models: Record<string, FullReference>;
};

export const floats = (text: string) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);

/** |a - b| / |b|. */
export function distance(a: Float32Array, b: Float32Array): number {
  let [off, all] = [0, 0];
  a.forEach((x, i) => {
    off += (x - (b[i] as number)) ** 2;
    all += (b[i] as number) ** 2;
  });
  return Math.sqrt(off / all);
}

/** A tiny model by its family, or ("llama, untied") with the head that its reference has. */
export async function frozenModel(name: string, recipe = 'fp32'): Promise<Frozen> {
  const { config: own, weights: plain } = models[name.split(',')[0] as string] as Family;
  const head = fullModels[name]?.head ?? null;
  const config = head === null ? own : { ...own, tie_word_embeddings: false };
  const shape = [own['vocab_size'], own['hidden_size']] as number[];
  const weights = head === null ? plain : { ...plain, 'lm_head.weight': { shape, data: head } };
  const files = {
    'model.safetensors': makeSafetensors(
      Object.fromEntries(
        Object.entries(weights).map(([name, { shape, data }]) => [
          name,
          { dtype: 'F16', shape, data: new Uint8Array(Buffer.from(data, 'base64')) },
        ]),
      ),
    ),
    'config.json': JSON.stringify(config),
    'tokenizer.json': '{}',
  };
  return freeze(await compressCheckpoint(await openCheckpoint(fileSet(files)), parseRecipe(recipe), {}));
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((x, i) => {
    const y = b[i] as number;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  });
  return ab / Math.sqrt(aa * bb);
}
