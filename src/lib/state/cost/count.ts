import { ENGINE, type CountedEngine } from '../../schema/engines';
import { asset } from '$app/paths';
import { configOf } from '../../checkpoint/catalogue';
import { configFromJson, type ModelConfig } from '../../checkpoint/config';
import { memoryBudget } from '../../device/limits';
import { forecast, GENERATED_LENGTHS, type Forecast, type TicketLengths } from '../../forecast/forecast';
import { slicesFor } from '../../forecast/slices';
import { processorFeatures } from '../../variant/kernels';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { CheckpointRef } from '../../schema/plan';
import { REOPENED, TOO_LARGE } from '../../texts/cost';
import type { CostInput } from './cost.svelte';
import { callData } from '../../session/threads/workers';

/** Counts what an experiment will take; loaded when anything differs from the defaults. */

/** Characters of a token of English, and the tokens around a ticket's text. */
const CHARACTERS = 3.5;
const FRAME_TOKENS = 60;

function lengthsOf(dataset: DatasetSummaryRecord | null): TicketLengths {
  if (!dataset || dataset.tickets === 0) return GENERATED_LENGTHS;
  const text = dataset.textCharacters / dataset.tickets / CHARACTERS;
  const causes = Math.ceil(dataset.causeCharacters / CHARACTERS);
  const prompt = (more: number) => Math.round(FRAME_TOKENS + text + more);
  return { prompt: { rca: prompt(causes), response: prompt(0), summary: prompt(0) }, causes };
}

const configs = new Map<string, Promise<ModelConfig | null>>();

/** Null where the configuration is known only after a download. */
async function configFor(ref: CheckpointRef): Promise<ModelConfig | null> {
  if (ref.kind === 'hub') return configOf(ref.repo);
  const name = ref.kind === 'stored' ? ref.hash : 'builtin';
  const known = configs.get(name) ?? (ref.kind === 'stored' ? callData('describe', ref) : builtinConfig());
  configs.set(name, known);
  known.catch(() => configs.delete(name));
  return known;
}

async function builtinConfig(): Promise<ModelConfig> {
  return configFromJson((await (await fetch(asset('/builtin/config.json'))).json()) as Record<string, unknown>);
}

/** Null where the configuration is known only after a download. */
export async function count(input: CostInput, engine: CountedEngine): Promise<(Forecast & { notes: string[] }) | null> {
  const config = await configFor(input.checkpoint);
  if (!config) return null;
  const features = ENGINE[engine].device === 'cpu' ? processorFeatures() : input.features;
  const memory = memoryBudget(input, engine);
  const found = forecast(input.plan, config, engine, features, lengthsOf(input.dataset), memory);
  const notes = found.reopened ? [REOPENED(slicesFor(input.plan, true))] : [];
  const large = found.variants.filter(({ shape }) => !shape.fits);
  if (large.length > 0)
    notes.push(
      TOO_LARGE(
        large.map(({ variant }) => variant),
        Math.max(...large.map(({ shape }) => shape.memoryBytes)),
        Math.max(...large.map(({ shape }) => shape.limitBytes ?? 0)),
      ),
    );
  return { ...found, notes };
}
