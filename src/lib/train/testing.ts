import type { AdapterStore, KeptNumbers } from '../variant/tuned';

/** Keeps what is trained in memory, each as it was when it was written. */
export function memoryStore(): AdapterStore & { kept: Map<string, KeptNumbers> } {
  const kept = new Map<string, KeptNumbers>();
  return {
    kept,
    read: (key) => Promise.resolve(structuredClone(kept.get(key)) ?? null),
    write: (key, value) => Promise.resolve(void kept.set(key, structuredClone(value))),
    remove: (key) => Promise.resolve(void kept.delete(key)),
  };
}
