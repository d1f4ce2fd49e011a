import * as L from '../../kernels/layout';
import {
  type LinearName,
  LINEARS,
  names,
  PLACE_IN_GROUP,
  placeOf,
  ropeRows,
  type VectorName,
} from '../checkpoint/block';
import { checkIds, type ModelConfig } from '../checkpoint/config';
import type { LowRank } from '../checkpoint/adapter';
import { JoulewiseError } from '../core/errors';
import type { StoredTensor } from '../tensor/stored';
import { FORMATS, formatOf, packedBytes, packTensor, padDepth, padRows, type FormatName } from './formats';
import { KernelMemory } from './memory';
import type { ByteDot } from '../core/dot';
import { ThreadTeam, type KernelExports, type Spawn } from './module';
import { CACHE_BYTES, cachedBytes, type CacheFormat, type PackedMatrix } from './size';

/** Tokens of one pass: longer prompts go in pieces, so that activations stay small. */
export const MAX_TOKENS = 512;
/** Positions whose logits one pass may give. */
export const MAX_LOGITS = 64;

const MATRIX_FIELD: Readonly<Record<LinearName, number>> = {
  q_proj: L.L_Q,
  k_proj: L.L_K,
  v_proj: L.L_V,
  o_proj: L.L_O,
  gate_proj: L.L_GATE,
  up_proj: L.L_UP,
  down_proj: L.L_DOWN,
};

/** Matrices that read one input have different slots, so that their adapters' first halves lie side by side. */
const ADAPTER_SLOTS = 1 + Math.max(...Object.values(PLACE_IN_GROUP));

/** Where the pointer to a vector of a layer stands. */
const VECTOR_FIELD: Readonly<Record<VectorName, number>> = {
  inputNorm: L.L_INPUT_NORM,
  postNorm: L.L_POST_NORM,
  qNorm: L.L_Q_NORM,
  kNorm: L.L_K_NORM,
  qBias: L.L_Q_BIAS,
  kBias: L.L_K_BIAS,
  vBias: L.L_V_BIAS,
};

/** Raise when panels, or where they and their descriptors lie, change; images of before are then packed anew. */
export const MODEL_VERSION = 2;
const ALL_ONES = 0xffffffff;
const IMAGE_PIECE_BYTES = 8 * 2 ** 20;

/** Streams in which products with one token read matrices of a format; L.STREAMS where nothing is said. */
export type Streams = Partial<Readonly<Record<FormatName, number>>>;

/** A packed model as plain data, beside the `bytes` bytes of its memory. */
export interface ModelImage {
  matrices: [name: string, PackedMatrix][];
  adapters: number;
  topLevel: number;
  bytes: number;
}

/** An adapter's two halves beside a matrix: addresses of the matrix's and of their descriptor, and what they take. */
interface PlacedAdapter {
  matrix: number;
  at: number;
  parts: readonly (readonly [name: string, PackedMatrix])[];
}

/** What one pass is asked for. */
export interface PassRequest {
  ids: readonly number[];
  /** Rope position of each token; slots in the cache are consecutive. */
  positions: readonly number[];
  /** First slot of each token's own span. */
  spans: readonly number[];
  /** Slots below this are seen by all tokens. */
  prefix: number;
  /** Tokens (indices, ascending) whose logits are wanted. */
  logitRows: readonly number[];
  /** Whether `onLogits` gets each row's log-sum-exp. */
  probabilities?: boolean;
}

/** What a pass tells of a row: [vocabulary] logits, a view that the next pass overwrites, and log(sum(exp(logits))) if it was asked for, else NaN. */
export type OnLogits = (row: number, logits: Float32Array, logSum: number) => void;

/** Time of a kernel since the counters were last cleared. */
export type KernelMs = Record<'embedding' | 'linear' | 'attention' | 'vectors' | 'head', number>;

/**
 * A model in the kernels' memory. Weights come in layer by layer and are packed at once; `start` makes room for
 * activations and cache behind them, and starts the threads.
 */
export class CpuModel {
  readonly memory = new KernelMemory();
  /** By their name in the renumbered model. */
  readonly matrices = new Map<string, PackedMatrix>();
  private topLevel: number = L.TOP_LEVEL;
  private team: ThreadTeam | null = null;
  private readonly layerTable: number;
  private readonly outerMatrices: number;
  /** Matrices with an adapter that was packed with them. */
  adapters = 0;
  /** Adapters that lie beside the matrices by name, of which one is at work at a time. */
  private readonly named = new Map<string, PlacedAdapter[]>();
  private active: string | null = null;
  /** How keys and values are kept, once started. */
  cache: CacheFormat = 'f32';
  private chunks = 0;
  private chunkBytes = 0;
  private logitsAt = 0;
  private sumsAt = 0;
  private readonly stride: { x: number; q: number; kv: number; ffn: number; logits: number };
  private idsAt = 0;
  private rowsAt = 0;

  constructor(
    readonly config: ModelConfig,
    readonly ffnSizes: readonly number[],
    readonly maxPositions: number,
    readonly dot: ByteDot,
  ) {
    const { hiddenSize, heads, kvHeads, headDim, vocabSize, layers } = config;
    this.stride = {
      x: padDepth(hiddenSize),
      q: padDepth(heads * headDim),
      kv: padRows(kvHeads * headDim),
      ffn: padDepth(Math.max(...ffnSizes)),
      logits: padRows(vocabSize),
    };
    this.useDot(dot);
    this.layerTable = this.memory.take(layers * L.LAYER_BYTES);
    this.outerMatrices = this.memory.take(2 * L.MATRIX_BYTES);
  }

  private layerAt(layer: number): number {
    return this.layerTable + layer * L.LAYER_BYTES;
  }

  /** Packs a tensor and writes its descriptor. */
  private place(name: string, at: number, t: StoredTensor, rowsRead = false): void {
    this.placeAs(name, at, t, formatOf(t, this.dot, rowsRead));
  }

  placeAs(name: string, at: number, t: StoredTensor, format: FormatName): void {
    const row = FORMATS[format];
    const rows = padRows(t.rows);
    const depth = padDepth(t.columns);
    const bytes = (rows / L.PANEL) * depth * row.bytesPerInput;
    const data = this.memory.take(bytes);
    const scales = row.rowScales ? this.memory.take(rows * 4) : 0;
    const largest = packTensor(
      t,
      format,
      this.memory.u8(data, bytes),
      this.memory.f32(scales, row.rowScales ? rows : 0),
      this.dot,
    );
    // No sum of a row's weights times levels may leave int32.
    this.topLevel = Math.min(this.topLevel, largest ? Math.floor((2 ** 31 - 1) / largest) : this.topLevel);
    this.memory.setF32(L.M_TOP_LEVEL, this.topLevel);
    this.memory.u32(at, 5).set([row.code, rows, depth, data, scales]);
    this.matrices.set(name, {
      format,
      rows: t.rows,
      columns: t.columns,
      bytes: packedBytes(format, t.rows, t.columns),
    });
  }

  setLayer(layer: number, weights: Readonly<Record<LinearName, StoredTensor>>): void {
    for (const linear of LINEARS)
      this.place(names.linear(layer, linear), this.layerAt(layer) + MATRIX_FIELD[linear], weights[linear]);
  }

  /**
   * A low-rank adapter beside a matrix that stands already: y += b (a x). a [rank, inputs], b [outputs, rank], its factor
   * multiplied in, both float32.
   */
  setAdapter(layer: number, linear: LinearName, low: LowRank): void {
    const { matrix, at } = this.layAdapter(layer, linear, low);
    this.memory.setU32(matrix + L.W_ADAPTER, at);
    this.adapters++;
  }

  /** The same, before `start`, for an adapter that `useAdapter` puts to work by its name. */
  addAdapter(name: string, layer: number, linear: LinearName, low: LowRank): void {
    const placed = this.layAdapter(layer, linear, low);
    for (const [part] of placed.parts) this.matrices.delete(part);
    this.named.set(name, [...(this.named.get(name) ?? []), placed]);
  }

  get adapterNames(): readonly string[] {
    return [...this.named.keys()];
  }
  /** Matrices that an adapter changes. */
  changedBy(name: string): number {
    return this.named.get(name)?.length ?? 0;
  }

  /**
   * Puts a named adapter to work in place of the one before, or (null) none: pointers change, and no weight is packed. What
   * the cache holds was computed with the one before.
   */
  useAdapter(name: string | null): void {
    const next = name === null ? [] : this.named.get(name);
    if (!next) throw new TypeError(`no adapter ${name}`);
    for (const { matrix, parts } of (this.active !== null && this.named.get(this.active)) || []) {
      this.memory.setU32(matrix + L.W_ADAPTER, 0);
      for (const [part] of parts) this.matrices.delete(part);
    }
    for (const { matrix, at, parts } of next) {
      this.memory.setU32(matrix + L.W_ADAPTER, at);
      for (const [part, packed] of parts) this.matrices.set(part, packed);
    }
    this.active = name;
  }

  private layAdapter(layer: number, linear: LinearName, { rank, a, b }: LowRank): PlacedAdapter {
    if (rank > L.MAX_RANK)
      throw new JoulewiseError(
        'recipe.impossible',
        `Our own kernels take adapters of a rank up to ${L.MAX_RANK}; this one has ${rank}. Train one of a smaller rank, or merge it first.`,
      );
    const name = names.linear(layer, linear);
    const matrix = this.layerAt(layer) + MATRIX_FIELD[linear];
    const { rows, columns } = this.matrices.get(name) as PackedMatrix;
    const at = this.memory.take(L.ADAPTER_BYTES);
    this.placeAs(`${name} lora_A`, at + L.A_DOWN, { format: 'fp32', rows: rank, columns, data: a }, 'f32');
    this.placeAs(`${name} lora_B`, at + L.A_UP, { format: 'fp32', rows, columns: rank, data: b }, 'f32');
    this.memory.setU32(at + L.A_SLOT, PLACE_IN_GROUP[linear]);
    const parts = [`${name} lora_A`, `${name} lora_B`].map((part) => [part, this.matrices.get(part)] as const);
    return { matrix, at, parts: parts as PlacedAdapter['parts'] };
  }

  /** Embedding and output projection; `head` is null where they are one. */
  setOuter(embedding: StoredTensor, head: StoredTensor | null): void {
    this.place(names.embedding, this.outerMatrices, embedding, true);
    let headAt = this.outerMatrices;
    if (head) {
      headAt += L.MATRIX_BYTES;
      this.place(names.head, headAt, head);
    }
    this.memory.setU32(L.M_EMBEDDING, this.outerMatrices);
    this.memory.setU32(L.M_HEAD, headAt);
  }

  /** A norm weight or bias, by its name. */
  setVector(name: string, data: Float32Array): void {
    const at = this.memory.take(padDepth(data.length) * 4);
    this.memory.f32(at, data.length).set(data);
    if (name === names.finalNorm) {
      this.memory.setU32(L.M_FINAL_NORM, at);
      return;
    }
    const { layer, vector } = placeOf(name);
    if (layer === null || layer >= this.config.layers || !vector) throw new TypeError(`no place for ${name}`);
    this.memory.setU32(this.layerAt(layer) + VECTOR_FIELD[vector], at);
  }

  /** What packing left, before `start`: all that another model of this shape needs to stand where this one does. */
  image(): { image: ModelImage; pieces: Iterable<Uint8Array<ArrayBuffer>> } {
    const { memory, matrices, adapters, topLevel } = this;
    const bytes = memory.used;
    function* pieces() {
      for (let at = 0; at < bytes; at += IMAGE_PIECE_BYTES)
        yield memory.u8(at, Math.min(IMAGE_PIECE_BYTES, bytes - at)).slice();
    }
    return { image: { matrices: [...matrices], adapters, topLevel, bytes }, pieces: pieces() };
  }

  /** Takes the place of every `set...`: an image of a model with the same configuration, in pieces of any length. */
  async restore(image: ModelImage, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    this.memory.take(image.bytes - this.memory.used);
    let at = 0;
    for await (const piece of pieces) {
      this.memory.u8(at, piece.length).set(piece);
      at += piece.length;
    }
    for (const [name, matrix] of image.matrices) this.matrices.set(name, matrix);
    this.adapters = image.adapters;
    this.topLevel = image.topLevel;
  }

  get cachedBytes(): number {
    return cachedBytes(this.cache, this.config.headDim);
  }

  /** Bytes of all packed matrices. */
  get weightBytes(): number {
    return [...this.matrices.values()].reduce((n, m) => n + m.bytes, 0);
  }

  /** Byte products as `dot` takes them. Matrices of bytes are packed for one `dot`: others are another model's. */
  useDot(dot: ByteDot): void {
    this.memory.setU32(L.M_WIDE_SUMS, Number(dot !== null));
    this.memory.setU32(L.M_UNSIGNED, dot === 'unsigned' ? ALL_ONES : 0);
  }

  /** The order of reading changes no result: every sum is added up in the same order. */
  setStreams(streams: Streams): void {
    const words = this.memory.u32(L.M_STREAMS, L.FORMATS_IN_ALL).fill(L.STREAMS);
    for (const [format, n] of Object.entries(streams)) words[FORMATS[format as FormatName].code] = n;
  }

  /** Lays out activations, tables and cache, and starts the threads. Weights must be in. */
  async start(
    module: WebAssembly.Module,
    threads: number,
    spawn: Spawn,
    cache: CacheFormat = 'f32',
    streams: Streams = {},
  ): Promise<void> {
    const { memory, config, stride } = this;
    this.setStreams(streams);
    const { heads, kvHeads, headDim, layers } = config;
    const set = (at: number, value: number) => memory.setU32(at, value);
    const floats = (n: number) => memory.take(n * 4);
    set(L.M_LAYERS, layers);
    set(L.M_HIDDEN, config.hiddenSize);
    set(L.M_HEADS, heads);
    set(L.M_KV_HEADS, kvHeads);
    set(L.M_HEAD_DIM, headDim);
    memory.setF32(L.M_EPSILON, config.normEpsilon);
    memory.setF32(L.M_SCALE, headDim ** -0.5);
    set(L.M_LAYER_TABLE, this.layerTable);
    set(L.M_STRIDE_X, stride.x);
    set(L.M_STRIDE_Q, stride.q);
    set(L.M_STRIDE_KV, stride.kv);
    set(L.M_STRIDE_FFN, stride.ffn);
    set(L.M_STRIDE_LOGITS, stride.logits);
    this.writeRope();
    set(L.M_MASKS, memory.take(256 * 16));

    // A tile may end behind the last token.
    const tokens = Math.ceil(MAX_TOKENS / L.TILE) * L.TILE;
    const deepest = Math.max(stride.x, stride.q, stride.ffn);
    set(L.M_X, floats(tokens * stride.x));
    set(L.M_Q, floats(tokens * stride.q));
    set(L.M_K, floats(tokens * stride.kv));
    set(L.M_V, floats(tokens * stride.kv));
    set(L.M_ATTENDED, floats(tokens * stride.q));
    set(L.M_GATE, floats(tokens * stride.ffn));
    set(L.M_UP, floats(tokens * stride.ffn));
    set(L.M_TILES_F32, floats(tokens * deepest));
    set(L.M_TILES_INT, memory.take(tokens * deepest * 2));
    set(L.M_TOKEN_SCALES, floats(tokens));
    set(L.M_TILES_BYTE, memory.take(tokens * deepest));
    set(L.M_BLOCK_SCALES, floats((tokens * deepest) / L.DEPTH));
    set(L.M_BLOCK_SUMS, floats((tokens * deepest) / L.DEPTH));
    if (this.adapters || this.named.size > 0) {
      set(L.M_ADAPTED, floats(ADAPTER_SLOTS * tokens * L.MAX_RANK));
      set(L.M_ADAPTED_SLOT, tokens * L.MAX_RANK * 4);
    }
    this.logitsAt = floats(MAX_LOGITS * stride.logits);
    set(L.M_LOGITS, this.logitsAt);
    set(L.M_VOCABULARY, config.vocabSize);
    this.sumsAt = memory.take(MAX_LOGITS * 16);
    this.idsAt = floats(tokens * 3);
    set(L.PASS_IDS, this.idsAt);
    set(L.PASS_POSITIONS, this.idsAt + tokens * 4);
    set(L.PASS_SPANS, this.idsAt + tokens * 8);
    this.rowsAt = floats(MAX_LOGITS);
    set(L.PASS_LOGIT_ROWS, this.rowsAt);
    // A partial of attention: a head's values, and four floats more.
    set(L.M_PARTIALS, floats(this.slotChunks * heads * (headDim + 4)));
    this.layPrivate(threads, deepest);

    this.cache = cache;
    const headBytes = CACHE_BYTES[cache](headDim);
    set(L.M_KV_HEAD_BYTES, headBytes);
    set(L.M_KV_INT8, Number(cache === 'int8'));
    const ones = padRows(headDim);
    set(L.M_ONES, floats(ones));
    memory.f32(memory.u32(L.M_ONES, 1)[0] as number, ones).fill(1);
    this.chunkBytes = layers * kvHeads * headBytes;
    set(L.M_KV_CHUNK_BYTES, this.chunkBytes);
    set(L.M_KV, this.memory.take(this.chunkBytes));
    this.chunks = 1;
    this.team = await ThreadTeam.start(module, memory, threads, spawn);
    this.team.kernels.fillMasks();
  }

  /** Chunks of the cache at its largest. */
  private get slotChunks(): number {
    return Math.ceil(this.maxPositions / L.CHUNK);
  }

  /** Each thread's own scratch, one piece a thread. */
  private layPrivate(threads: number, deepest: number): void {
    const slots = this.slotChunks * L.CHUNK;
    const pieces: [field: number, bytes: number][] = [
      [L.P_ROW, deepest * 4],
      [L.P_SCALED, deepest * 4],
      [L.P_LEVELS, deepest * 2],
      [L.P_BYTES, deepest],
      [L.P_BLOCK_SCALES, (deepest / L.DEPTH) * 4],
      [L.P_BLOCK_SUMS, (deepest / L.DEPTH) * 4],
      [L.P_LOW, deepest],
      [L.P_HIGH, deepest],
      [L.P_SCORES, L.TILE * slots * 4],
      [L.P_WEIGHTS, L.TILE * slots * 4],
      [L.P_QUERY, L.TILE * this.config.headDim * 4],
      // A tile of results; of each row one over the sum of its weights, and the scale of its levels.
      [L.P_OUT, L.TILE * padRows(this.config.headDim) * 4 + 64],
      [L.P_ADAPTED, L.MAX_RANK * 4],
      [L.P_PRODUCT, deepest * 4],
      [L.P_HEADS, (this.stride.q + 2 * this.stride.kv) * 4],
      [L.P_TAKEN, 4],
      // One panel, unpacked to floats.
      [L.P_PANEL, L.PANEL * deepest * 4],
    ];
    let bytes = 0;
    for (const [field, size] of pieces) {
      this.memory.setU32(field, bytes);
      bytes += Math.ceil(size / 64) * 64;
    }
    this.memory.setU32(L.M_PRIVATE, this.memory.take(bytes * threads));
    this.memory.setU32(L.M_PRIVATE_BYTES, bytes);
  }

  private writeRope(): void {
    const rows = ropeRows(this.config, this.maxPositions);
    const at = this.memory.take(rows.byteLength);
    this.memory.f32(at, rows.length).set(rows);
    this.memory.setU32(L.M_ROPE, at);
  }

  /** Threads that it runs on: as many as were asked for, or as could be started. */
  get threads(): number {
    return this.started.threads;
  }
  get kernels(): KernelExports {
    return this.started.kernels;
  }
  private get started(): ThreadTeam {
    if (!this.team) throw new TypeError('the model is closed or was not started');
    return this.team;
  }
  run(command: number): void {
    this.started.run(command);
  }

  /** Cache for `slots` positions. It lies last in memory, so it grows where it is. */
  private reserve(slots: number): void {
    while (this.chunks * L.CHUNK < slots) {
      this.memory.take(this.chunkBytes);
      this.chunks++;
    }
  }

  /** Keys and values of the first `slots` positions, as they lie: a copy of whole chunks. */
  saveSlots(slots: number): Uint8Array {
    return this.memory.u8(this.cacheAt, Math.ceil(slots / L.CHUNK) * this.chunkBytes).slice();
  }
  /** Puts them back. */
  restoreSlots(kept: Uint8Array): void {
    this.memory.u8(this.cacheAt, kept.length).set(kept);
  }
  private get cacheAt(): number {
    return this.memory.u32(L.M_KV, 1)[0] as number;
  }

  /**
   * Runs tokens through the model; their keys and values go to slots `start`, `start` + 1, ... `onLogits` is called
   * for each wanted row.
   */
  forward(start: number, o: PassRequest, onLogits: OnLogits): void {
    const { memory, config } = this;
    checkIds(config, o.ids);
    this.reserve(start + o.ids.length);
    const tokens = Math.ceil(MAX_TOKENS / L.TILE) * L.TILE;
    let wanted = 0;
    for (let from = 0; from < o.ids.length;) {
      let to = Math.min(from + MAX_TOKENS, o.ids.length);
      let last = wanted;
      while (last < o.logitRows.length && (o.logitRows[last] as number) < to) last++;
      if (last - wanted > MAX_LOGITS) {
        last = wanted + MAX_LOGITS;
        to = (o.logitRows[last - 1] as number) + 1;
      } else if (o.ids.length - to === 1) {
        // A single token would take the kernels of a decode step, which add in another order: no cut leaves one over.
        to--;
        if (o.logitRows[last - 1] === to) last--;
      }
      const count = to - from;
      memory.u32(this.idsAt, count).set(o.ids.slice(from, to));
      memory.u32(this.idsAt + tokens * 4, count).set(o.positions.slice(from, to));
      memory.u32(this.idsAt + tokens * 8, count).set(o.spans.slice(from, to));
      memory.u32(this.rowsAt, last - wanted).set(o.logitRows.slice(wanted, last).map((r) => r - from));
      memory.setU32(L.PASS_TOKENS, count);
      memory.setU32(L.PASS_START, start + from);
      memory.setU32(L.PASS_PREFIX, o.prefix);
      memory.setU32(L.PASS_LOGIT_COUNT, last - wanted);
      memory.setU32(L.PASS_SUMS, o.probabilities ? this.sumsAt : 0);
      this.run(L.COMMAND_PASS);
      for (let i = wanted; i < last; i++) {
        const [largest, sum] = memory.f64(this.sumsAt + (i - wanted) * 16, 2) as unknown as [number, number];
        const logits = memory.f32(this.logitsAt + (i - wanted) * this.stride.logits * 4, config.vocabSize);
        onLogits(i, logits, o.probabilities ? largest + Math.log(sum) : NaN);
      }
      wanted = last;
      from = to;
    }
  }

  /** Milliseconds of each kernel since `clearCounters`, on thread 0's clock. */
  counters(): KernelMs {
    const [embedding, linear, attention, vectors, head] = this.memory.f64(L.COUNTERS, L.COUNT_KINDS) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { embedding, linear, attention, vectors, head };
  }
  clearCounters(): void {
    this.memory.f64(L.COUNTERS, L.COUNT_KINDS).fill(0);
  }

  close(): void {
    this.team?.end();
    this.team = null;
  }
}
