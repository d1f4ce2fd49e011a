import { keepSetting, readSetting } from '../../store/settings';
import { GRID_SOURCES, gridRegions, type GridRegion, type GridSourceId } from '../../meter/grid';
import { JOULES, type EnergyUnit } from '../../texts/energy';
import { sentence } from '../../texts/sentence';
import { UNIT_KEY } from './unit-chosen';

interface Kept {
  kind: EnergyUnit['kind'];
  source: GridSourceId;
  /** Code of a region; null until one is chosen: nobody's grid is assumed. */
  region: string | null;
  price: number | null;
  currency: string;
}

const DEFAULTS: Kept = { kind: 'J', source: 'electricity-maps-2025', region: null, price: null, currency: 'EUR' };
const KINDS: readonly EnergyUnit['kind'][] = ['J', 'Wh', 'gCO2e', 'cost'];

/** What was chosen before, as far as it still means something. */
export function readKept(text: string | null): Kept {
  try {
    const kept = { ...DEFAULTS, ...(JSON.parse(text ?? '{}') as Partial<Kept>) };
    return {
      kind: KINDS.includes(kept.kind) ? kept.kind : DEFAULTS.kind,
      source: GRID_SOURCES.some(({ id }) => id === kept.source) ? kept.source : DEFAULTS.source,
      region: typeof kept.region === 'string' ? kept.region : null,
      price: typeof kept.price === 'number' && kept.price >= 0 ? kept.price : null,
      currency: /^[A-Z]{3}$/.test(String(kept.currency)) ? kept.currency : DEFAULTS.currency,
    };
  } catch {
    return DEFAULTS;
  }
}

/** In which unit results say energy; the choice stays in this browser. */
export class Units {
  #kept = $state.raw<Kept>(readKept(readSetting(UNIT_KEY)));
  /** Of the chosen source; null before they are read. */
  regions = $state.raw<readonly GridRegion[] | null>(null);
  error = $state<string | null>(null);

  constructor() {
    if (this.#kept.kind === 'gCO2e') void this.#read();
  }

  get chosen(): Readonly<Kept> {
    return this.#kept;
  }

  get region(): GridRegion | null {
    return this.regions?.find(({ code }) => code === this.#kept.region) ?? null;
  }

  /** What a page hands to what shows results. */
  get shown() {
    return {
      unit: this.unit,
      gramsPerKWh: this.region?.gramsPerKWh ?? null,
      currency: this.chosen.currency,
    };
  }

  /** Joules while the rate of the chosen unit is missing; the switch asks for it. */
  get unit(): EnergyUnit {
    const { kind, price, currency } = this.#kept;
    switch (kind) {
      case 'gCO2e':
        return this.region ? { kind, gramsPerKWh: this.region.gramsPerKWh } : JOULES;
      case 'cost':
        return price === null ? JOULES : { kind, pricePerKWh: price, currency };
      case 'J':
      case 'Wh':
        return { kind };
      default:
        return kind satisfies never;
    }
  }

  change(change: Partial<Kept>): void {
    const before = this.#kept;
    this.#kept = { ...before, ...change };
    keepSetting(UNIT_KEY, JSON.stringify(this.#kept));
    if (this.#kept.source !== before.source) this.regions = null;
    if (this.#kept.kind === 'gCO2e' && !this.regions) void this.#read();
  }

  async #read(): Promise<void> {
    const { source } = this.#kept;
    try {
      const regions = await gridRegions(source);
      if (source === this.#kept.source) this.regions = regions;
      this.error = null;
    } catch (error) {
      this.error = sentence(error);
    }
  }
}

export const units = new Units();
