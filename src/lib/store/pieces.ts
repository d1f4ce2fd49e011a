import type { StatisticsStore } from '../calibrate/calibrate';
import type { LayerCache } from '../compress/compress';
import type { MadeLayer } from '../compress/layer';
import type { LayerStatistics } from '../compress/statistics';
import { storeError } from './opfs';

/** What calibration and compression leave for the next time, in OPFS: `calibration/<hash>/<layer>` and `compressed/...`. */
const FOLDERS = ['calibration', 'compressed'] as const;

const ARRAYS = { Float32Array, Float64Array, Uint8Array, Uint16Array } as const;
type ArrayName = keyof typeof ARRAYS;

/** Plain data with typed arrays -> bytes: JSON in which each array is named by type, place and length, then the arrays. */
export function encodePieces(value: unknown): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let at = 0;
  const text = JSON.stringify(value, (_, v: unknown) => {
    if (!ArrayBuffer.isView(v)) return v;
    const bytes = new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
    const entry = { $array: v.constructor.name, at, bytes: bytes.byteLength };
    parts.push(bytes);
    at += Math.ceil(bytes.byteLength / 8) * 8;
    return entry;
  });
  const json = new TextEncoder().encode(text);
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(start + at);
  new DataView(out.buffer).setUint32(0, json.length, true);
  out.set(json, 8);
  let to = start;
  for (const p of parts) {
    out.set(p, to);
    to += Math.ceil(p.byteLength / 8) * 8;
  }
  return out;
}

export function decodePieces(data: ArrayBuffer): unknown {
  const length = new DataView(data).getUint32(0, true);
  const start = 8 + Math.ceil(length / 8) * 8;
  return JSON.parse(new TextDecoder().decode(new Uint8Array(data, 8, length)), (_, v: unknown) => {
    const entry = v as { $array?: ArrayName; at: number; bytes: number } | null;
    if (typeof entry !== 'object' || entry?.$array === undefined) return v;
    const type = ARRAYS[entry.$array];
    return new type(data, start + entry.at, entry.bytes / type.BYTES_PER_ELEMENT);
  });
}

async function folder(kind: (typeof FOLDERS)[number], hash: string, create: boolean) {
  const root = await navigator.storage.getDirectory();
  return (await root.getDirectoryHandle(kind, { create })).getDirectoryHandle(hash, { create });
}

async function read(kind: (typeof FOLDERS)[number], hash: string, layer: number): Promise<unknown> {
  try {
    const file = await (await (await folder(kind, hash, false)).getFileHandle(String(layer))).getFile();
    return decodePieces(await file.arrayBuffer());
  } catch {
    // Not there, or cut off: it is made anew.
    return null;
  }
}

async function write(kind: (typeof FOLDERS)[number], hash: string, layer: number, value: unknown): Promise<void> {
  try {
    const writable = await (
      await (await folder(kind, hash, true)).getFileHandle(String(layer), { create: true })
    ).createWritable();
    await writable.write(encodePieces(value));
    // The file appears under its name only now, so a cut-off write leaves none.
    await writable.close();
  } catch (cause) {
    throw storeError(cause);
  }
}

export const opfsStatistics: StatisticsStore = {
  read: async (hash, layer) => (await read('calibration', hash, layer)) as LayerStatistics | null,
  write: (hash, layer, statistics) => write('calibration', hash, layer, statistics),
};

export const opfsLayers = (hash: string): LayerCache => ({
  read: async (layer) => (await read('compressed', hash, layer)) as MadeLayer | null,
  write: (layer, made) => write('compressed', hash, layer, made),
});

/** Removes all statistics and finished layers. */
export async function removeCalibration(): Promise<void> {
  const root = await navigator.storage.getDirectory();
  for (const kind of FOLDERS) await root.removeEntry(kind, { recursive: true }).catch(() => undefined);
}
