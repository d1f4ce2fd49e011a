import { BOUNDARIES, SCOPE, type Boundary, type Domain } from '../domain';
import { FLAGS, type Span } from './track';

/** Joules of a boundary: which domains were added, and what they came to. Null joules = one of them is not known. */
export interface Total {
  boundary: Boundary;
  /** How the joules came about, as in the records of runs. */
  tier: 'wall' | 'counter' | 'integrated-power';
  domains: string[];
  joules: Omit<Span, 'flags'> | null;
  flags: Span['flags'];
  notes: string[];
}

const holds = (domains: ReadonlyMap<string, Domain>, outer: string, inner: Domain): boolean =>
  inner.within !== null &&
  (inner.within === outer || holds(domains, outer, domains.get(inner.within) ?? { ...inner, within: null }));

/**
 * Domains whose sum is a boundary: those that no other of it contains. Several graphics cards are never added, since a page
 * uses one of them: `gpu` names which. Where two ways lead to one thing (a counter and integrated watts, a platform and a
 * wall meter), the first in the registry's order is taken.
 */
export function domainsOf(all: readonly Domain[], boundary: Boundary, gpu: string | null = null): Domain[] {
  const byId = new Map(all.map((d) => [d.id, d]));
  const own = all.filter((d) => SCOPE[d.scope].boundary === boundary && !d.notes.includes(MIRROR));
  if (boundary === 'gpu') {
    const cards = own.filter((d) => (gpu === null ? true : d.pci === gpu || d.id === gpu));
    const devices = new Set(cards.map((d) => d.pci ?? d.id));
    return devices.size === 1 ? cards.slice(0, 1) : [];
  }
  const outer = own.filter((d) => !own.some((other) => other !== d && holds(byId, other.id, d)));
  if (boundary !== 'package') return outer.slice(0, 1);
  // Of a processor the first source that knows it speaks: another would count the same joules again.
  const [first] = outer;
  return outer.filter((d) => d.source === first?.source);
}

/** Note of a domain that shows the counter of another. */
export const MIRROR = 'shows the same counter as another domain, which is counted';

/** Totals by boundary; boundaries that nothing speaks of are absent. */
export function totalsOf(
  all: readonly Domain[],
  spanOf: (id: string) => Span | null,
  gpu: string | null = null,
): Total[] {
  return BOUNDARIES.flatMap((boundary) => {
    const domains = domainsOf(all, boundary, gpu);
    if (domains.length === 0) return [];
    const spans = domains.map((d) => spanOf(d.id));
    const known = spans.filter((s): s is Span => s !== null);
    const add = (end: 'low' | 'mid' | 'high') => known.reduce((n, s) => n + s[end], 0);
    const flags = new Set(known.flatMap((s) => s.flags));
    return [
      {
        boundary,
        tier: domains.some((d) => d.scope === 'wall')
          ? ('wall' as const)
          : domains.some((d) => d.kind === 'power')
            ? ('integrated-power' as const)
            : ('counter' as const),
        domains: domains.map((d) => d.id),
        joules: known.length === spans.length ? { low: add('low'), mid: add('mid'), high: add('high') } : null,
        flags: FLAGS.filter((f) => flags.has(f)),
        notes: [...new Set(domains.flatMap((d) => d.notes))],
      },
    ];
  });
}
