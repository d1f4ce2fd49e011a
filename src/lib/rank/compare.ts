import { isModel } from '../schema/engines';
import { groupBy } from '../core/group';
import type { VariantResult } from '../schema/result';
import { paretoFront, splitBaseline } from './rank';

/** Results of one device, as far as a comparison reads them. */
export interface DeviceResults {
  results: readonly VariantResult[];
  checkpoint: string;
  dataset: string;
  tasks: readonly string[];
  /** What tells prompts of the user's own apart; '' = the usual ones. Links and files do not tell: null. */
  prompts: string | null;
}

export interface Comparison {
  /** One row a variant, its result on each device in their order; null where it did not run there. */
  rows: { variant: string; cells: (VariantResult | null)[] }[];
  /** Why the work of these devices is not the same, in sentences. */
  warnings: string[];
  /** For each device a number; devices with the same one did the same work: model, tickets, tasks and prompts. */
  works: number[];
  /** What their energies are of, where that differs: then joules of two devices do not compare. Empty where it does not. */
  energyKinds: { tier: VariantResult['tier']; boundary: VariantResult['boundary']; devices: number[] }[];
}

/** A variant on one device, in the picture of all. */
export interface ComparePoint {
  /** Index in the order of the devices. */
  device: number;
  variant: string;
  result: VariantResult;
  energy: NonNullable<VariantResult['energy']>;
  quality: NonNullable<VariantResult['quality']>;
  /** Whether no other variant on this device is both leaner and better. */
  onFront: boolean;
}

/** Whose joules compare: what counts them, and what of the device they are of. */
const kindOf = ({ tier, boundary }: VariantResult) => `${tier} ${boundary}`;

/**
 * The models of which energy and quality are known; the classical baseline, thousands of times leaner, stays in the
 * table. `joined` holds each variant's points on several devices, as far as they did the same work and their joules compare.
 */
export function comparePoints({ rows, works }: Pick<Comparison, 'rows' | 'works'>): {
  points: ComparePoint[];
  joined: ComparePoint[][];
} {
  const found = rows.flatMap(({ variant, cells }) =>
    cells.flatMap((result, device) =>
      result?.energy && result.energy.mid > 0 && result.quality && isModel(result.engine)
        ? [{ device, variant, result, energy: result.energy, quality: result.quality }]
        : [],
    ),
  );
  const fronts = new Map<(typeof found)[number], boolean>();
  for (const own of groupBy(found, ({ device }) => device).values()) {
    const front = paretoFront(own.map(({ energy, quality }) => ({ energy: energy.mid, quality: quality.mid })));
    own.forEach((point, i) => fronts.set(point, front[i] === true));
  }
  const points = found.map((point) => ({ ...point, onFront: fronts.get(point) === true }));
  const groups = groupBy(points, ({ device, variant, result }) => `${variant} ${kindOf(result)} ${works[device]}`);
  return { points, joined: [...groups.values()].filter((group) => group.length > 1) };
}

/** Prompts that are not told are taken for the usual ones. */
const workOf = ({ checkpoint, dataset, tasks, prompts }: DeviceResults) =>
  JSON.stringify([checkpoint, dataset, tasks.toSorted(), prompts ?? '']);

const differ = (what: string, values: readonly string[]) => {
  const found = [...new Set(values)];
  return found.length > 1 ? [`They differ in ${what} (${found.join(', ')}), so their rows are not the same work.`] : [];
};

/** Prompts are long and may be confidential: that they differ is told, not what they are. */
function promptWarnings(devices: readonly DeviceResults[]): string[] {
  const told = new Set(devices.map(({ prompts }) => prompts ?? ''));
  if (told.size < 2) return [];
  const silent = devices.some(({ prompts }) => prompts === null);
  return [
    `They differ in the prompts, so their rows are not the same work.${silent ? ' Links and files do not tell their prompts: they are taken for the usual ones.' : ''}`,
  ];
}

/** Variants that ran on most devices first; then by their least energy anywhere, unknown ones last. */
export function compareDevices(devices: readonly DeviceResults[]): Comparison {
  const perDevice = devices.map(({ results }) => {
    const { models, baseline } = splitBaseline(results);
    // Two engines of one variant: the leaner one speaks for the device.
    const leanest = new Map<string, VariantResult>();
    for (const r of [...models, ...(baseline ? [baseline] : [])]) {
      const other = leanest.get(r.variant);
      if (!other || (r.energy && (!other.energy || r.energy.mid < other.energy.mid))) leanest.set(r.variant, r);
    }
    return leanest;
  });
  const variants = [...new Set(perDevice.flatMap((map) => [...map.keys()]))];
  const rows = variants.map((variant) => ({ variant, cells: perDevice.map((map) => map.get(variant) ?? null) }));
  const present = (row: (typeof rows)[number]) => row.cells.filter(Boolean).length;
  const least = (row: (typeof rows)[number]) => Math.min(...row.cells.map((cell) => cell?.energy?.mid ?? Infinity));
  const order = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);
  const of = perDevice.flatMap((map, device) => [...map.values()].map((result) => ({ result, device })));
  const works = devices.map(workOf);
  const kinds = [...groupBy(of, ({ result }) => kindOf(result)).values()];
  return {
    rows: rows.sort((a, b) => present(b) - present(a) || order(least(a), least(b))),
    warnings: [
      ...differ(
        'the model',
        devices.map((d) => d.checkpoint),
      ),
      ...differ(
        'the tickets',
        devices.map((d) => d.dataset),
      ),
      ...differ(
        'the tasks',
        devices.map((d) => d.tasks.toSorted().join(' and ')),
      ),
      ...promptWarnings(devices),
    ],
    works: devices.map((d) => works.indexOf(workOf(d))),
    energyKinds:
      kinds.length < 2
        ? []
        : kinds.flatMap((own) => {
            const [first] = own;
            if (!first) return [];
            const { tier, boundary } = first.result;
            return [{ tier, boundary, devices: [...new Set(own.map(({ device }) => device))] }];
          }),
  };
}
