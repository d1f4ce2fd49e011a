import type { PageEngine } from '../schema/engines';

/** The panel of the step "Budget". */
export const BUDGET = {
  limit: 'Tickets per task',
  limitHint: 'of those for testing',
  slices: 'Slices',
  slicesHint:
    'six or more tell energies apart; 8 tickets each or more; empty: 9, or 6 larger ones where variants do not fit into memory side by side',
  margin: 'Margin of quality',
  marginHint: 'how much lower than the widest precision still does the job, 0 to 1',
  untilDecided:
    'Stop each variant once the answer cannot depend on it (with 240 tickets in up to 30 slices: few will be needed)',
  untilPercent: 'Measure joules until ±, %',
  untilPercentHint:
    'repeats slices, up to 100, until joules a ticket are known so well (95 %); of estimates their spread alone. Not in the forecast',
  noBound: 'off',
  tokens: 'Tokens per response',
  tokensHint: 'at most',
  threads: 'Threads',
  threadsHint: 'WebAssembly only; empty: all cores, at most 8',
  auto: 'auto',
  weight: 'Weight of energy in the paper’s ranking:',
  engine: 'Engine',
  engines: {
    cpu: "cpu: Joulewise's own kernels on WebAssembly",
    'ort-cpu': 'ort-cpu: ONNX Runtime on WebAssembly',
    'ort-gpu': 'ort-gpu: ONNX Runtime on WebGPU',
    hub: 'hub: ready-made ONNX exports through Transformers.js (joules unknown)',
  } satisfies Record<PageEngine, string>,
  noAdapter: ' (no adapter here)',
  noExports: ' (for Hub models only)',
  profile: 'Power profile, from which energy is estimated',
  guessed: (label: string | null) => (label === null ? 'Guessed from the device' : `Guessed: ${label}`),
  profileHint:
    'If you know better, choose: a page is told little of the device, and an estimate is only as good as its profile.',
} as const;
