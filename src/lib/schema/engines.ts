/**
 * What an engine is: one row each, total over `EngineName`. Everything else asks a column. What it is
 * handed stands in `variant/engines.ts`, how it is opened in `engine/open.ts`, its title in `texts/budget.ts`, each total
 * as well. Plain data without imports, since the first page loads it.
 */

/**
 * How fast an engine is, before it has run here: of the order that `npm run bench` gives on two x86 cores, and for GPUs
 * a mid-range one's. Off by some factor on any device, which `forecast/price.ts` admits and the first run here corrects.
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
  /** What a variant's name is to it: a recipe for a checkpoint's weights, a ready-made export, or nothing (the baseline). */
  takes: 'recipe' | 'export' | 'nothing';
  /** What computes, and so what the power profile is taken from; `either` = the GPU where there is a real one. */
  device: 'cpu' | 'gpu' | 'either';
  /** Whether the page offers it; the command line offers all that open a model. */
  onPage: boolean;
  /** Whether threads of WebAssembly share its passes out. */
  threads: boolean;
  /** Where models lie side by side; null = nobody tells what there is, as of a GPU, so one at a time is open. */
  memory: 'device' | null;
  /** Null where plans are not priced beforehand: nobody counts its work. */
  speed: Speed | null;
}

export const ENGINES = ['cpu', 'ort-gpu', 'ort-cpu', 'wgsl', 'hub', 'classical'] as const;
export type EngineName = (typeof ENGINES)[number];

export const ENGINE = {
  cpu: {
    takes: 'recipe',
    device: 'cpu',
    onPage: true,
    threads: true,
    memory: 'device',
    speed: {
      operationsPerSecond: 20e9,
      bytesPerSecond: 8e9,
      secondsPerPass: 0.4e-3,
      secondsPerOpening: 0.5,
      secondsPerParameter: 80e-9,
    },
  },
  'ort-gpu': {
    takes: 'recipe',
    device: 'gpu',
    onPage: true,
    threads: false,
    memory: null,
    speed: {
      operationsPerSecond: 500e9,
      bytesPerSecond: 50e9,
      secondsPerPass: 8e-3,
      secondsPerOpening: 1.5,
      secondsPerParameter: 120e-9,
    },
  },
  'ort-cpu': {
    takes: 'recipe',
    device: 'cpu',
    onPage: true,
    threads: true,
    memory: 'device',
    speed: {
      operationsPerSecond: 10e9,
      bytesPerSecond: 4e9,
      secondsPerPass: 4e-3,
      secondsPerOpening: 1,
      secondsPerParameter: 120e-9,
    },
  },
  wgsl: {
    takes: 'recipe',
    device: 'gpu',
    onPage: false,
    threads: false,
    memory: null,
    speed: null,
  },
  hub: {
    takes: 'export',
    device: 'either',
    onPage: true,
    threads: true,
    memory: null,
    speed: null,
  },
  classical: {
    takes: 'nothing',
    device: 'cpu',
    onPage: false,
    threads: false,
    memory: 'device',
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

export const isCounted = (engine: EngineName): engine is CountedEngine => ENGINE[engine].speed !== null;

export type PageEngine = EnginesWith<'onPage', true>;
export const PAGE_ENGINES = ENGINES.filter((e): e is PageEngine => ENGINE[e].onPage);
export const CLI_ENGINES = ENGINES.filter((e) => ENGINE[e].takes !== 'nothing');

/** Engines that take whole steps of a training as one graph, in float32. */
export const STEP_ENGINES = ['ort-cpu', 'ort-gpu'] as const satisfies readonly EngineName[];
export type StepEngineName = (typeof STEP_ENGINES)[number];

/** Whether an engine is given recipes, and not names of exports. */
export const takesRecipes = (engine: EngineName): boolean => ENGINE[engine].takes === 'recipe';

/** The best engine of a kind of device: what is used where nobody chose, and what `--engine gpu` means. */
export const BEST_ENGINE = { cpu: 'cpu', gpu: 'ort-gpu' } as const satisfies Record<'cpu' | 'gpu', EngineName>;

/** The engine of a record that was made when ONNX Runtime on WebGPU was called `gpu`. */
export const engineNow = <T>(name: T): T | 'ort-gpu' => (name === 'gpu' ? 'ort-gpu' : name);
/** What an engine was called then: hashes are made of it, so that plans of then keep their name and go on. */
export const engineThen = (name: EngineName): string => (name === 'ort-gpu' ? 'gpu' : name);
