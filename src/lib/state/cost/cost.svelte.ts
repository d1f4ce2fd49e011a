import { ENGINE, engineThen, isCounted, type EngineName } from '../../schema/engines';
import type { ForecastPlan, VariantForecast } from '../../forecast/forecast';
import { priceOf, type Price, type Way, type PlanWork } from '../../forecast/price';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { CheckpointRef } from '../../schema/plan';
import { DEFAULT_WORK } from './default-work';
import { sentence } from '../../texts/sentence';
import { keepSetting, readSetting } from '../../store/settings';

/** What an experiment is, as far as it costs. */
export interface CostInput {
  plan: ForecastPlan;
  checkpoint: CheckpointRef;
  engine: EngineName;
  /** Of the GPU. */
  features: readonly string[];
  /** Of the device, as far as it is told. */
  memoryGiB: number | null;
  /** Null where tickets are generated. */
  dataset: DatasetSummaryRecord | null;
  /** True where nothing was changed, so that the work is known without counting. */
  untouched: boolean;
}

/** Expected over measured is kept by engine, so that the next forecast here is closer. */
const key = (engine: string) => `pace:${engine}`;
/** As it was learnt, also under an engine's earlier name. */
const learnt = (engine: EngineName) => Number(readSetting(key(engine)) ?? readSetting(key(engineThen(engine))));

/** What the experiment that is being set up will cost, before anything is spent. */
class CostState {
  work = $state.raw<PlanWork | null>(null);
  /** Counted variant by variant when asked for, or when anything differs from the defaults. */
  variants = $state.raw<readonly VariantForecast[] | null>(null);
  /** What there is to know before it runs: of memory, in sentences. */
  notes = $state.raw<readonly string[]>([]);
  error = $state<string | null>(null);
  #asked = 0;

  /**
   * @param o.detail counts each variant even where the sum is known
   * @param o.tell is told whether each variant is opened anew for every slice (`Forecast`), now and when it is counted
   */
  async count(input: CostInput, o: { detail: boolean; tell: (reopened: boolean) => void }): Promise<void> {
    const asked = ++this.#asked;
    const { engine } = input;
    this.error = null;
    this.notes = [];
    o.tell(false);
    if (!isCounted(engine)) {
      [this.work, this.variants] = [null, null];
      return;
    }
    // Where one variant at a time is open, the default experiment has fewer and larger slices, which are counted.
    const known = input.untouched && ENGINE[engine].memory !== null;
    if (known) this.work = DEFAULT_WORK[engine];
    if (known && !o.detail) {
      this.variants = null;
      return;
    }
    try {
      const { count } = await import('./count');
      const found = await count(input, engine);
      if (asked !== this.#asked) return;
      [this.work, this.variants] = [found?.work ?? null, found?.variants ?? null];
      this.notes = found?.notes ?? [];
      o.tell(!!found?.reopened);
    } catch (failure) {
      if (asked === this.#asked) [this.work, this.variants, this.error] = [null, null, sentence(failure)];
    }
  }

  price(work: PlanWork, o: Way): Price {
    const stored = learnt(o.engine);
    return priceOf(work, { ...o, correction: stored > 0 ? stored : null });
  }

  /** Learns from a finished run how far off the expected time was. */
  learn(work: PlanWork, measuredSeconds: number, o: Way): void {
    const expected = priceOf(work, { ...o, correction: null }).seconds.mid;
    if (expected > 0 && measuredSeconds > 0) keepSetting(key(o.engine), String(measuredSeconds / expected));
  }
}

export const cost = new CostState();
