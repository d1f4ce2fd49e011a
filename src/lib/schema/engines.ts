/**
 * What an engine is: one row each, total over `EngineName`. Everything else asks a column; how it is opened stands in
 * `engine/open.ts`. Plain data without imports, since the first page loads it.
 */

/**
 * How fast an engine is, before it has run here: of the order that `npm run bench` gives on two x86 cores, and for GPUs
 * a mid-range one's. Off by some factor on any device, which `plan/price.ts` admits and the first run here corrects.
 */
export interface Speed {
  /** Of one thread, where the engine has threads. */
  operationsPerSecond: number;
  bytesPerSecond: number;
  secondsPerPass: number;
  secondsPerOpening: number;
  /** Reading, compressing and packing. */
  secondsPerParameter: number;
}

export interface EngineRow {
  /** For people who choose. */
  title: string;
  /** What a variant's name is to it: a recipe for a checkpoint's weights, a ready-made export, or nothing (the baseline). */
  takes: 'recipe' | 'export' | 'nothing';
  /** What computes, and so what the power profile is taken from; `either` = the GPU where there is a real one. */
  device: 'cpu' | 'gpu' | 'either';
  /** Whether the page offers it, and the command line. */
  onPage: boolean;
  onCommandLine: boolean;
  /** Whether threads of WebAssembly share its passes out. */
  threads: boolean;
  /** Whether a plan tries one thread fewer before it begins. */
  triesThreads: boolean;
  /** Where models lie side by side; null = nobody knows what one takes, so one at a time is open. */
  memory: 'device' | 'gpu' | null;
  /** Whether WebAssembly's 4 GiB bound a model. */
  inWasm: boolean;
  /** Whether it keeps keys and values in int8 (`kv8`). */
  kv8: boolean;
  /** What a budget's choices cost it: as packed into panels, 2:4 among them, as stored blocks, or all alike (null). */
  budget: 'panels' | 'blocks' | null;
  /** How the graph is made that it runs; null where it runs none of ours. */
  graph: { headSink: boolean; presents: 'whole' | 'fresh' } | null;
  /** The engine whose graph an exported variant has. */
  exportsAs: 'ort-cpu' | 'ort-gpu';
  /** Null where plans are not priced beforehand: nobody counts its work. */
  speed: Speed | null;
}

export const ENGINES = ['cpu', 'ort-gpu', 'ort-cpu', 'wgsl', 'hub', 'classical'] as const;
export type EngineName = (typeof ENGINES)[number];

const GRAPH_ON_CPU = { headSink: true, presents: 'fresh' } as const;
const GRAPH_ON_GPU = { headSink: false, presents: 'whole' } as const;

export const ENGINE = {
  cpu: {
    title: "Joulewise's own kernels on WebAssembly",
    takes: 'recipe',
    device: 'cpu',
    onPage: true,
    onCommandLine: true,
    threads: true,
    triesThreads: true,
    memory: 'device',
    inWasm: true,
    kv8: true,
    budget: 'panels',
    graph: null,
    exportsAs: 'ort-cpu',
    speed: {
      operationsPerSecond: 20e9,
      bytesPerSecond: 8e9,
      secondsPerPass: 0.4e-3,
      secondsPerOpening: 0.5,
      secondsPerParameter: 80e-9,
    },
  },
  'ort-gpu': {
    title: 'ONNX Runtime on WebGPU',
    takes: 'recipe',
    device: 'gpu',
    onPage: true,
    onCommandLine: true,
    threads: false,
    triesThreads: false,
    memory: 'gpu',
    inWasm: false,
    kv8: false,
    budget: 'blocks',
    graph: GRAPH_ON_GPU,
    exportsAs: 'ort-gpu',
    speed: {
      operationsPerSecond: 500e9,
      bytesPerSecond: 50e9,
      secondsPerPass: 8e-3,
      secondsPerOpening: 1.5,
      secondsPerParameter: 120e-9,
    },
  },
  'ort-cpu': {
    title: 'ONNX Runtime on WebAssembly',
    takes: 'recipe',
    device: 'cpu',
    onPage: true,
    onCommandLine: true,
    threads: true,
    triesThreads: false,
    memory: 'device',
    inWasm: true,
    kv8: false,
    budget: null,
    graph: GRAPH_ON_CPU,
    exportsAs: 'ort-cpu',
    speed: {
      operationsPerSecond: 10e9,
      bytesPerSecond: 4e9,
      secondsPerPass: 4e-3,
      secondsPerOpening: 1,
      secondsPerParameter: 120e-9,
    },
  },
  wgsl: {
    title: 'our own WGSL, a prototype',
    takes: 'recipe',
    device: 'gpu',
    onPage: false,
    onCommandLine: true,
    threads: false,
    triesThreads: false,
    memory: 'gpu',
    inWasm: false,
    kv8: false,
    budget: null,
    graph: null,
    exportsAs: 'ort-cpu',
    speed: null,
  },
  hub: {
    title: 'ready-made ONNX exports through Transformers.js (joules unknown)',
    takes: 'export',
    device: 'either',
    onPage: true,
    onCommandLine: true,
    threads: true,
    triesThreads: false,
    memory: null,
    inWasm: true,
    kv8: false,
    budget: null,
    graph: null,
    exportsAs: 'ort-cpu',
    speed: null,
  },
  classical: {
    title: 'TF-IDF and logistic regression, without a language model',
    takes: 'nothing',
    device: 'cpu',
    onPage: false,
    onCommandLine: false,
    threads: false,
    triesThreads: false,
    memory: 'device',
    inWasm: false,
    kv8: false,
    budget: null,
    graph: null,
    exportsAs: 'ort-cpu',
    speed: null,
  },
} as const satisfies Readonly<Record<EngineName, EngineRow>>;

/** Name of the TF-IDF + logistic regression baseline among the variants. */
export const BASELINE = 'tf-idf';
/** The engine that computes the baseline; all others run language models. */
export const BASELINE_ENGINE = 'classical' satisfies EngineName;
/** Results of links may name engines of other versions. */
export const isModel = (engine: string): boolean => engine !== BASELINE_ENGINE;

/** Engines whose column says so. */
type EnginesWith<K extends keyof EngineRow, V> = {
  [E in EngineName]: (typeof ENGINE)[E][K] extends V ? E : never;
}[EngineName];
/** Engines whose work is known before they run. */
export type CountedEngine = EnginesWith<'speed', Speed>;
/** Engines that open a model. */
export type OpenedEngine = EnginesWith<'takes', 'recipe' | 'export'>;
/** Engines that run a graph of ours. */
export type GraphEngine = EnginesWith<'graph', object>;

export const isCounted = (engine: EngineName): engine is CountedEngine => ENGINE[engine].speed !== null;

export const PAGE_ENGINES = ENGINES.filter((e) => ENGINE[e].onPage);
export const CLI_ENGINES = ENGINES.filter((e) => ENGINE[e].onCommandLine);

/** Whether an engine is given recipes, and not names of exports. */
export const takesRecipes = (engine: EngineName): boolean => ENGINE[engine].takes === 'recipe';

/** The best engine of a kind of device: what is used where nobody chose, and what `--engine gpu` means. */
export const BEST_ENGINE = { cpu: 'cpu', gpu: 'ort-gpu' } as const satisfies Record<'cpu' | 'gpu', EngineName>;

/** The engine of a record that was made when ONNX Runtime on WebGPU was called `gpu`. */
export const engineNow = <T>(name: T): T | 'ort-gpu' => (name === 'gpu' ? 'ort-gpu' : name);
/** What an engine was called then: hashes are made of it, so that plans of then keep their name and go on. */
export const engineThen = (name: EngineName): string => (name === 'ort-gpu' ? 'gpu' : name);
