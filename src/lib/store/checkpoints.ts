import { openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint';
import { httpFileSet, hubFileSet, type FileSet } from '../checkpoint/source';
import type { CheckpointRef } from '../schema/plan';
import type { PackedStore } from '../variant/kept';
import type { AdapterStore } from '../variant/tuned';
import { opfsAdapters } from './adapters';
import { openStored } from './opfs';
import { opfsPacked } from './packed';

/** Files of the checkpoint that comes with the site (static/builtin). */
export const BUILTIN_FILES = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
] as const;

/** Name of the built-in checkpoint by its content; written by the build (vite.config.ts). */
declare const __BUILTIN_HASH__: string;
export const BUILTIN_HASH: string = __BUILTIN_HASH__;

/** The site's root, from a worker's own address: `<root>/_app/immutable/workers/x.js`, or below /src in development. */
export const siteRoot = () =>
  new URL(/^(.*?\/)(?:_app|src|@fs|node_modules)\//.exec(self.location.href)?.[1] ?? '/', self.location.href);

export async function openFiles(ref: CheckpointRef): Promise<FileSet> {
  switch (ref.kind) {
    case 'builtin':
      return httpFileSet('built-in', new URL('builtin', siteRoot()).href, BUILTIN_FILES);
    case 'hub':
      return hubFileSet(ref.repo, ref.revision);
    case 'stored':
      return openStored(ref.hash, ref.name);
    default:
      return ref satisfies never;
  }
}

/** The checkpoint itself, of those that are ours to read. */
export const openRef = async (ref: CheckpointRef): Promise<Checkpoint> => openCheckpoint(await openFiles(ref));

/** Stored checkpoints are named by their content; others may change under their name, and the built-in one packs at once. */
export const keepingOf = (ref: CheckpointRef): PackedStore | null =>
  ref.kind === 'stored' ? opfsPacked(ref.hash) : null;

/** Name by the content of what a calibration reads; null where there is none: what lies at the Hub may change under its name. */
export const contentOf = (ref: CheckpointRef): string | null =>
  ref.kind === 'stored' ? ref.hash : ref.kind === 'builtin' ? `builtin-${BUILTIN_HASH}` : null;

/** Where adapters that were trained on a checkpoint are kept; null where it has no name by its content. */
export function adaptersOf(ref: CheckpointRef): AdapterStore | null {
  const content = contentOf(ref);
  return content === null ? null : opfsAdapters(content);
}
