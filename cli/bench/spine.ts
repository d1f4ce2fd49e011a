import { median } from '../../src/lib/core/stats';
import { totalBytes } from '../../src/lib/graph/cost';
import type { CompressSpeed, SpeedResult } from '../../src/lib/workers/protocol';
import type { Driver } from '../browser';
import { checkpointOf, say } from '../context';
import { firstPageScripts } from './page';
import { openPeer, type PeerSpeed } from './peer';
import { demand, plain, versus, type BenchRow } from './rows';

/** The whole way on ONNX Runtime, beside llama.cpp in the same browser. */
const RECIPES = ['fp32', 'int8'] as const;
type Recipe = (typeof RECIPES)[number];

const PREFILL_TOKENS = 256;
const DECODE_TOKENS = 64;
const LABELS = 8;

/** What is demanded. */
const FLOORS = {
  prefillRatio: 6,
  decodeRatio: 1.5,
  scoreRatio: 1.35,
  openSeconds: 10,
  heapOverWeights: 120 * 2 ** 20,
  int4: 100,
  '2:4': 150,
  mag50: 100,
  meterPercent: 1,
  scriptKilobytes: 90,
} as const;

/** One matrix of SmolLM2's FFN. */
const MATRIX = { rows: 1536, columns: 576 };

/** Ours and the peer's in alternating rounds, so that whatever else the machine does falls on both. */
export async function modelRows(d: Driver, checkpoint: string, threads: number, rounds: number): Promise<BenchRow[]> {
  say('Opening ...');
  const stored = await checkpointOf(d, checkpoint);
  const peer = await openPeer(d, checkpoint, threads);
  const ours: Record<Recipe, SpeedResult[]> = { fp32: [], int8: [] };
  const theirs: PeerSpeed[] = [];
  for (let round = 0; round < rounds; round++) {
    say(`Round ${round + 1} of ${rounds}: wllama, ${RECIPES.join(', ')} ...`);
    theirs.push(await peer.speed(PREFILL_TOKENS, DECODE_TOKENS));
    for (const recipe of RECIPES)
      ours[recipe].push(
        await d.call<SpeedResult>('speed', {
          checkpoint: stored,
          recipe,
          engine: 'ort-cpu',
          threads,
          prefill: PREFILL_TOKENS,
          decode: DECODE_TOKENS,
          labels: LABELS,
          repeats: 2,
        }),
      );
  }
  const peerPrefill = median(theirs.map((t) => t.prefill));
  const peerDecode = median(theirs.map((t) => t.decode));
  return [
    plain(`wllama prefill ${PREFILL_TOKENS}, ${peer.threads} threads`, peerPrefill, 'tokens/s'),
    plain(`wllama decode ${DECODE_TOKENS}`, peerDecode, 'tokens/s'),
    ...RECIPES.flatMap((recipe) => recipeRows(recipe, ours[recipe], peerPrefill, peerDecode)),
  ];
}

function recipeRows(
  recipe: Recipe,
  results: readonly SpeedResult[],
  peerPrefill: number,
  peerDecode: number,
): BenchRow[] {
  const all = (pick: (r: SpeedResult) => number[]) => median(results.flatMap(pick));
  const prefillMs = all((r) => r.prefillMs);
  const decodeMs = all((r) => r.decodeMs);
  const prefill = PREFILL_TOKENS / (prefillMs / 1000);
  const decode = DECODE_TOKENS / (decodeMs / 1000);
  const first = results[0] as SpeedResult;
  const { prefillCost, decodeCost, wasmHeapBytes, computedBytes } = first;
  const rows: BenchRow[] = [
    {
      name: `${recipe} prefill ${PREFILL_TOKENS}, ${first.threads} threads`,
      value: prefill,
      unit: 'tokens/s',
      ratio: prefill / peerPrefill,
      floor: FLOORS.prefillRatio,
      bound: 'least',
    },
    {
      name: `${recipe} decode ${DECODE_TOKENS}`,
      value: decode,
      unit: 'tokens/s',
      ratio: decode / peerDecode,
      floor: FLOORS.decodeRatio,
      bound: 'least',
    },
  ];
  // How near to the machine: prefill is limited by arithmetic, decode by reading the weights.
  if (prefillCost) rows.push(plain(`${recipe} prefill, achieved`, prefillCost.flops / prefillMs / 1e6, 'GFLOP/s'));
  if (decodeCost)
    rows.push(plain(`${recipe} decode, achieved`, totalBytes(decodeCost) / (decodeMs / DECODE_TOKENS) / 1e6, 'GB/s'));
  rows.push(
    {
      name: `${recipe} scoring ${LABELS} labels over prefill alone`,
      // Rounds are paired: each result's own two medians, seconds apart.
      value: median(results.map((r) => median(r.scoreMs) / median(r.prefillMs))),
      unit: 'x',
      ratio: null,
      floor: FLOORS.scoreRatio,
      bound: 'most',
    },
    {
      name: `${recipe} GGUF to ready session`,
      value: median(results.map((r) => r.openMs)) / 1000,
      unit: 's',
      ratio: null,
      floor: FLOORS.openSeconds,
      bound: 'most',
    },
  );
  if (wasmHeapBytes !== null && computedBytes !== null)
    rows.push({
      name: `${recipe} WebAssembly heap over ${Math.round(computedBytes / 2 ** 20)} MiB of weights`,
      value: (wasmHeapBytes - computedBytes) / 2 ** 20,
      unit: 'MiB',
      ratio: null,
      floor: FLOORS.heapOverWeights / 2 ** 20,
      bound: 'most',
    });
  rows.push({
    name: `${recipe} metering, share of a ticket's time`,
    value: (100 * median(results.map((r) => r.meterMs))) / (prefillMs + decodeMs),
    unit: '%',
    ratio: null,
    floor: FLOORS.meterPercent,
    bound: 'most',
  });
  return rows;
}

const COMPRESS_NAMES: Record<keyof CompressSpeed, string> = {
  int4: '4-bit blocks, 1 thread',
  '2:4': '2:4 by magnitude, 1 thread',
  mag50: '50 % by magnitude, 1 thread',
};

export async function compressRows(d: Driver, repeats: number): Promise<BenchRow[]> {
  say('Compressing ...');
  const speed = await d.call<CompressSpeed>('compressSpeed', { ...MATRIX, repeats });
  return (Object.keys(COMPRESS_NAMES) as (keyof CompressSpeed)[]).map((key) => ({
    name: COMPRESS_NAMES[key],
    value: median(speed[key]) / 1e6,
    unit: 'M weights/s',
    ratio: null,
    floor: FLOORS[key],
    bound: 'least',
  }));
}

