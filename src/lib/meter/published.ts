import { median } from '../core/stats';
import { bytes, operations, seconds } from '../core/units';
import type { Boundary, Range } from '../schema/run';
import { profileByName } from './profiles';
import { readingFromProfile } from './sources/profile';

/**
 * Watts and tokens a second of named products, as others measured and published them: what the profile table is fitted to
 * (the part `fit`) and checked against (the part `test`, which nothing is ever fitted to). Nothing here was measured by this
 * project, and no app loads it.
 *
 * All rows are of one stream (batch 1), at the power limit that the product ships with, gross of idle power.
 */

/** Weights that one token reads, in 10^9: those of the blocks, and those of the head. Rows of the table of token vectors are not. */
interface PublishedModel {
  blocks: number;
  head: number;
}

/** By the checkpoints' configurations: vocabulary x width for the head, all weights less both tables for the blocks. */
const MODELS = {
  'Qwen3-0.6B': { blocks: 0.44, head: 0.156 },
  'TinyLlama-1.1B': { blocks: 0.969, head: 0.066 },
  'Qwen2-1.5B': { blocks: 1.311, head: 0.233 },
  'Qwen2.5-3B': { blocks: 2.775, head: 0.311 },
  'Llama-3.2-3B': { blocks: 2.819, head: 0.394 },
  'Phi-4-mini': { blocks: 3.222, head: 0.615 },
  'Phi-3-mini': { blocks: 3.624, head: 0.099 },
  'Yi-1.5-6B': { blocks: 5.537, head: 0.262 },
  'Qwen2-7B': { blocks: 6.526, head: 0.545 },
  'Qwen2.5-7B': { blocks: 6.526, head: 0.545 },
  'DeepSeek-R1-Distill-Qwen-7B': { blocks: 6.526, head: 0.545 },
  'Mistral-7B': { blocks: 6.98, head: 0.134 },
  'Llama-3.1-8B': { blocks: 6.98, head: 0.525 },
  'Gemma-2-9B': { blocks: 8.324, head: 0.918 },
  'Falcon2-11B': { blocks: 10.57, head: 0.266 },
  'DeepSeek-R1-Distill-Qwen-14B': { blocks: 13.21, head: 0.778 },
  'Qwen2.5-32B': { blocks: 31.2, head: 0.779 },
  // Hybrid models of 27 B: bits are of the whole file, which the sources name (14.5 and 17.9 GB).
  'Qwen3.6-27B': { blocks: 27, head: 0 },
  'Qwen3.8-27B': { blocks: 27, head: 0 },
} as const satisfies Record<string, PublishedModel>;

/** Bits a weight takes: of the blocks, of the head. */
const FORMATS = {
  '16-bit': [16, 16],
  // bitsandbytes: one 32-bit scale for 64 weights; the head stays in 16 bits.
  NF4: [4.5, 16],
  INT8: [8, 16],
  // llama.cpp: bits a weight of the whole file, by `llama-quantize --help`.
  Q8_0: [8.5, 8.5],
  Q5_K_M: [5.67, 5.67],
  Q4_K_M: [4.83, 4.83],
  IQ4_XS: [4.25, 4.25],
  'UD-Q4_K_XL': [5.3, 5.3],
  'UD-Q3_K_XL': [4.3, 4.3],
} as const satisfies Record<string, readonly [number, number]>;

/** Where rows were read, and what their watts enclose. */
export const PUBLISHED_SOURCES = {
  ecocompute: {
    address: 'https://github.com/hongping-zh/ecocompute-dynamic-eval at 12d7ad17d8, metadata/COMPLETE_DATASET_MEMO.md',
    how: 'NVML board power, Transformers and bitsandbytes, ten runs; its joules of the 4090 D have idle power taken off, so rows take watts over tokens a second',
  },
  ecocomputeT4: {
    address: 'https://hongping-zh.github.io, table of the T4 as of February 2026',
    how: 'NVML board power, Transformers and bitsandbytes, ten runs',
  },
  qwen38: {
    address:
      'https://github.com/sudoingX/qwen38-mtp at c7bc415309, sweeps/rtx-5090.md, section of the power cap (PR 47)',
    how: 'nvidia-smi at 1 Hz, 95th percentile while it writes, llama.cpp without drafts, 600 W card',
  },
  inventive: {
    address: 'https://inventivehq.com/blog/gpu-power-limit-tokens-per-watt, first table',
    how: 'nvidia-smi mean, llama.cpp; the format is not named in what was read: 81.2 tokens/s of 448 GB/s leave room for 5.5 GB, so four bits',
  },
  club3090: {
    address:
      'https://github.com/noonghunna/club-3090 at 4a29ab57d4, docs/HARDWARE.md, table of power caps and the captions below it',
    how: 'nvidia-smi, llama.cpp, stock cap; the file is 14.5 GB by docs/engines/LLAMA_CPP.md',
  },
  megaqwen: {
    address: 'https://github.com/Infatoshi/MegaQwen at 0bc1fdedb8, experiments/RESULTS.md, first table',
    how: 'nvidia-smi mean of 200 tokens, a card of 420 W that idled at 170 W beside the runs',
  },
  telemetry: {
    address:
      'https://github.com/dilberx/universal-llm-telemetry-suite at ad76b57118, results/*/production_benchmarks.csv, mean of ten runs at context 2048',
    how: 'Apple: powermetrics, package; NVIDIA: NVML, board; llama.cpp',
  },
  m4max: {
    address: 'https://github.com/HoldenHrabak/llm-benchmarking at 4341806e23, benchmarks_7b.csv and benchmarks_32b.csv',
    how: 'Zeus (IOReport) of processor, graphics and neural engine, memory not; sums over all rows, prompt included; Ollama, which takes Q4_K_M',
  },
  orin: {
    address: 'https://github.com/jbecirovski/jetson-llm-maxperf at c19500de33, campaigns/2026-08-12-energy/README.md',
    how: 'the three INA3221 rails of the board, median of five, llama.cpp, power mode MAXN; behind the regulators: a wall meter says 2 % and 3 W more',
  },
  pi: {
    address:
      'https://github.com/geerlingguy/ai-benchmarks at bdf94413f5, README.md, tables Llama 3.2:3b and DeepSeek R1 14b',
    how: 'wall meter, highest while it writes; Ollama, which takes Q4_K_M',
  },
} as const satisfies Record<string, { address: string; how: string }>;

export interface PublishedRow {
  id: string;
  /** Of the table, or null where the table has no such product. */
  profile: string;
  model: keyof typeof MODELS;
  format: keyof typeof FORMATS;
  phase: 'prefill' | 'decode';
  tokensPerSecond: number;
  /** As published, or joules a token times tokens a second. */
  watts: number;
  boundary: Boundary;
  source: keyof typeof PUBLISHED_SOURCES;
  /** Keys and values that a token reads beside weights, GB; 0 where the context is short. */
  cacheGB: number;
}

type Figures = readonly [
  PublishedRow['model'],
  PublishedRow['format'],
  tokensPerSecond: number,
  watts: number,
  cacheGB?: number,
];

const rowsOf = (
  prefix: string,
  profile: string,
  boundary: Boundary,
  source: PublishedRow['source'],
  figures: readonly Figures[],
  phase: PublishedRow['phase'] = 'decode',
): PublishedRow[] =>
  figures.map(([model, format, tokensPerSecond, watts, cacheGB = 0], i) => ({
    id: `${prefix}-${i + 1}`,
    profile,
    model,
    format,
    phase,
    tokensPerSecond,
    watts,
    boundary,
    source,
    cacheGB,
  }));

export const PUBLISHED: readonly PublishedRow[] = [
  ...rowsOf('5090', 'nvidia-rtx-5090', 'gpu', 'ecocompute', [
    ['TinyLlama-1.1B', '16-bit', 94.87, 157.45],
    ['TinyLlama-1.1B', 'NF4', 55.79, 117.02],
    ['Qwen2-1.5B', '16-bit', 71.45, 172.3],
    ['Qwen2-1.5B', 'NF4', 41.57, 129.83],
    ['Qwen2.5-3B', '16-bit', 54.77, 185.59],
    ['Qwen2.5-3B', 'NF4', 31.85, 120.46],
    ['Qwen2-7B', '16-bit', 70.47, 388.34],
    ['Qwen2-7B', 'NF4', 41.4, 201.88],
  ]),
  ...rowsOf('5090b', 'nvidia-rtx-5090', 'gpu', 'qwen38', [['Qwen3.8-27B', 'UD-Q4_K_XL', 74.8, 537]]),
  ...rowsOf('5060', 'nvidia-rtx-5060-ti', 'gpu', 'inventive', [['Qwen2.5-7B', 'Q4_K_M', 81.2, 172.7]]),
  ...rowsOf('4090d', 'nvidia-rtx-4090-d', 'gpu', 'ecocompute', [
    ['Yi-1.5-6B', '16-bit', 34.72, 180.74],
    ['Yi-1.5-6B', 'NF4', 19.23, 80.87],
    ['Yi-1.5-6B', 'INT8', 8.42, 70.02],
    ['Mistral-7B', '16-bit', 29.06, 181.91],
    ['Mistral-7B', 'NF4', 17.37, 81.49],
    ['Mistral-7B', 'INT8', 7.88, 75.29],
    ['Phi-3-mini', '16-bit', 29.19, 105.17],
    ['Phi-3-mini', 'NF4', 20.12, 72.9],
    ['Phi-3-mini', 'INT8', 13.15, 69.17],
    ['Qwen2.5-7B', '16-bit', 37.64, 213.45],
    ['Qwen2.5-7B', 'NF4', 21.38, 92.45],
    ['Qwen2.5-7B', 'INT8', 9.56, 75.94],
    // Without outliers in 16 bits ("pure").
    ['Yi-1.5-6B', 'INT8', 15.47, 87.96],
  ]),
  ...rowsOf('4090', 'nvidia-rtx-4090', 'gpu', 'club3090', [['Qwen3.6-27B', 'UD-Q3_K_XL', 51.96, 393]]),
  ...rowsOf('3090', 'nvidia-rtx-3090', 'gpu', 'club3090', [['Qwen3.6-27B', 'UD-Q3_K_XL', 34.66, 334]]),
  ...rowsOf('3090p', 'nvidia-rtx-3090', 'gpu', 'club3090', [['Qwen3.6-27B', 'UD-Q3_K_XL', 1051, 327]], 'prefill'),
  ...rowsOf('3090b', 'nvidia-rtx-3090', 'gpu', 'megaqwen', [
    ['Qwen3-0.6B', '16-bit', 355, 290],
    ['Qwen3-0.6B', '16-bit', 158, 205],
    ['Qwen3-0.6B', '16-bit', 107, 196],
    ['Qwen3-0.6B', '16-bit', 98, 197],
    ['Qwen3-0.6B', '16-bit', 59, 186],
    ['Qwen3-0.6B', '16-bit', 50, 195],
  ]),
  ...rowsOf('3080', 'nvidia-rtx-3080', 'gpu', 'telemetry', [
    ['Llama-3.1-8B', 'Q4_K_M', 107.46, 220.43],
    ['Mistral-7B', 'Q5_K_M', 101.78, 237.77],
    ['Qwen2.5-3B', 'Q4_K_M', 184.74, 207.07],
    ['Qwen2.5-3B', 'Q5_K_M', 170.22, 215.31],
    ['Qwen2.5-3B', 'Q8_0', 135.97, 215.09],
  ]),
  ...rowsOf('t4', 'nvidia-t4', 'gpu', 'ecocomputeT4', [
    ['TinyLlama-1.1B', '16-bit', 12.34, 52.5],
    ['TinyLlama-1.1B', 'NF4', 10.87, 48.3],
    ['Qwen2-1.5B', '16-bit', 9.56, 54.8],
    ['Qwen2-1.5B', 'NF4', 8.92, 51.2],
  ]),
  ...rowsOf('m1pro', 'apple-m1-pro', 'package', 'telemetry', [
    ['DeepSeek-R1-Distill-Qwen-7B', 'Q4_K_M', 26.24, 24.61],
    ['Llama-3.1-8B', 'Q4_K_M', 22.09, 19.75],
    ['Mistral-7B', 'Q5_K_M', 16.91, 19.45],
    ['Qwen2.5-7B', 'Q4_K_M', 23.2, 19.6],
    ['Falcon2-11B', 'Q4_K_M', 14.77, 23.01],
    ['Gemma-2-9B', 'Q4_K_M', 18.32, 21.24],
    ['Phi-4-mini', 'Q4_K_M', 41.31, 21.7],
    ['Mistral-7B', 'Q4_K_M', 22.86, 18.63],
    ['Qwen2.5-3B', 'Q4_K_M', 48.05, 19.95],
    ['Qwen2.5-3B', 'Q5_K_M', 37.4, 20.23],
    ['Qwen2.5-3B', 'Q8_0', 34.7, 19.56],
  ]),
  ...rowsOf('m4max', 'apple-m4-max', 'package', 'm4max', [
    ['Qwen2.5-7B', 'Q4_K_M', 46.53, 20.53],
    ['Qwen2.5-32B', 'Q4_K_M', 14.99, 31.98],
  ]),
  ...rowsOf('orin', 'jetson-agx-orin', 'system', 'orin', [
    ['Llama-3.1-8B', 'Q4_K_M', 22, 47.6],
    ['Llama-3.1-8B', 'IQ4_XS', 26.8, 48.3],
    ['Llama-3.1-8B', 'Q4_K_M', 11.6, 37.8, 2.06],
    ['Llama-3.1-8B', 'IQ4_XS', 12.7, 37.2, 2.06],
  ]),
  ...rowsOf('pi5', 'cpu-bcm2712', 'system', 'pi', [
    ['Llama-3.2-3B', 'Q4_K_M', 4.88, 11.9],
    ['Llama-3.2-3B', 'Q4_K_M', 4.61, 13.9],
    ['DeepSeek-R1-Distill-Qwen-14B', 'Q4_K_M', 1.2, 13],
  ]),
  // A Pi 400: the chip of a Pi 4.
  ...rowsOf('pi4', 'cpu-bcm2711', 'system', 'pi', [['Llama-3.2-3B', 'Q4_K_M', 1.6, 6]]),
];

/** Tokens of a prompt that read the weights once together. */
const UBATCH = 512;
const GIGA = 1e9;

/** Bytes that a token moves, and operations it takes (a multiply-add counts as two). */
export function publishedWork({ model, format, phase, cacheGB }: PublishedRow): { bytes: number; operations: number } {
  const { blocks, head } = MODELS[model];
  const [bits, headBits] = FORMATS[format];
  const weights = (GIGA * (blocks * bits + head * headBits)) / 8 + cacheGB * GIGA;
  const each = phase === 'decode' ? blocks + head : blocks;
  return { bytes: phase === 'decode' ? weights : weights / UBATCH, operations: 2 * GIGA * each };
}

/** Seed of the split, which was made once, on 30 November 2026, before the table was fitted to anything. */
export const SPLIT_SEED = 'published joules, 30 November 2026';

/** Rows that serve as a test, by id. Never fit to them; never move one. */
export const PUBLISHED_TEST: ReadonlySet<string> = new Set([
  '3080-2',
  '3080-4',
  '3090-1',
  '3090b-2',
  '3090b-5',
  '3090p-1',
  '4090d-11',
  '4090d-12',
  '4090d-13',
  '4090d-2',
  '4090d-4',
  '4090d-8',
  '5090-3',
  '5090-4',
  '5090-5',
  '5090-6',
  'm1pro-1',
  'm1pro-2',
  'm1pro-4',
  'm1pro-5',
  'm1pro-9',
  'm4max-2',
  'orin-2',
  'orin-3',
  'pi4-1',
  'pi5-2',
  't4-1',
  't4-4',
]);

/** Two rows must lie so far apart to be put in order. */
const APART = 1.05;

export interface PublishedFigures {
  rows: number;
  /** Share of published joules a token within low and high. */
  inside: number;
  /** |mid / published - 1|, median. */
  off: number;
  /** High over low, median. */
  width: number;
  /** Share of pairs of one product, source and phase over 5 % apart whose mids are in the published order. */
  order: number;
  pairs: number;
}

/** What the profile of a row's product says of a token, beside what was published. Joules. */
export function besidePublished(row: PublishedRow): { told: Range; published: number } {
  const profile = profileByName(row.profile);
  const work = publishedWork(row);
  const took = 1 / row.tokensPerSecond;
  const { joules } = readingFromProfile(
    {
      phase: row.phase,
      seconds: seconds(took),
      bytes: bytes(work.bytes),
      operations: operations(work.operations),
      tokens: 1,
      arithmetic: profile.kind === 'gpu' ? 'f16' : 'i8',
    },
    profile,
  );
  return { told: joules ?? { low: NaN, mid: NaN, high: NaN }, published: row.watts * took };
}

/** The four figures of one part of the split. */
export function publishedFigures(part: 'fit' | 'test'): PublishedFigures {
  const rows = PUBLISHED.filter(({ id }) => PUBLISHED_TEST.has(id) === (part === 'test')).map((row) => ({
    row,
    ...besidePublished(row),
  }));
  const ordered = rows.flatMap((a, i) =>
    rows
      .slice(i + 1)
      .filter(
        (b) =>
          a.row.profile === b.row.profile &&
          a.row.source === b.row.source &&
          a.row.phase === b.row.phase &&
          Math.max(a.published, b.published) > APART * Math.min(a.published, b.published),
      )
      .map((b) => a.published < b.published === a.told.mid < b.told.mid),
  );
  const share = (flags: readonly boolean[]) => flags.filter(Boolean).length / flags.length;
  return {
    rows: rows.length,
    inside: share(rows.map(({ told, published }) => published >= told.low && published <= told.high)),
    off: median(rows.map(({ told, published }) => Math.abs(told.mid / published - 1))),
    width: median(rows.map(({ told }) => told.high / told.low)),
    order: share(ordered),
    pairs: ordered.length,
  };
}
