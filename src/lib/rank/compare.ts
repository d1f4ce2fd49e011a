import type { VariantResult } from '../schema/result';
import { splitBaseline } from './rank';

/** Results of one device, as far as a comparison reads them. */
export interface DeviceResults {
  results: readonly VariantResult[];
  checkpoint: string;
  dataset: string;
}

export interface Comparison {
  /** One row a variant, its result on each device in their order; null where it did not run there. */
  rows: { variant: string; cells: (VariantResult | null)[] }[];
  /** Why joules or qualities of these devices do not compare, in sentences. */
  warnings: string[];
}

const differ = (what: string, values: readonly string[]) => {
  const found = [...new Set(values)];
  return found.length > 1 ? [`They differ in ${what} (${found.join(', ')}), so their rows are not the same work.`] : [];
};

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
  const cells = rows.flatMap((row) => row.cells.filter((cell) => cell !== null));
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
        'the tier of their energy',
        cells.map((cell) => cell.tier),
      ),
      ...differ(
        'the boundary of their energy',
        cells.map((cell) => cell.boundary),
      ),
    ],
  };
}
