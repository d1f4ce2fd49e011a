import { writeFileSync } from 'node:fs';
import { median } from '../../src/lib/core/stats';
import { totalBytes } from '../../src/lib/graph/cost';
import type { CompressSpeed, SpeedResult } from '../../src/lib/workers/protocol';
import { parseArgs } from '../args';
import { smollm2 } from '../bench/checkpoint';
import { firstPageScripts } from '../bench/page';
import { MOUNTS, openPeer, type PeerSpeed } from '../bench/peer';
import { drive, type Driver } from '../browser';
import { checkpointOf, existing, fromHere, print, say } from '../context';
import { renderTable } from '../table';

/** One number of the bench. `floor` is demanded of `ratio` where there is one, else of `value`. */
export interface BenchRow {
  name: string;
  value: number;
  unit: string;
  /** Ours over the peer's; null where there is no peer. */
  ratio: number | null;
  floor: number | null;
  /** Whether `floor` is the least or the most allowed. */
  bound: 'least' | 'most';
}

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

const met = (r: BenchRow): boolean | null => {
  if (r.floor === null) return null;
  const measured = r.ratio ?? r.value;
  return r.bound === 'least' ? measured >= r.floor : measured <= r.floor;
};

export async function bench(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, { checkpoint: 'text', threads: 'whole', quick: 'flag', json: 'text' });
  const threads = a.whole('threads', 2);
  const json = a.text('json');
  const named = a.text('checkpoint');
  const checkpoint = named === null ? smollm2() : existing(named, 'Checkpoint');
  const rounds = a.flag('quick') ? 1 : 3;
  const d = await drive({ mounts: MOUNTS });
  let rows: BenchRow[];
  try {
    rows = [
      ...(await modelRows(d, checkpoint, threads, rounds)),
      ...(await compressRows(d, a.flag('quick') ? 15 : 60)),
    ];
  } finally {
    await d.close();
  }
  say('First page ...');
  const page = await firstPageScripts();
  rows.push({
    name: `first page JavaScript, gzip (${page.files} files)`,
    value: page.bytes / 1000,
    unit: 'kB',
    ratio: null,
    floor: FLOORS.scriptKilobytes,
    bound: 'most',
  });
  print(renderBench(rows));
  if (json !== null) writeFileSync(fromHere(json), `${JSON.stringify(rows, null, 2)}\n`);
}

/** Ours and the peer's in alternating rounds, so that whatever else the machine does falls on both. */
async function modelRows(d: Driver, checkpoint: string, threads: number, rounds: number): Promise<BenchRow[]> {
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
  const plain = (name: string, value: number, unit: string): BenchRow => ({
    name,
    value,
    unit,
    ratio: null,
    floor: null,
    bound: 'least',
  });
  return [
    plain(`wllama prefill ${PREFILL_TOKENS}, ${peer.threads} threads`, peerPrefill, 'tokens/s'),
    plain(`wllama decode ${DECODE_TOKENS}`, peerDecode, 'tokens/s'),
    ...RECIPES.flatMap((recipe) => recipeRows(recipe, ours[recipe], peerPrefill, peerDecode, plain)),
  ];
}

function recipeRows(
  recipe: Recipe,
  results: readonly SpeedResult[],
  peerPrefill: number,
  peerDecode: number,
  plain: (name: string, value: number, unit: string) => BenchRow,
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

async function compressRows(d: Driver, repeats: number): Promise<BenchRow[]> {
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

function renderBench(rows: readonly BenchRow[]): string {
  const digits = (n: number) => (n >= 100 ? n.toFixed(0) : n >= 1 ? n.toFixed(2) : n.toFixed(3));
  return renderTable(
    ['what', 'value', 'unit', 'ratio', 'demanded', 'met'],
    rows.map((r) => {
      const ok = met(r);
      return [
        r.name,
        digits(r.value),
        r.unit,
        r.ratio === null ? '' : `${r.ratio.toFixed(2)}x`,
        r.floor === null ? '' : `${r.bound === 'least' ? '>=' : '<='} ${r.floor}${r.ratio === null ? '' : 'x'}`,
        ok === null ? '' : ok ? 'yes' : 'NO',
      ];
    }),
  );
}
