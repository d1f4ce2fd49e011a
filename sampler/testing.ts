import { SystemFault, type FaultCode, type LibraryName, type System } from './system';

/** A text, a refusal, or which of them at a time. */
export type Scripted = Said | ((ms: number) => Said);
type Said = string | { fault: FaultCode };

/** A machine whose files, tools and libraries say what a test scripts, on a clock that a test moves. */
export class FakeSystem implements System {
  ms = 0;
  readonly asked: string[] = [];

  constructor(
    readonly platform: string,
    private readonly o: {
      files?: Readonly<Record<string, Scripted>>;
      tools?: Readonly<Record<string, Scripted>>;
      pages?: Readonly<Record<string, Scripted>>;
      links?: Readonly<Record<string, string>>;
      libraries?: Partial<Record<LibraryName, unknown>>;
    } = {},
  ) {}

  #say(all: Readonly<Record<string, Scripted>> | undefined, key: string): Promise<string> {
    this.asked.push(key);
    const own = all?.[key];
    const said = typeof own === 'function' ? own(this.ms) : own;
    if (said === undefined) return Promise.reject(new SystemFault('absent', `${key} is not there`));
    if (typeof said === 'object') return Promise.reject(new SystemFault(said.fault, `${key}: ${said.fault}`));
    return Promise.resolve(said);
  }

  read = (path: string) => this.#say(this.o.files, path);
  run = (command: string, args: readonly string[]) => this.#say(this.o.tools, [command, ...args].join(' '));
  fetch = (url: string) => this.#say(this.o.pages, url);
  library = (name: LibraryName) => Promise.resolve(this.o.libraries?.[name] ?? null);
  resolve = (path: string) => Promise.resolve(this.o.links?.[path] ?? null);
  now = () => this.ms;

  list(path: string): Promise<string[]> {
    const under = `${path}/`;
    const names = Object.keys(this.o.files ?? {})
      .filter((f) => f.startsWith(under))
      .map((f) => f.slice(under.length).split('/')[0] as string);
    return Promise.resolve([...new Set(names)].sort());
  }

  /** What `Sampler.open` waits with: the clock moves on. */
  wait = (ms: number) => {
    this.ms += ms;
    return Promise.resolve();
  };
}

/** A powercap zone whose counter grows by so many watts and wraps where `range` says (uJ). */
export function zone(
  at: string,
  name: string,
  watts: number | ((ms: number) => number),
  o: { range?: number; from?: number } = {},
): Record<string, Scripted> {
  const { range = 262_143_328_850, from = 0 } = o;
  const used = typeof watts === 'number' ? (ms: number) => watts * ms * 1000 : watts;
  return {
    [`/sys/class/powercap/${at}/name`]: `${name}\n`,
    [`/sys/class/powercap/${at}/max_energy_range_uj`]: `${range}\n`,
    [`/sys/class/powercap/${at}/energy_uj`]: (ms) => `${Math.floor((from + used(ms)) % range)}\n`,
  };
}

export const INTEL = { '/proc/cpuinfo': 'vendor_id\t: GenuineIntel\ncpu family\t: 6\nflags\t\t: fpu vme\n' };
