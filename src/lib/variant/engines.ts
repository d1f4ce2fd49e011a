import type { EngineName } from '../schema/engines';

/** What an engine is handed, and what it makes of it: one row each, total over `EngineName`. */
export interface HandedRow {
  /** Whether WebAssembly's 4 GiB bound a model. */
  inWasm: boolean;
  /** Whether a plan tries one thread fewer before it begins. */
  triesThreads: boolean;
  /** Whether it keeps keys and values in int8 (`kv8`). */
  kv8: boolean;
  /** Whether an adapter stands beside its weights, whatever these are; else it is merged into those that are neither rounded nor pruned. */
  adapters: boolean;
  /** What a budget's choices cost it: as packed into panels, 2:4 among them, as stored blocks, or all alike (null). */
  budget: 'panels' | 'blocks' | null;
  /** How the graph is made that it runs; null where it runs none of ours. */
  graph: { headSink: boolean; presents: 'whole' | 'fresh' } | null;
  /** The engine whose graph an exported variant has. */
  exportsAs: 'ort-cpu' | 'ort-gpu';
}

const GRAPH_ON_CPU = { headSink: true, presents: 'fresh' } as const;
const GRAPH_ON_GPU = { headSink: false, presents: 'whole' } as const;

export const HANDED = {
  cpu: {
    inWasm: true,
    triesThreads: true,
    kv8: true,
    adapters: true,
    budget: 'panels',
    graph: null,
    exportsAs: 'ort-cpu',
  },
  'ort-gpu': {
    inWasm: false,
    triesThreads: false,
    kv8: false,
    adapters: true,
    budget: 'blocks',
    graph: GRAPH_ON_GPU,
    exportsAs: 'ort-gpu',
  },
  'ort-cpu': {
    inWasm: true,
    triesThreads: false,
    kv8: false,
    adapters: true,
    budget: null,
    graph: GRAPH_ON_CPU,
    exportsAs: 'ort-cpu',
  },
  wgsl: {
    inWasm: false,
    triesThreads: false,
    kv8: false,
    adapters: false,
    budget: null,
    graph: null,
    exportsAs: 'ort-cpu',
  },
  hub: {
    inWasm: true,
    triesThreads: false,
    kv8: false,
    adapters: false,
    budget: null,
    graph: null,
    exportsAs: 'ort-cpu',
  },
  classical: {
    inWasm: false,
    triesThreads: false,
    kv8: false,
    adapters: false,
    budget: null,
    graph: null,
    exportsAs: 'ort-cpu',
  },
} as const satisfies Readonly<Record<EngineName, HandedRow>>;

/** Engines that run a graph of ours. */
export type GraphEngine = {
  [E in EngineName]: (typeof HANDED)[E]['graph'] extends object ? E : never;
}[EngineName];
