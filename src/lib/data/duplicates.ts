/**
 * Exact and near duplicates of ticket texts, so that a test ticket is not one the model was tuned on.
 *
 * Exact: equal but for case, space and punctuation; later ones are
 * dropped, since they teach and test nothing new. Near: Jaccard similarity of word shingles of at least `NEAR`; kept,
 * since their causes may differ, but grouped, so that the split puts all of a group on one side.
 *
 * MinHash with LSH banding (Broder 1997; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4)
 * proposes pairs, and each is verified on the shingles themselves. Cost is linear in the number of texts.
 */
import { hash32 } from '../core/random';

/** Words per shingle. */
const SHINGLE = 3;
export const NEAR = 0.8;
/** 16 bands of 4 rows: a pair of similarity 0.8 is proposed with chance 1 - (1 - 0.8^4)^16 = 0.9998, one of 0.3 with 0.12. */
const BANDS = 16;
const ROWS = 4;
/** Words of a text that take part; beyond, a text is long enough to be known by its beginning. */
const MAX_WORDS = 512;
/** Candidates of one bucket that are compared: boilerplate must not make this quadratic. */
const MAX_COMPARED = 8;

export interface Duplicates {
  /** Indices of texts to keep, ascending: the first of each set of equal texts. */
  kept: number[];
  /** For each text, the index of the first text of its near-duplicate group (itself where it has none). */
  group: Int32Array;
  /** For each dropped text, the index of the kept text it equals; -1 for kept ones. */
  original: Int32Array;
  exact: number;
  /** Kept texts that are near another kept text before them. */
  near: number;
}

/** Lower case, words only: what two texts must share to be exact duplicates. Numbers count, since they name things. */
export const normalise = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Spreads 32 bits (murmur3's finaliser). */
function scramble(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Hashes of a text's shingles, ascending and distinct; a text shorter than a shingle is one shingle. */
export function shingles(normal: string): Uint32Array {
  const words = normal.split(' ', MAX_WORDS).map((word) => hash32(word));
  const count = Math.max(1, words.length - SHINGLE + 1);
  const hashes = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let h = 0;
    for (let k = i; k < Math.min(i + SHINGLE, words.length); k++) h = scramble(Math.imul(h, 31) + (words[k] ?? 0));
    hashes[i] = h;
  }
  hashes.sort();
  let size = 0;
  for (const h of hashes) if (size === 0 || h !== hashes[size - 1]) hashes[size++] = h;
  return hashes.subarray(0, size);
}

/** Jaccard similarity of two ascending lists. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let common = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const x = a[i] ?? 0;
    const y = b[j] ?? 0;
    if (x === y) common++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return common / (a.length + b.length - common);
}

const SALTS = Uint32Array.from({ length: BANDS * ROWS }, (_, i) => scramble(i + 1));

/** One key per band. A salted shingle's minimum is a MinHash; ROWS of them make a band. */
function bandKeys(set: Uint32Array, keys: Uint32Array): void {
  for (let band = 0; band < BANDS; band++) {
    let key = band + 1;
    for (let row = 0; row < ROWS; row++) {
      const salt = SALTS[band * ROWS + row] ?? 0;
      let least = 0xffffffff;
      for (const shingle of set) {
        // One multiply and two shifts: enough to order shingles independently per salt.
        let h = Math.imul(shingle ^ salt, 0x9e3779b1);
        h = (h ^ (h >>> 15)) >>> 0;
        if (h < least) least = h;
      }
      key = scramble(Math.imul(key, 31) + least);
    }
    keys[band] = key;
  }
}

function find(parent: Int32Array, i: number): number {
  let root = i;
  while ((parent[root] ?? root) !== root) root = parent[root] ?? root;
  for (let at = i; at !== root;) {
    const next = parent[at] ?? root;
    parent[at] = root;
    at = next;
  }
  return root;
}

/** Finds duplicates among texts, in order: the first of a set is the one that stays. */
export function findDuplicates(texts: readonly string[]): Duplicates {
  const original = new Int32Array(texts.length).fill(-1);
  const group = Int32Array.from(texts, (_, i) => i);
  const kept: number[] = [];
  const first = new Map<string, number>();
  const sets = new Map<number, Uint32Array>();
  const buckets = Array.from({ length: BANDS }, () => new Map<number, number[]>());
  const keys = new Uint32Array(BANDS);
  let near = 0;

  texts.forEach((text, i) => {
    const normal = normalise(text);
    const same = first.get(normal);
    if (same !== undefined) {
      original[i] = same;
      group[i] = same;
      return;
    }
    first.set(normal, i);
    kept.push(i);
    const set = shingles(normal);
    sets.set(i, set);
    bandKeys(set, keys);
    const compared = new Set<number>();
    let found = false;
    buckets.forEach((bucket, band) => {
      const key = keys[band] ?? 0;
      const others = bucket.get(key);
      if (!others) {
        bucket.set(key, [i]);
        return;
      }
      for (const other of others) {
        if (compared.has(other)) continue;
        compared.add(other);
        if (jaccard(set, sets.get(other) ?? set) < NEAR) continue;
        found = true;
        const [low, high] = [find(group, other), find(group, i)].sort((a, b) => a - b) as [number, number];
        group[high] = low;
      }
      if (others.length < MAX_COMPARED) others.push(i);
    });
    if (found) near++;
  });
  for (let i = 0; i < group.length; i++) group[i] = find(group, i);
  return { kept, group, original, exact: texts.length - kept.length, near };
}
