import { median } from '../../../src/lib/core/stats';
import { totalBytes } from '../../../src/lib/core/cost';
import type { CompressSpeed } from '../../../src/lib/bench/compress';
import type { SpeedResult } from '../../../src/lib/bench/model';
import type { Driver } from '../../shared/browser';
import { checkpointOf } from '../../shared/context';
import { say } from '../../shared/print';
import { firstPageScripts } from './page';
import { openPeer, type PeerSpeed } from './peer';
import { demand, plain, versus, type BenchRow } from '../../shared/rows';

/** The whole way on ONNX Runtime, beside llama.cpp in the same browser; compression without calibration; the page. */
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
        await d.call('speed', {
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
    versus(
      `${recipe} prefill ${PREFILL_TOKENS}, ${first.threads} threads`,
      prefill,
      'tokens/s',
      peerPrefill,
      FLOORS.prefillRatio,
    ),
    versus(`${recipe} decode ${DECODE_TOKENS}`, decode, 'tokens/s', peerDecode, FLOORS.decodeRatio),
  ];
  // How near to the machine: prefill is limited by arithmetic, decode by reading the weights.
  if (prefillCost) rows.push(plain(`${recipe} prefill, achieved`, prefillCost.operations / prefillMs / 1e6, 'GFLOP/s'));
  if (decodeCost)
    rows.push(plain(`${recipe} decode, achieved`, totalBytes(decodeCost) / (decodeMs / DECODE_TOKENS) / 1e6, 'GB/s'));
  rows.push(
    demand(
      `${recipe} scoring ${LABELS} labels over prefill alone`,
      // Rounds are paired: each result's own two medians, seconds apart.
      median(results.map((r) => median(r.scoreMs) / median(r.prefillMs))),
      'x',
      'most',
      FLOORS.scoreRatio,
    ),
    demand(
      `${recipe} GGUF to ready session`,
      median(results.map((r) => r.openMs)) / 1000,
      's',
      'most',
      FLOORS.openSeconds,
    ),
  );
  if (wasmHeapBytes !== null && computedBytes !== null)
    rows.push(
      demand(
        `${recipe} WebAssembly heap over ${Math.round(computedBytes / 2 ** 20)} MiB of weights`,
        (wasmHeapBytes - computedBytes) / 2 ** 20,
        'MiB',
        'most',
        FLOORS.heapOverWeights / 2 ** 20,
      ),
    );
  rows.push(
    demand(
      `${recipe} metering, share of a ticket's time`,
      (100 * median(results.map((r) => r.meterMs))) / (prefillMs + decodeMs),
      '%',
      'most',
      FLOORS.meterPercent,
    ),
  );
  return rows;
}

const COMPRESS_NAMES: Record<keyof CompressSpeed, string> = {
  int4: '4-bit blocks, 1 thread',
  '2:4': '2:4 by magnitude, 1 thread',
  mag50: '50 % by magnitude, 1 thread',
};

export async function compressRows(d: Driver, repeats: number): Promise<BenchRow[]> {
  say('Compressing ...');
  const speed = await d.call('compressSpeed', { ...MATRIX, repeats });
  return (Object.keys(COMPRESS_NAMES) as (keyof CompressSpeed)[]).map((key) =>
    demand(COMPRESS_NAMES[key], median(speed[key]) / 1e6, 'M weights/s', 'least', FLOORS[key]),
  );
}

export async function pageRows(): Promise<BenchRow[]> {
  say('First page ...');
  const page = await firstPageScripts();
  return [
    demand(
      `first page JavaScript, gzip (${page.files} files)`,
      page.bytes / 1000,
      'kB',
      'most',
      FLOORS.scriptKilobytes,
    ),
  ];
}
