import type { VariantResult } from '../schema/result';
import type { EstimateRecord, RunRecord } from '../schema/run';

/** Records for tests, complete and valid; each test changes what it is about. */

export const exact = (mid: number, n = 1): EstimateRecord => ({ mid, low: null, high: null, n });

export const between = (low: number, mid: number, high: number, n = 5): EstimateRecord => ({ mid, low, high, n });

export const exampleResult = (more: Partial<VariantResult> = {}): VariantResult => ({
  variant: 'fp16',
  stage: 0,
  engine: 'cpu',
  kernel: 'stored 16-bit, computed 32-bit (WASM)',
  energy: between(0.9, 1, 1.1),
  taskShare: { rca: 1 },
  deviceRange: { low: 0.4, high: 2.2 },
  tier: 'profile',
  boundary: 'package',
  latency: exact(1),
  quality: between(0.6, 0.7, 0.8, 100),
  metrics: {},
  storedBytes: 1000,
  computedBytes: 1000,
  sparsity: 0,
  tickets: 100,
  slices: 5,
  fallbacks: [],
  ...more,
});

export const exampleRun = (more: Partial<RunRecord> = {}): RunRecord => ({
  v: 7,
  tuned: null,
  id: 'plan/unit',
  plan: 'plan',
  variant: 'fp16',
  task: 'rca',
  slice: 0,
  block: 0,
  anchor: false,
  part: 'test',
  stage: 0,
  engine: 'cpu',
  kernel: 'stored 16-bit, computed 32-bit (WASM)',
  threads: 2,
  startedAt: '2026-01-01T00:00:00Z',
  seed: 1,
  device: {
    userAgent: 'test',
    platform: null,
    mobile: null,
    browser: null,
    cores: 2,
    memoryGiB: null,
    crossOriginIsolated: true,
    wasm: { simd: true, relaxedSimd: true, threads: true },
    gpu: null,
    gpuMissing: 'test',
    renderer: null,
  },
  versions: {},
  pass: null,
  steadiness: null,
  checkpoint: { name: 'model', hash: '00', family: 'llama' },
  dataset: { name: 'tickets', hash: '00' },
  compression: {
    recipe: 'fp16',
    parameters: 100,
    zeros: 20,
    linearParameters: 80,
    storedBytes: 200,
    computedBytes: 400,
    removedNeurons: 0,
    removedLayers: 0,
  },
  fallbacks: [],
  warnings: [],
  conditions: null,
  phases: [exampleReading('load', 100), exampleReading('prefill', 3), exampleReading('decode', 1)],
  causes: ['A', 'B'],
  tickets: [exampleOutcome('1', 'A', 'A'), exampleOutcome('2', 'B', 'A')],
  prompts: null,
  metrics: {},
  wasmHeapBytes: null,
  kernels: null,
  ...more,
});

export const exampleReading = (
  phase: RunRecord['phases'][number]['phase'],
  mid: number,
): RunRecord['phases'][number] => ({
  phase,
  seconds: mid / 2,
  joules: { low: mid / 2, mid, high: mid * 2 },
  netJoules: { low: mid / 4, mid: mid / 2, high: mid },
  tier: 'profile',
  boundary: 'package',
  source: 'cpu-laptop',
  bytes: 1,
  flops: 1,
  tokens: 1,
});

export const exampleOutcome = (id: string, reference: string, output: string): RunRecord['tickets'][number] => ({
  id,
  promptTokens: 10,
  newTokens: 1,
  prefillMs: 1,
  decodeMs: 1,
  output,
  reference,
  scores: null,
  referenceLogProb: null,
  referenceTokens: null,
});
