import { attentionWork } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError, quote } from '../core/errors';
import { workAt, type EnergyRates } from '../meter/model';
import type { EngineName } from '../schema/engines';
import { PRECISIONS, type Precision } from '../tensor/precisions';
import { storedBytes, type StoredTensor } from '../tensor/stored';
import { formatRecipe, type Recipe } from './recipe';

/** What an engine makes of a stored tensor. */
export interface Footprint {
  title: string;
  bytes: number;
  /** Multiplications per weight of the dense matrix: 0.5 where 2:4 is skipped. */
  density: number;
}

/** The engine that a variant is made for, as a budget sees it. */
export interface Target {
  engine: EngineName;
  footprint: (t: StoredTensor) => Footprint;
  /** Whether 2:4 halves its work. */
  sparse: boolean;
  /** By the device's power profile. */
  rates: EnergyRates;
}

/** The ticket that joules are counted for: tokens read, then tokens written one by one. */
export const TICKET = { read: 256, written: 32 } as const;
const TOKENS = TICKET.read + TICKET.written;
/** Passes over all weights; each gives the next token's logits. */
const PASSES = 1 + TICKET.written;

/** What a budget is spent on. */
export interface Prices {
  /** Cost of one linear layer. */
  linear(t: StoredTensor): number;
  /** Cost of what cannot be chosen. */
  fixed: number;
}

/** The fixed tensors of a model, under a recipe. */
export interface FixedParts {
  config: ModelConfig;
  /** Precision of embedding and output projection. */
  outer: Precision;
  /** Values in norms and biases. */
  vectorValues: number;
}

/** Bytes: as stored, but 2:4 that the engine runs as such counts its values and places. */
export function bytePrices(target: Target | null, { config, outer, vectorValues }: FixedParts): Prices {
  const { hiddenSize, vocabSize, tiedEmbeddings } = config;
  const row = storedBytes(outer.store(new Float32Array(hiddenSize), 1, hiddenSize));
  return {
    linear(t) {
      const form = target?.footprint(t);
      return form && form.density < 1 ? form.bytes : storedBytes(t);
    },
    fixed: row * vocabSize * (tiedEmbeddings ? 1 : 2) + 4 * vectorValues,
  };
}

/** Rows of the sample that tells what a large matrix takes: more than any padding. */
const SAMPLE_ROWS = 128;

/**
 * Joules of a ticket, net of idle power, mid of the profile: bytes that move and operations, counted as the engine counts
 * them (engine/cpu.ts).
 */
export function joulePrices({ footprint, rates }: Target, { config, outer }: FixedParts): Prices {
  const price = (bytes: number, operations: number) => workAt(rates, 'mid', bytes, operations);
  const { hiddenSize, vocabSize, layers } = config;
  const sample = footprint(outer.store(new Float32Array(SAMPLE_ROWS * hiddenSize).fill(1), SAMPLE_ROWS, hiddenSize));
  const headBytes = (sample.bytes / SAMPLE_ROWS) * vocabSize;
  let fixed = price(
    PASSES * (headBytes + 4 * (vocabSize + hiddenSize)) + (TOKENS * sample.bytes) / SAMPLE_ROWS,
    2 * PASSES * vocabSize * hiddenSize,
  );
  for (let i = 0; i < PASSES; i++) {
    const { operations, cached } =
      i === 0 ? attentionWork(config, TICKET.read, 0) : attentionWork(config, 1, TICKET.read + i - 1);
    fixed += layers * price(4 * cached, operations);
  }
  return {
    linear(t) {
      const { bytes, density } = footprint(t);
      return price(PASSES * bytes + 4 * TOKENS * (t.rows + t.columns), 2 * TOKENS * t.rows * t.columns * density);
    },
    fixed,
  };
}

/** Prices of a recipe's budget. */
export function pricesOf(recipe: Recipe, target: Target | null, parts: Omit<FixedParts, 'outer'>): Prices {
  const fixed = { ...parts, outer: PRECISIONS[PRECISIONS[recipe.precision].outer] };
  if (recipe.budget?.unit !== 'J') return bytePrices(target, fixed);
  if (!target)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} counts joules, for which the engine here has no choice of precisions: it computes all of them alike. Choose the engine "cpu" or "ort-gpu", or a budget in bytes: auto@NMB.`,
    );
  return joulePrices(target, fixed);
}
