import { DEFAULT_SLICES, LEAST_SLICE, LEAST_SLICES, MOST_SLICES } from '../schema/defaults';

/**
 * Slices of a plan: as chosen; else enough to stop early where that is wished; else the default, or as few and as large
 * as still tell energies apart where each variant is opened anew for every slice.
 *
 * @param reopened see `Forecast`
 */
export function slicesFor(
  { slices, untilDecided, limit }: { slices: number | null; untilDecided?: boolean | undefined; limit: number },
  reopened: boolean,
): number {
  if (slices !== null) return slices;
  if (untilDecided) return Math.max(DEFAULT_SLICES, Math.min(MOST_SLICES, Math.floor(limit / LEAST_SLICE)));
  return reopened ? LEAST_SLICES : DEFAULT_SLICES;
}
