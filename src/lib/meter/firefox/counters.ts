/** Power counters of a Firefox profile: what each covers, and which of them may be added. */

/** Joules of one counter over time, as differences. */
export interface PowerCounter {
  name: string;
  /** Process that sampled it. */
  pid: string;
  /** Milliseconds of the profile's clock, ascending; sample i holds what was used since the one before it. */
  times: readonly number[];
  /** Picowatt-hours since the sample before. The first is since boot, or since the process began, and is never used. */
  counts: readonly number[];
}

type DomainName = 'platform' | 'package' | 'cores' | 'core' | 'graphics' | 'memory' | 'process';

interface DomainRow {
  /** As Firefox calls it, on all systems. */
  names: RegExp;
  /** Domain that contains it; null = none. */
  within: DomainName | null;
  /** Counted by each process for itself, so that all of them are added; else by the parent for the machine. */
  eachProcess?: true;
  /** In words, in the source of a reading. */
  title: string;
}

/**
 * Labels from Firefox's tools/profiler/core/PowerCounters-{win,linux,mac-amd64,mac-arm64}.cpp. Where Windows names a channel
 * otherwise (a second package, a single core), Firefox passes the channel's own name. Memory lies beside the package.
 */
const DOMAINS: Readonly<Record<DomainName, DomainRow>> = {
  platform: { names: /^Power: System$/, within: null, title: 'platform' },
  package: { names: /^(?:Power: CPU package|RAPL_Package\d+_PKG)$/, within: 'platform', title: 'CPU package' },
  memory: { names: /^(?:Power: DRAM|RAPL_Package\d+_DRAM)$/, within: 'platform', title: 'DRAM' },
  cores: { names: /^(?:Power: CPU cores|RAPL_Package\d+_PP0)$/, within: 'package', title: 'CPU cores' },
  graphics: { names: /^(?:Power: iGPU|RAPL_Package\d+_PP1)$/, within: 'package', title: 'iGPU' },
  core: { names: /^(?:Power: CPU core \d+|RAPL_Package\d+_Core\d+_CORE)$/, within: 'cores', title: 'single CPU cores' },
  // Energy of the task, processor only (task_info, TASK_POWER_INFO_V2), on Apple Silicon.
  process: { names: /^Process Power$/, within: 'cores', eachProcess: true, title: 'processor by process' },
};

const DOMAIN_NAMES = Object.keys(DOMAINS) as DomainName[];

/** Counters that are added: none of them contains another. */
export interface CountedPower {
  counters: readonly PowerCounter[];
  /** Names what was added, for `Reading.source`. */
  source: string;
  /** Whether each process counts itself: processes come and go while a profile is recorded. */
  eachProcess: boolean;
  /** Whether all of the package is counted, with graphics in it. */
  wholePackage: boolean;
  /** Names of power counters that are left out: they lie in others, contain them, or are not known. */
  leftOut: string[];
}

/** Name of the source in a record. */
export const FIREFOX = 'firefox-profile';

const domainOf = ({ name }: PowerCounter) => DOMAIN_NAMES.find((own) => DOMAINS[own].names.test(name)) ?? null;

/** A counter that never moves is of something that the machine does not count: channels of absent memory say 0. */
const moves = ({ counts }: PowerCounter) => counts.some((n, i) => i > 0 && n !== 0);

/** Counters at the boundary of the package that no other of it contains; null where there are none. */
export function countedPower(all: readonly PowerCounter[]): CountedPower | null {
  const seen = new Set<string>();
  const known = all.filter((counter) => {
    const domain = domainOf(counter);
    // The platform is another boundary: more than what computes.
    if (!domain || domain === 'platform' || !moves(counter)) return false;
    // The machine's counters are the same in whichever process they stand: a second of a name would count joules again.
    const key = DOMAINS[domain].eachProcess ? `${counter.name}\n${counter.pid}` : counter.name;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  const present = new Set(known.map(domainOf));
  const contained = (domain: DomainName): boolean => {
    const { within } = DOMAINS[domain];
    return within !== null && (present.has(within) || contained(within));
  };
  const counters = known.filter((counter) => !contained(domainOf(counter) as DomainName));
  if (counters.length === 0) return null;
  const domains = DOMAIN_NAMES.filter((name) => counters.some((counter) => domainOf(counter) === name));
  return {
    counters,
    source: `${FIREFOX}: ${domains.map((name) => DOMAINS[name].title).join(' + ')}`,
    eachProcess: domains.some((name) => DOMAINS[name].eachProcess),
    wholePackage: domains.includes('package'),
    leftOut: [...new Set(all.filter((counter) => !counters.includes(counter)).map(({ name }) => name))],
  };
}
