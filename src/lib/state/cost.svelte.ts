import { asset } from '$app/paths';
import type { ModelConfig } from '../checkpoint/config';
import type { ForecastPlan, TicketLengths, VariantForecast } from '../plan/forecast';
import { priceOf, type Price, type Work } from '../plan/price';
import type { PowerProfile } from '../meter/profiles';
import type { DatasetRecord } from '../schema/dataset';
import type { CheckpointRef } from '../schema/plan';
import type { EngineName } from '../schema/run';
import { DEFAULT_WORK, isCounted } from './default-work';
import { sentence } from './sentence';
import { callData } from './workers';

/** What an experiment is, as far as it costs. */
export interface CostInput {
  plan: ForecastPlan;
  checkpoint: CheckpointRef;
  engine: EngineName;
  /** Of the GPU. */
  features: readonly string[];
  /** Null where tickets are generated. */
  dataset: DatasetRecord | null;
  /** True where nothing was changed, so that the work is known without counting. */
  untouched: boolean;
}

/** Expected over measured is kept by engine, so that the next forecast here is closer. */
const key = (engine: EngineName) => `pace:${engine}`;

/** Characters of a token of English, and the tokens around a ticket's text. */
const CHARACTERS = 3.5;
const FRAME_TOKENS = 60;

async function lengthsOf(dataset: DatasetRecord | null): Promise<TicketLengths> {
  const { GENERATED_LENGTHS } = await import('../plan/forecast');
  if (!dataset || dataset.tickets.length === 0) return GENERATED_LENGTHS;
  const { TEXT_BUDGET } = await import('../data/tasks');
  const characters = dataset.tickets.reduce((n, t) => n + Math.min(TEXT_BUDGET, t.text.length), 0);
  const text = characters / dataset.tickets.length / CHARACTERS;
  const causes = Math.ceil(dataset.causes.join('; ').length / CHARACTERS);
  const prompt = (more: number) => Math.round(FRAME_TOKENS + text + more);
  return { prompt: { rca: prompt(causes), response: prompt(0), summary: prompt(0) }, causes };
}

/** What of the processor our own kernels choose by. */
async function processorFeatures(): Promise<readonly string[]> {
  const [{ featuresOf }, { bestBuild, byteDotOf }] = await Promise.all([
    import('../run/kernels'),
    import('../cpu/module'),
  ]);
  return featuresOf(byteDotOf(bestBuild()));
}

/** What the experiment that is being set up will cost, before anything is spent. */
class CostState {
  work = $state.raw<Work | null>(null);
  /** Counted variant by variant when asked for, or when anything differs from the defaults. */
  variants = $state.raw<readonly VariantForecast[] | null>(null);
  error = $state<string | null>(null);
  #asked = 0;
  #configs = new Map<string, Promise<ModelConfig | null>>();

  /** @param o.detail counts each variant even where the sum is known */
  async count(input: CostInput, o: { detail: boolean }): Promise<void> {
    const asked = ++this.#asked;
    const { plan, checkpoint, engine } = input;
    this.error = null;
    if (!isCounted(engine)) {
      [this.work, this.variants] = [null, null];
      return;
    }
    if (input.untouched) this.work = DEFAULT_WORK[engine];
    if (input.untouched && !o.detail) {
      this.variants = null;
      return;
    }
    try {
      const [{ forecast }, config, lengths] = await Promise.all([
        import('../plan/forecast'),
        this.#config(checkpoint),
        lengthsOf(input.dataset),
      ]);
      const features = engine === 'cpu' ? await processorFeatures() : input.features;
      const found = config && forecast(plan, config, engine, features, lengths);
      if (asked === this.#asked) [this.work, this.variants] = [found?.work ?? null, found?.variants ?? null];
    } catch (failure) {
      if (asked === this.#asked) [this.work, this.variants, this.error] = [null, null, sentence(failure)];
    }
  }

  price(work: Work, o: { engine: EngineName; threads: number; profile: PowerProfile }): Price {
    const stored = Number(localStorage.getItem(key(o.engine)));
    return priceOf(work, { ...o, correction: stored > 0 ? stored : null });
  }

  /** Learns from a finished run how far off the expected time was. */
  learn(work: Work, measuredSeconds: number, o: { engine: EngineName; threads: number; profile: PowerProfile }): void {
    const expected = priceOf(work, { ...o, correction: null }).seconds.mid;
    if (expected > 0 && measuredSeconds > 0) localStorage.setItem(key(o.engine), String(measuredSeconds / expected));
  }

  /** Null where the configuration is known only after a download. */
  async #config(ref: CheckpointRef): Promise<ModelConfig | null> {
    if (ref.kind === 'hub') return (await import('../checkpoint/catalogue')).configOf(ref.repo);
    const name = ref.kind === 'stored' ? ref.hash : 'builtin';
    const known = this.#configs.get(name) ?? (ref.kind === 'stored' ? callData('describe', ref) : builtinConfig());
    this.#configs.set(name, known);
    known.catch(() => this.#configs.delete(name));
    return known;
  }
}

async function builtinConfig(): Promise<ModelConfig> {
  const { configFromJson } = await import('../checkpoint/config');
  return configFromJson((await (await fetch(asset('/builtin/config.json'))).json()) as Record<string, unknown>);
}

export const cost = new CostState();
