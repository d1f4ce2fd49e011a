/** What a counter covers, smallest first. Sums never add a domain to one that contains it. */
export const SCOPES = ['core', 'uncore', 'dram', 'package', 'gpu', 'soc', 'board', 'psys', 'battery', 'wall'] as const;
export type Scope = (typeof SCOPES)[number];

/** What a total speaks of; as in the records of runs. */
export const BOUNDARIES = ['gpu', 'package', 'device', 'system'] as const;
export type Boundary = (typeof BOUNDARIES)[number];

interface ScopeRow {
  title: string;
  /** Totals that it counts in. */
  boundary: Boundary;
}

/** In words, and what each counts towards. */
export const SCOPE: Readonly<Record<Scope, ScopeRow>> = {
  core: { title: 'processor cores', boundary: 'package' },
  uncore: { title: 'graphics beside the cores', boundary: 'package' },
  dram: { title: 'memory', boundary: 'package' },
  package: { title: 'processor package', boundary: 'package' },
  gpu: { title: 'whole graphics card', boundary: 'gpu' },
  soc: { title: 'chip', boundary: 'package' },
  board: { title: 'board without its supply', boundary: 'device' },
  psys: { title: 'platform', boundary: 'device' },
  battery: { title: 'all that the battery feeds', boundary: 'device' },
  wall: { title: 'at the wall', boundary: 'system' },
};

/** One thing whose energy is counted. */
export interface Domain {
  /** Names it for as long as the sampler runs, e.g. `rapl:package-0`. */
  id: string;
  /** Row of the registry that reads it. */
  source: string;
  /** As the machine calls it. */
  name: string;
  scope: Scope;
  /** Id of the domain that contains it; null = none that is known. */
  within: string | null;
  /** `counter`: joules since some time; `power`: watts, which are integrated. */
  kind: 'counter' | 'power';
  /** Joules at which a counter begins anew; null where it is not known to. */
  wrapsAt: number | null;
  /** More watts than this are no measurement. */
  mostWatts: number;
  /** Milliseconds between two values that differ, as documented; null = to be found. */
  period: number | null;
  /** PCI address, as `0000:01:00.0`, where it is a device of its own. */
  pci?: string;
  /** What must be known to read the number rightly; goes to whoever asks. */
  notes: string[];
}

/** What a domain said at one moment. Both null: it said nothing, which is never 0. */
export interface Sample {
  /** Milliseconds of the sampler's clock, or the driver's own time stamp. */
  at: number;
  joules: number | null;
  watts: number | null;
}

/** What could be read but is not, and the one command that would allow it; null = there is none. */
export interface Missing {
  what: string;
  command: string | null;
}

/** Domains that a source found, how they are read, and what it could not read. */
export interface Found {
  domains: Domain[];
  missing: Missing[];
  /** A sample a domain, by id; those that say nothing now are absent. */
  read(): Promise<Map<string, Sample>>;
  /** Milliseconds between two readings that nobody waits for, where each starts a program or crosses the network; none = any. */
  every?: number;
  close?(): Promise<void>;
}

/** A way to counters: one file in `sources/`, one row of `SOURCES`. */
export interface SourceRow {
  /** In words, for a person. */
  title: string;
  /** Platforms that it is looked for on. */
  platforms: readonly string[];
  find(system: import('./system').System): Promise<Found>;
}

/** `every` of sources that start a program for each reading. */
export const TOOL_EVERY_MS = 1000;

export const nothing = (missing: Missing[] = []): Found => ({
  domains: [],
  missing,
  read: () => Promise.resolve(new Map()),
});
