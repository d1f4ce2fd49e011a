import type { Sampler } from '../meter/sampler';

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** Cumulative joules of each domain as OpenMetrics text, wraps taken out; a domain that said nothing is absent. */
export function openMetrics(sampler: Sampler): string {
  const lines = [
    '# TYPE joulewise_energy_joules counter',
    '# UNIT joulewise_energy_joules joules',
    '# HELP joulewise_energy_joules Energy since the sampler started.',
  ];
  for (const { id, name, scope, source } of sampler.domains) {
    const joules = sampler.track(id)?.total ?? null;
    if (joules === null) continue;
    lines.push(
      `joulewise_energy_joules_total{domain="${escaped(id)}",name="${escaped(name)}",scope="${scope}",source="${source}"} ${joules}`,
    );
  }
  return `${lines.join('\n')}\n# EOF\n`;
}
