import { takesRecipes, type EngineName } from '../../schema/engines';
import { CATALOGUE } from '../../checkpoint/catalogue';
import type { CheckpointRef } from '../../schema/plan';
import { storedHub } from '../../session/threads/checkpoint';

/** Bytes that Run would download first; null where nobody can say. */
export async function toDownload(
  checkpoint: CheckpointRef & { kind: 'hub' },
  engine: EngineName,
  variants: readonly string[],
): Promise<number | null> {
  if ((await storedHub(checkpoint, engine, variants)) !== null) return 0;
  // Ready-made exports are other files, of sizes of their own.
  if (!takesRecipes(engine)) return null;
  return CATALOGUE.find(({ repo }) => repo === checkpoint.repo)?.downloadBytes ?? null;
}
