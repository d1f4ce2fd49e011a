import { slicesFor } from '../../forecast/slices';
import type { EngineName } from '../../schema/engines';
import type { CheckpointRef, PlanRecord, Templates } from '../../schema/plan';
import { stagesOf, type Choices } from './choices';

/** From what the cards hold to a plan; apart from them, since the first page makes none. */

/** Prompts of the chosen tasks only: those of others would name another plan for the same work. */
const ownTemplates = ({ tasks, templates }: Choices): Templates =>
  Object.fromEntries(tasks.flatMap((task) => (templates[task] ? [[task, { ...templates[task] }]] : [])));

export const buildPlan = (
  c: Choices,
  dataset: { hash: string; name: string },
  checkpoint: CheckpointRef,
  engine: EngineName,
  { reopened = false }: { /** See `Forecast`. */ reopened?: boolean } = {},
): PlanRecord => ({
  v: 3,
  dataset: { hash: dataset.hash, name: dataset.name },
  checkpoint,
  tasks: c.tasks.slice(),
  stages: stagesOf(c),
  baseline: c.baseline,
  engine,
  threads: c.threads,
  limit: c.limit,
  slices: slicesFor(c, reopened),
  margin: c.margin,
  ...(c.untilDecided ? { untilDecided: true } : {}),
  ...(c.untilPercent === null ? {} : { energyBound: c.untilPercent / 100 }),
  maxNewTokens: c.maxNewTokens,
  seed: c.seed,
  w: c.w,
  profile: c.profile,
  ...(Object.keys(ownTemplates(c)).length > 0 ? { templates: ownTemplates(c) } : {}),
});
