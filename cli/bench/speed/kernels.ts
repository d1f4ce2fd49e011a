import type { BuildName } from '../../../src/lib/core/dot';
import type { EngineName } from '../../../src/lib/schema/engines';
import { median } from '../../../src/lib/core/stats';
import type { KernelLimits } from '../../../src/lib/cpu/limits';
import type { ScaleShape } from '../../../src/lib/cpu/scale';
import { totalBytes } from '../../../src/lib/core/cost';
import type { SpeedResult } from '../../../src/lib/bench/model';
import { defaultProfile, drive, type Driver } from '../../shared/browser';
import { checkpointOf } from '../../shared/context';
import { say } from '../../shared/print';
import { nativeSpeed } from './native';
import { openPeer, type PeerSpeed } from './peer';
import { requantize } from './requantize';
import { demand, plain, versus, type BenchRow } from '../../shared/rows';

/** Our own kernels beside ONNX Runtime, llama.cpp in the same browser, native runtimes, and what the machine can do. */

const PREFILL_TOKENS = 256;
const DECODE_TOKENS = 64;
const LABELS = 8;
const LIMIT_REPEATS = 7;

/**
 * What is demanded: shares of what the machine itself did in the same minute, since ratios to a peer are as much about
 * the processor as about the kernels (int8 decode was 7 times ONNX Runtime's on one, 5.4 on another whose memory was full).
 */
const FLOORS = {
  decode: { fp32: 0.8, int8: 0.5, int4: 0.35 },
  gemm: { int8: 0.6, fp32: 0.8 },
  read: 0.85,
  sparse: 1.25,
  score: 1.2,
} as const;
/** Formats whose decode step is held against reading. */
const READING = ['fp32', 'int8', 'int4'] as const;

/** Engine and recipe of each measurement of a round. */
const OURS = ['fp32', 'fp16', 'int8', 'int4', 'fp16+2:4', 'int8+2:4', 'int8+kv8', 'int4+kv8'] as const;
const THEIRS = ['fp32', 'int8'] as const;

interface Rounds {
  ours: Record<(typeof OURS)[number], SpeedResult[]>;
  ort: Record<(typeof THEIRS)[number], SpeedResult[]>;
  wllama: PeerSpeed[];
  /** Of each round. */
  limits: KernelLimits[];
}

/** The best of several numbers of streams: what memory gives to a program that asks well. Bytes a second. */
const readLimit = (l: KernelLimits) => Math.max(...Object.values(l.read));

const rate = (results: readonly SpeedResult[], phase: 'prefill' | 'decode') =>
  phase === 'prefill'
    ? PREFILL_TOKENS / (median(results.flatMap((r) => r.prefillMs)) / 1000)
    : DECODE_TOKENS / (median(results.flatMap((r) => r.decodeMs)) / 1000);

const saySpeed = (what: string, prefill: number, decode: number) =>
  say(`  ${what}: prefill ${prefill.toFixed(0)}, decode ${decode.toFixed(1)} tokens/s`);

const SPEED = { prefill: PREFILL_TOKENS, decode: DECODE_TOKENS, labels: LABELS, repeats: 2 };

/** Int8 and int4 in a browser whose V8 does not use VNNI, on a profile of its own: what x86 before 2021 gets. */
async function withoutVnniRows(checkpoint: string, threads: number): Promise<BenchRow[]> {
  const d = await drive({ jsFlags: '--no-enable-avx-vnni', profile: `${defaultProfile()}-no-vnni` });
  try {
    const stored = await checkpointOf(d, checkpoint);
    const rows: BenchRow[] = [];
    for (const recipe of ['int8', 'int4', 'int8+2:4']) {
      const s = await d.call('speed', { checkpoint: stored, recipe, engine: 'cpu', threads, ...SPEED });
      for (const phase of ['decode', 'prefill'] as const)
        rows.push(plain(`own ${recipe} ${phase}, --no-enable-avx-vnni`, rate([s], phase), 'tokens/s'));
    }
    return rows;
  } finally {
    await d.close();
  }
}

export async function kernelRows(d: Driver, checkpoint: string, threads: number, rounds: number): Promise<BenchRow[]> {
  const stored = await checkpointOf(d, checkpoint);
  const q8 = await requantize(checkpoint, 'Q8_0');
  const q4 = await requantize(checkpoint, 'Q4_0');
  const peer = await openPeer(d, q8, threads);
  const speed = async (
    engine: EngineName,
    recipe: string,
    more: { threads?: number; kernelBuild?: BuildName } = {},
  ) => {
    const result = await d.call('speed', {
      checkpoint: stored,
      recipe,
      engine,
      threads,
      ...SPEED,
      ...more,
    });
    // A bench that is cut off has said what it measured.
    saySpeed(`${engine} ${recipe}`, rate([result], 'prefill'), rate([result], 'decode'));
    return result;
  };
  const all: Rounds = {
    ours: Object.fromEntries(OURS.map((r) => [r, []])) as unknown as Rounds['ours'],
    ort: { fp32: [], int8: [] },
    wllama: [],
    limits: [],
  };
  for (let round = 0; round < rounds; round++) {
    say(`Kernels, round ${round + 1} of ${rounds}: wllama Q8_0, ONNX Runtime, ours ...`);
    const theirs = await peer.speed(PREFILL_TOKENS, DECODE_TOKENS);
    saySpeed('wllama Q8_0', theirs.prefill, theirs.decode);
    all.wllama.push(theirs);
    for (const recipe of THEIRS) all.ort[recipe].push(await speed('ort-cpu', recipe));
    for (const recipe of OURS) all.ours[recipe].push(await speed('cpu', recipe));
    all.limits.push(await d.call('kernelLimits', { threads, build: null, repeats: LIMIT_REPEATS }));
  }
  say('Kernels: one thread, baseline SIMD, native runtimes ...');
  const single = await speed('cpu', 'int8', { threads: 1 });
  const baseline = await speed('cpu', 'int8', { kernelBuild: 'plain' });
  const o = { threads, prefill: PREFILL_TOKENS, decode: DECODE_TOKENS };
  const native = {
    q8: nativeSpeed('llama', q8, o),
    q4: nativeSpeed('llama', q4, o),
    torch: nativeSpeed('torch', checkpoint, o),
  };
  const { ours, ort } = all;
  const wllama = median(all.wllama.map((w) => w.decode));
  const decode = (r: (typeof OURS)[number]) => rate(ours[r], 'decode');
  const prefill = (r: (typeof OURS)[number]) => rate(ours[r], 'prefill');
  const ortDecode = { fp32: rate(ort.fp32, 'decode'), int8: rate(ort.int8, 'decode') };
  const rows = [
    plain(`ONNX Runtime fp32 decode ${DECODE_TOKENS}, ${threads} threads`, ortDecode.fp32, 'tokens/s'),
    plain('ONNX Runtime int8 decode', ortDecode.int8, 'tokens/s'),
    plain(`ONNX Runtime int8 prefill ${PREFILL_TOKENS}`, rate(ort.int8, 'prefill'), 'tokens/s'),
    plain('wllama Q8_0 decode', wllama, 'tokens/s'),
    versus('own int8 decode / ONNX Runtime int8', decode('int8'), 'tokens/s', ortDecode.int8, null),
    versus('own int4 decode / ONNX Runtime int8', decode('int4'), 'tokens/s', ortDecode.int8, null),
    versus('own fp32 decode / ONNX Runtime fp32', decode('fp32'), 'tokens/s', ortDecode.fp32, null),
    versus('own int8 decode / wllama Q8_0', decode('int8'), 'tokens/s', wllama, null),
    versus('own int8 prefill / ONNX Runtime int8', prefill('int8'), 'tokens/s', rate(ort.int8, 'prefill'), null),
    ...OURS.filter((r) => r !== 'int8').map((r) => plain(`own ${r} prefill`, prefill(r), 'tokens/s')),
    ...(['fp16', 'fp16+2:4', 'int8+2:4', 'int8+kv8', 'int4+kv8'] as const).map((r) =>
      plain(`own ${r} decode`, decode(r), 'tokens/s'),
    ),
    ...(['fp32', 'int8', 'int4'] as const).map((r) =>
      demand(
        `own ${r} scoring ${LABELS} labels over prefill alone`,
        median(ours[r].map((s) => median(s.scoreMs) / median(s.prefillMs))),
        'x',
        'most',
        FLOORS.score,
      ),
    ),
    plain('own int8 decode, 1 thread', rate([single], 'decode'), 'tokens/s'),
    plain('own int8 prefill, 1 thread', rate([single], 'prefill'), 'tokens/s'),
    plain('own int8 decode, baseline SIMD', rate([baseline], 'decode'), 'tokens/s'),
    plain('own int8 prefill, baseline SIMD', rate([baseline], 'prefill'), 'tokens/s'),
    ...(await withoutVnniRows(checkpoint, threads)),
    ...limitRows(all),
  ];
  if (native.q8)
    rows.push(
      versus('own int8 prefill / native llama.cpp Q8_0', prefill('int8'), 'tokens/s', native.q8.prefill, null),
      versus('own int8 decode / native llama.cpp Q8_0', decode('int8'), 'tokens/s', native.q8.decode, null),
    );
  if (native.q4)
    rows.push(versus('own int4 decode / native llama.cpp Q4_0', decode('int4'), 'tokens/s', native.q4.decode, null));
  if (native.torch)
    rows.push(versus('own fp32 decode / PyTorch fp32', decode('fp32'), 'tokens/s', native.torch.decode, null));
  return rows;
}

/** How near the kernels come to what this machine did in the same run. */
function limitRows({ limits, ours }: Rounds): BenchRow[] {
  const l = limits.at(-1) as KernelLimits;
  const read = readLimit(l);
  const giga = (x: number | undefined) => (x ?? NaN) / 1e9;
  // Against bytes where the device sums byte products in one instruction, else against 16-bit levels.
  const eight = l.dot ? 'byte8' : 'int8';
  const peak = l.dot ? l.peak.byte : l.peak.int;
  const dense = l.gemv[eight];
  const sparse = l.gemv[`${eight} 2:4`];
  const rows = [
    plain('limit: read from memory', read / 1e9, 'GB/s'),
    plain(`limit: ${l.dot ? 'byte' : 'int16'} products on registers`, peak / 1e9, 'GOP/s'),
    plain('limit: fp32 multiply-adds on registers', l.peak.float / 1e9, 'GFLOP/s'),
    versus('own int8 GEMM / limit', giga(l.gemm[eight]), 'GOP/s', peak / 1e9, FLOORS.gemm.int8),
    versus('own fp32 GEMM / limit', giga(l.gemm.f32), 'GFLOP/s', l.peak.float / 1e9, FLOORS.gemm.fp32),
    versus('own fp32 GEMV from memory / limit', giga(l.gemv.f32?.bytes), 'GB/s', read / 1e9, FLOORS.read),
    versus('own int8 GEMV from memory / limit', giga(dense?.bytes), 'GB/s', read / 1e9, FLOORS.read),
    versus('own int4 GEMV from memory / limit', giga(l.gemv.int4?.bytes), 'GB/s', read / 1e9, null),
  ];
  if (dense && sparse)
    rows.push(
      versus(
        'own int8 2:4 / int8 GEMV from memory',
        sparse.weights / 1e9,
        'Gweights/s',
        dense.weights / 1e9,
        FLOORS.sparse,
      ),
      versus('the same, both from the cache', sparse.cached / 1e9, 'Gweights/s', dense.cached / 1e9, null),
    );
  for (const recipe of READING) {
    const cost = ours[recipe][0]?.decodeCost;
    if (!cost) continue;
    const shares = ours[recipe].map(
      (result, round) => (totalBytes(cost) * rate([result], 'decode')) / readLimit(limits[round] as KernelLimits),
    );
    rows.push(
      demand(
        `own ${recipe} whole decode: share of the read limit of its round`,
        median(shares),
        '',
        'least',
        FLOORS.decode[recipe],
      ),
    );
  }
  return rows;
}

/** Int8 models of SmolLM2's proportions and larger, up to what 4 GiB hold. */
const SHAPES: readonly ScaleShape[] = [
  { hiddenSize: 576, intermediateSize: 1536, layers: 30, heads: 9, kvHeads: 3, vocabSize: 49152 },
  { hiddenSize: 2048, intermediateSize: 5632, layers: 22, heads: 32, kvHeads: 4, vocabSize: 32000 },
  { hiddenSize: 3072, intermediateSize: 8192, layers: 28, heads: 24, kvHeads: 8, vocabSize: 128256 },
];

/** What a decode step costs by size: the same nanoseconds a weight, whatever the size. */
export async function scaleRows(d: Driver, threads: number, repeats: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const shape of SHAPES) {
    say(`Kernels: a decode step of a model of ${shape.layers} layers of ${shape.hiddenSize} ...`);
    const s = await d.call('scaleSpeed', { shape, threads, build: null, repeats });
    rows.push(
      plain(`random int8 model, ${Math.round(s.parameters / 1e6)} M weights, decode step`, s.decodeMs, 'ms'),
      plain('the same per weight', (s.decodeMs * 1e6) / s.parameters, 'ns'),
    );
  }
  return rows;
}
