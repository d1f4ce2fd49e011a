import type * as Ort from 'onnxruntime-web';
import type { ModelConfig } from '../checkpoint/config';

type Tensors = Record<string, Ort.Tensor>;

/** The KV cache of a session between passes: what to feed, and how a pass's outputs extend it. */
export interface KvCache {
  /** `past_key_values.N.key|value` for the next pass. */
  feeds(): Tensors;
  /** Takes the cache outputs of a pass that added `fresh` tokens. */
  extend(out: Tensors, fresh: number): void;
  clear(): void;
}

const PARTS = ['key', 'value'] as const;

const pastNames = (layers: number) =>
  Array.from({ length: layers }, (_, layer) => PARTS.map((part) => `past_key_values.${layer}.${part}`)).flat();

/** A cache whose first rows can be kept, to go on from there more than once. */
export interface KeepingCache<Kept> extends KvCache {
  save(): Kept;
  restore(kept: Kept): void;
  /** Forgets the rows from `length` on. */
  cut(length: number): void;
  /** Nobody will restore this again. */
  forget(kept: Kept): void;
}

/** Buffers of a device cache that are gone on from more than once: they are not disposed of by going on. */
export interface DeviceRows {
  readonly tensors: Readonly<Tensors>;
  readonly length: number;
}

/**
 * Cache that lives where the runtime put it (GPU buffers): each pass returns it whole, longer by its tokens, in buffers of
 * its own, so what is kept is what a pass returned. It can be cut back to what was saved or restored last, and nowhere else.
 */
export function deviceCache(
  config: ModelConfig,
  empty: (dims: readonly number[]) => Ort.Tensor,
): KeepingCache<DeviceRows> {
  const names = pastNames(config.layers);
  const none = (): DeviceRows => ({
    tensors: Object.fromEntries(names.map((name) => [name, empty([1, config.kvHeads, 0, config.headDim])])),
    length: 0,
  });
  const dispose = (rows: DeviceRows) => {
    for (const t of Object.values(rows.tensors)) t.dispose();
  };
  let now = none();
  let base: DeviceRows | null = null;
  const moveTo = (rows: DeviceRows) => {
    if (now !== base && now !== rows) dispose(now);
    now = rows;
  };
  return {
    feeds: () => now.tensors,
    extend(out, fresh) {
      const tensors = names.map(
        (name) => [name, out[name.replace('past_key_values', 'present')] as Ort.Tensor] as const,
      );
      moveTo({ tensors: Object.fromEntries(tensors), length: now.length + fresh });
    },
    save: () => (base = now),
    restore(kept) {
      moveTo(kept);
      base = kept;
    },
    cut(length) {
      if (length === now.length) return;
      if (base?.length !== length) throw new TypeError('a cache on a device is cut where it was kept alone');
      moveTo(base);
    },
    forget(kept) {
      if (now === kept) moveTo(none());
      if (base === kept) base = null;
      dispose(kept);
    },
    clear() {
      moveTo(none());
      base = null;
    },
  };
}

/** Rows of a host cache. Those below `length` are written no more, so going on from them copies nothing. */
export interface HostRows {
  rows: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
  capacity: number;
  length: number;
}

/** Rows that a host cache grows by: spare rows are copied with each token, growing copies the whole cache. */
const GROWTH = 64;

/**
 * Cache in JavaScript's memory, [kv, capacity, D] a layer and part, with spare rows at the end of each head that the
 * kernel does not read. A pass returns only its own rows, so no memory is allocated while decoding.
 */
export function hostCache(config: ModelConfig, tensor: typeof Ort.Tensor): KeepingCache<HostRows> {
  const { kvHeads, headDim } = config;
  const names = pastNames(config.layers);
  let capacity = 0;
  let length = 0;
  let rows: Record<string, Float32Array<ArrayBuffer>> = {};
  /** Rows below this are kept by somebody. */
  let frozen = 0;
  const grow = (atLeast: number) => {
    const larger = Math.ceil(atLeast / GROWTH) * GROWTH;
    for (const name of names) {
      const to = new Float32Array(kvHeads * larger * headDim);
      const from = rows[name];
      if (from)
        for (let h = 0; h < kvHeads; h++) {
          const head = from.subarray(h * capacity * headDim, (h * capacity + length) * headDim);
          to.set(head, h * larger * headDim);
        }
      rows[name] = to;
    }
    capacity = larger;
  };
  const cache: KeepingCache<HostRows> = {
    save() {
      frozen = length;
      return { rows: { ...rows }, capacity, length };
    },
    restore(kept) {
      rows = { ...kept.rows };
      ({ capacity, length } = kept);
      frozen = length;
    },
    cut(to) {
      if (to < frozen) {
        rows = Object.fromEntries(Object.entries(rows).map(([name, own]) => [name, own.slice()]));
        frozen = 0;
      }
      length = Math.min(length, to);
    },
    // The collector does.
    forget: () => undefined,
    feeds: () =>
      Object.fromEntries(
        names.map((name) => [name, new tensor('float32', rows[name] as Float32Array, [1, kvHeads, capacity, headDim])]),
      ),
    extend(out, fresh) {
      if (length + fresh > capacity) grow(length + fresh);
      for (const name of names) {
        const from = out[name.replace('past_key_values', 'fresh')]?.data as Float32Array;
        for (let h = 0; h < kvHeads; h++) {
          const head = from.subarray(h * fresh * headDim, (h + 1) * fresh * headDim);
          rows[name]?.set(head, (h * capacity + length) * headDim);
        }
      }
      length += fresh;
    },
    clear() {
      rows = Object.fromEntries(names.map((name) => [name, new Float32Array(0)]));
      capacity = 0;
      length = 0;
      frozen = 0;
    },
  };
  cache.clear();
  return cache;
}
