import { SCOPE } from './domain';
import type { SamplingCost } from './meter/cost';
import type { Sampler } from './meter/sampler';
import { domainsOf } from './meter/sum';
import { BOUNDARIES } from './domain';

/** What was found, what could not be read, and the command that would allow it. */
export function report(sampler: Sampler, cost: SamplingCost | null = null): { text: string; found: boolean } {
  const lines: string[] = [];
  for (const { title, domains, missing } of sampler.discovered) {
    if (domains.length === 0 && missing.length === 0) continue;
    lines.push(title);
    for (const d of domains) {
      const inside = d.within ? `, inside ${d.within}` : '';
      lines.push(
        `  reads   ${d.name}: ${SCOPE[d.scope].title}${inside}${d.kind === 'power' ? ', watts integrated' : ''}`,
      );
      for (const note of d.notes) lines.push(`          ${note}`);
    }
    for (const m of missing) {
      lines.push(`  missing ${m.what}`);
      if (m.command) lines.push(`          allow it: ${m.command}`);
    }
  }
  const totals = BOUNDARIES.flatMap((b) => {
    const own = domainsOf(sampler.domains, b);
    return own.length ? [`  ${b}: ${own.map((d) => d.id).join(' + ')}`] : [];
  });
  const cards = sampler.domains.filter((d) => d.scope === 'gpu');
  if (totals.length) lines.push('', 'Totals', ...totals);
  if (cards.length > 1) lines.push('  gpu: several cards; a page counts the one that it runs on');
  if (sampler.cost !== null) lines.push('', `One reading of all takes ${sampler.cost.toFixed(2)} ms.`);
  if (cost !== null)
    lines.push(
      `Reading as often as for a page takes ${(100 * cost.core).toFixed(2)} % of one core (${cost.readings} readings in ${cost.seconds.toFixed(1)} s; programs that a source starts not counted).`,
    );
  const found = sampler.domains.length > 0;
  if (!found) lines.push('', 'Nothing here tells its energy: Joulewise estimates it by a power profile, and says so.');
  return { text: lines.join('\n'), found };
}
