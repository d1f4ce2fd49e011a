import { SystemFault, type LibraryName } from './system';

/** NVIDIA's management library (NVML API reference), as sources use it. Null: the card does not say. */
export interface NvmlLibrary {
  cards(): { name: string; pci: string; mig: boolean }[];
  /** mJ since the driver was loaded. */
  energy(card: number): number | null;
  /** mW. */
  power(card: number): number | null;
  close(): void;
}

/** The kernel's performance events (perf_event_open, man 2). */
export interface PerfLibrary {
  /** Counts an event on a processor, over all that runs there. Throws `SystemFault` with `denied`. */
  open(type: number, config: number, cpu: number): { read: () => bigint | null; close: () => void };
}

/** What of koffi is used: it is installed with the sampler alone, and may be missing. */
interface Koffi {
  load(name: string): { func(declaration: string): (...args: unknown[]) => unknown };
  errno(): number;
}

const NVML_FILES: Readonly<Record<string, string>> = { linux: 'libnvidia-ml.so.1', win32: 'nvml.dll' };
const NVML_OK = 0;
const MIG_ENABLED = 1;

function nvml(koffi: Koffi): NvmlLibrary {
  const lib = koffi.load(NVML_FILES[process.platform] as string);
  const init = lib.func('int nvmlInit_v2()');
  if (init() !== NVML_OK) throw new SystemFault('failed', "NVIDIA's driver does not answer");
  const shutdown = lib.func('int nvmlShutdown()');
  const count = lib.func('int nvmlDeviceGetCount_v2(_Out_ uint32_t *n)');
  const handle = lib.func('int nvmlDeviceGetHandleByIndex_v2(uint32_t i, _Out_ void **device)');
  const nameOf = lib.func('int nvmlDeviceGetName(void *device, _Out_ uint8_t *name, uint32_t length)');
  const energyOf = lib.func('int nvmlDeviceGetTotalEnergyConsumption(void *device, _Out_ uint64_t *mj)');
  const powerOf = lib.func('int nvmlDeviceGetPowerUsage(void *device, _Out_ uint32_t *mw)');
  const pciOf = lib.func('int nvmlDeviceGetPciInfo_v3(void *device, _Out_ uint8_t *info)');
  const migOf = lib.func('int nvmlDeviceGetMigMode(void *device, _Out_ uint32_t *now, _Out_ uint32_t *next)');
  const text = (bytes: Uint8Array, from = 0) => {
    const end = bytes.indexOf(0, from);
    return new TextDecoder().decode(bytes.subarray(from, end < 0 ? undefined : end));
  };
  const n: [number] = [0];
  count(n);
  const devices = Array.from({ length: n[0] }, (_, i) => {
    const device: [unknown] = [null];
    return handle(i, device) === NVML_OK ? device[0] : null;
  });
  const value = (ask: (...args: unknown[]) => unknown, device: unknown): number | null => {
    const out: [number | bigint] = [0];
    return device !== null && ask(device, out) === NVML_OK ? Number(out[0]) : null;
  };
  return {
    cards: () =>
      devices.map((device) => {
        const [name, info] = [new Uint8Array(96), new Uint8Array(128)];
        nameOf(device, name, name.length);
        pciOf(device, info);
        const [now, next]: [[number], [number]] = [[0], [0]];
        const mig = migOf(device, now, next) === NVML_OK && now[0] === MIG_ENABLED;
        // nvmlPciInfo_t: 16 bytes of the old bus id, five numbers of 32 bits, then the bus id.
        return { name: text(name), pci: text(info, 36), mig };
      }),
    energy: (i) => value(energyOf, devices[i]),
    power: (i) => value(powerOf, devices[i]),
    close: () => void shutdown(),
  };
}

/** Number of perf_event_open, by architecture (syscalls(2)). */
const PERF_CALL: Readonly<Record<string, number>> = { x64: 298, arm64: 241 };
/** Bytes of perf_event_attr that are given: its first version. */
const ATTR_BYTES = 64;
const EACCES = 13;
const EPERM = 1;

async function perf(koffi: Koffi): Promise<PerfLibrary | null> {
  const call = PERF_CALL[process.arch];
  if (call === undefined) return null;
  const { readSync, closeSync } = await import('node:fs');
  const libc = koffi.load('libc.so.6');
  const syscall = libc.func('long syscall(long n, uint8_t *attr, int pid, int cpu, int group, unsigned long flags)');
  return {
    open(type, config, cpu) {
      const attr = new DataView(new ArrayBuffer(ATTR_BYTES));
      attr.setUint32(0, type, true);
      attr.setUint32(4, ATTR_BYTES, true);
      attr.setBigUint64(8, BigInt(config), true);
      const fd = Number(syscall(call, new Uint8Array(attr.buffer), -1, cpu, -1, 0));
      if (fd < 0) {
        const denied = [EACCES, EPERM].includes(koffi.errno());
        throw new SystemFault(denied ? 'denied' : 'failed', `the kernel refused it (error ${koffi.errno()})`);
      }
      const bytes = Buffer.alloc(8);
      return {
        read: () => (readSync(fd, bytes, 0, 8, null) === 8 ? bytes.readBigUInt64LE() : null),
        close: () => closeSync(fd),
      };
    },
  };
}

/** A native library; null where koffi or the library itself is not installed. */
export async function nativeLibrary(wanted: LibraryName): Promise<NvmlLibrary | PerfLibrary | null> {
  let koffi: Koffi;
  try {
    // By a name, since whoever only type-checks the house has no koffi.
    const name: string = 'koffi';
    const found = (await import(name)) as { default: Koffi };
    koffi = found.default;
  } catch {
    return null;
  }
  try {
    return wanted === 'nvml' ? nvml(koffi) : await perf(koffi);
  } catch {
    return null;
  }
}
