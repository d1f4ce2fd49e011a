import { openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint';
import { httpFileSet, hubFileSet, type FileSet } from '../checkpoint/source';
import type { CheckpointRef } from '../schema/plan';
import { openStored } from '../store/opfs';

/** Files of the checkpoint that comes with the site (static/builtin). */
export const BUILTIN_FILES = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
] as const;

/** The site's root as seen from a worker's own address (.../_app/immutable/workers/x.js) or a page's. */
export const siteRoot = () =>
  new URL(/^(.*?)\/(?:_app|src|@fs|node_modules)\//.exec(self.location.href)?.[1] + '/' || '/', self.location.href);

export function fileSet(ref: CheckpointRef): FileSet | Promise<FileSet> {
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

export async function openRef(ref: CheckpointRef): Promise<Checkpoint> {
  return openCheckpoint(await fileSet(ref));
}
