import type { VariantResult } from '../schema/result';
import type { DecidedRow, Decision } from './decide';
import { referencesOf } from './simple';

/** After how many tickets the joules of training are won back against another variant that answers them. */
export interface Payback {
  /** The other one. */
  variant: string;
  /** Tickets, and the ends that the timing of both leaves open; null as high end = perhaps never. */
  tickets: { mid: number; low: number; high: number | null } | null;
}

/**
 * Tickets until a fine-tuned variant's training is won back against `other`: its joules, less those of the
 * other's own training, over what it saves a ticket. `tickets` is null where it saves nothing. Null where joules are unknown.
 */
export function paybackOf(tuned: VariantResult, other: VariantResult): Payback | null {
  const [own, theirs] = [tuned.energy, other.energy];
  const spent = tuned.training?.joules;
  if (!spent || !own || !theirs) return null;
  // Where the other was trained too, only what this one's training took more has to be won back.
  const more = spent.mid - (other.training?.joules?.mid ?? 0);
  const { variant } = other;
  if (own.mid >= theirs.mid) return { variant, tickets: null };
  if (more <= 0) return { variant, tickets: { mid: 0, low: 0, high: 0 } };
  const after = (saved: number) => (saved > 0 ? Math.ceil(more / saved) : null);
  const mid = after(theirs.mid - own.mid) as number;
  const low = after((theirs.high ?? theirs.mid) - (own.low ?? own.mid)) ?? mid;
  const high = after((theirs.low ?? theirs.mid) - (own.high ?? own.mid));
  return { variant, tickets: { mid, low: Math.min(low, mid), high } };
}

/** Those whom training is to be won back against beside other models: the widest untuned one, and the baseline. */
export function untrained({ rows, baseline }: Pick<Decision, 'rows' | 'baseline'>): DecidedRow[] {
  const plain = rows.filter(({ result }) => !result.training);
  const [widest] = referencesOf(plain.map(({ result }) => result.variant));
  return [plain.find(({ result }) => result.variant === widest), baseline].filter((row) => !!row);
}
