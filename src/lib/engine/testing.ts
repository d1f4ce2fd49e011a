/** Sessions of our own kernels in plain Node. For tests only. */
import type { Checkpoint } from '../checkpoint/checkpoint';
import { parseRecipe } from '../compress/recipe';
import { loadModule, spawnThread } from '../cpu/testing';
import { chooseKernel } from '../variant/kernels';
import { openCpu, type CpuSession } from './cpu';

/** A session of a checkpoint as it is, on one thread. */
export async function openFp32(checkpoint: Checkpoint): Promise<CpuSession> {
  const recipe = parseRecipe('fp32');
  const { session } = await openCpu(checkpoint, recipe, {
    kernel: chooseKernel('cpu', recipe, []).kernel,
    fallbacks: [],
    threads: 1,
    inPhase: (_, work) => work(),
    loadModule,
    spawn: spawnThread,
  });
  return session;
}

/** Nats a token of a checkpoint over ids. */
export async function nllOf(checkpoint: Checkpoint, ids: readonly number[]): Promise<number> {
  const session = await openFp32(checkpoint);
  const { logProbs } = await session.evaluate(ids);
  await session.close();
  return -logProbs.reduce((a, x) => a + x, 0) / logProbs.length;
}
