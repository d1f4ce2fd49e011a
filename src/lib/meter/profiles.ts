import { JoulewiseError, quote } from '../core/errors';
import type { Boundary, Range } from '../schema/run';
import { PART_CLASSES, PARTS, type Part, type PartClass, type PartGroup } from './parts';

/**
 * Coefficients of the profile tier, E = P_idle t + P_awake t + a bytes + b FLOPs, for one product or one class of products.
 *
 * **Derived from vendor data sheets and published measurements (parts.ts, published.ts), not measured by this project.** For
 * each product:
 *
 *     P_idle  = idle share x rated power
 *     P_awake = awake share x (rated power - P_idle)
 *     a       = memory share x (rated power - P_idle) / memory bandwidth
 *     b       = compute share x (rated power - P_idle) / peak 32-bit rate
 *
 * The shares (low, mid, high) belong to the part's class and carry what a data sheet does not say: how much of the
 * rating a memory-bound kernel draws, and how far from its peak a real kernel runs. A class profile spans its products:
 * the lowest low, the median mid, the highest high.
 */
export interface PowerProfile {
  name: string;
  /** What a list calls it. */
  label: string;
  kind: 'gpu' | 'cpu';
  boundary: Boundary;
  /** Watts. */
  idleW: Range;
  /** Watts beyond idle with work queued, however little. */
  awakeW: Range;
  /** Watts under load: mid is the rating, high includes short-term overshoot. No estimate says more. */
  loadW: Range;
  /** a: picojoules per byte moved between memory and the arithmetic. */
  pjPerByte: Range;
  /** b: picojoules per 32-bit operation (a multiply-add counts as two). */
  pjPerFlop: Range;
  /** What the numbers are derived from: a product, or the names of the profiles that this one spans. */
  origin: { part: Part } | { members: readonly string[] };
}

const range = (low: number, mid: number, high: number): Range => ({ low, mid, high });

/** Watts over giga-units per second are nanojoules: a thousand picojoules. */
const PJ_PER_NJ = 1000;

function derive(part: Part, kind: PowerProfile['kind']): PowerProfile {
  const { name, model, watts, gbps, tflops } = part;
  const partClass: PartClass = PART_CLASSES[part.class];
  const { idle, awake = [0, 0, 0], memory, compute, overshoot } = partClass;
  const idleW = range(idle[0] * watts, idle[1] * watts, idle[2] * watts);
  // The more of the rating is idle power, the less is left for the work: low work goes with high idle.
  const perUnit = (shares: PartClass['memory'], gigaUnits: number) =>
    range(
      (shares[0] * (watts - idleW.high) * PJ_PER_NJ) / gigaUnits,
      (shares[1] * (watts - idleW.mid) * PJ_PER_NJ) / gigaUnits,
      (shares[2] * (watts - idleW.low) * PJ_PER_NJ) / gigaUnits,
    );
  return {
    name,
    label: model,
    kind,
    boundary: partClass.boundary,
    idleW,
    awakeW: perUnit(awake, PJ_PER_NJ),
    loadW: range(idleW.mid, watts, watts * overshoot),
    pjPerByte: perUnit(memory, gbps),
    pjPerFlop: perUnit(compute, tflops * 1000),
    origin: { part },
  };
}

const medianOf = (xs: readonly number[]) => xs.toSorted((a, b) => a - b)[Math.floor((xs.length - 1) / 2)] as number;

const span = (ranges: readonly Range[]): Range =>
  range(
    Math.min(...ranges.map((r) => r.low)),
    medianOf(ranges.map((r) => r.mid)),
    Math.max(...ranges.map((r) => r.high)),
  );

const BOUNDARY_FROM_INSIDE = ['gpu', 'package', 'device', 'system'] as const satisfies readonly Boundary[];

const QUANTITIES = ['idleW', 'awakeW', 'loadW', 'pjPerByte', 'pjPerFlop'] as const;

/** One profile that holds whichever of `members` the device is. */
function spanning(
  name: string,
  label: string,
  kind: PowerProfile['kind'],
  members: readonly PowerProfile[],
): PowerProfile {
  return {
    name,
    label,
    kind,
    // The outermost: a class that mixes boundaries may say too much is enclosed, never too little.
    boundary: BOUNDARY_FROM_INSIDE.findLast((b) => members.some((m) => m.boundary === b)) ?? 'device',
    ...(Object.fromEntries(QUANTITIES.map((q) => [q, span(members.map((m) => m[q]))])) as Pick<
      PowerProfile,
      (typeof QUANTITIES)[number]
    >),
    origin: { members: members.map((m) => m.name) },
  };
}

interface ClassRow {
  name: string;
  label: string;
  /** Of parts; absent = the one that is named as it is, but for the vendor. */
  groups?: readonly PartGroup[];
  /** Treats the parts as members of another class: a software renderer runs on processors. */
  as?: Part['class'];
  /**
   * `vendor/architecture` as Dawn's gpu_info.json names them (GPUAdapterInfo), beside the one that the name itself says.
   */
  gpuAdapters?: readonly string[];
}

/** Classes of devices: what is known when only the architecture, or only the form of the device, is. */
const CLASSES: readonly ClassRow[] = [
  { name: 'nvidia-pascal', label: 'NVIDIA Pascal' },
  { name: 'nvidia-turing', label: 'NVIDIA Turing' },
  { name: 'nvidia-ampere', label: 'NVIDIA Ampere' },
  {
    name: 'nvidia-lovelace',
    label: 'NVIDIA Ada Lovelace',
  },
  {
    name: 'nvidia-blackwell',
    label: 'NVIDIA Blackwell',
  },
  { name: 'nvidia-hopper', label: 'NVIDIA Hopper' },
  { name: 'nvidia-jetson', label: 'NVIDIA Jetson Orin' },
  { name: 'amd-gcn-4', label: 'AMD GCN 4 (Polaris)' },
  // Cards and processors with graphics share an architecture name: without a model the span holds both.
  {
    name: 'amd-gcn-5',
    label: 'AMD GCN 5 (Vega)',
    groups: ['gcn-5', 'gcn-5-integrated'],
  },
  { name: 'amd-rdna-1', label: 'AMD RDNA 1' },
  {
    name: 'amd-rdna-2',
    label: 'AMD RDNA 2',
    groups: ['rdna-2', 'rdna-2-integrated'],
  },
  {
    name: 'amd-rdna-3',
    label: 'AMD RDNA 3',
    groups: ['rdna-3', 'rdna-3-integrated'],
  },
  {
    name: 'amd-rdna-3.5',
    label: 'AMD RDNA 3.5',
    groups: ['rdna-3-integrated'],
  },
  { name: 'amd-rdna-4', label: 'AMD RDNA 4' },
  {
    name: 'amd-integrated',
    label: 'AMD integrated graphics',
    groups: ['gcn-5-integrated', 'rdna-2-integrated', 'rdna-3-integrated'],
  },
  { name: 'intel-gen-9', label: 'Intel Gen 9 graphics' },
  {
    name: 'intel-gen-11',
    label: 'Intel Gen 11 graphics',
  },
  {
    name: 'intel-gen-12lp',
    label: 'Intel Xe-LP graphics',
    gpuAdapters: ['intel/xe'],
  },
  {
    name: 'intel-xe-lpg',
    label: 'Intel Xe-LPG graphics',
  },
  {
    name: 'intel-xe-2lpg',
    label: 'Intel Xe2-LPG graphics',
    gpuAdapters: ['intel/xe-3lpg'],
  },
  {
    name: 'intel-xe-hpg',
    label: 'Intel Arc A (Xe-HPG)',
    gpuAdapters: ['intel/gen-12hp'],
  },
  {
    name: 'intel-xe-2hpg',
    label: 'Intel Arc B (Xe2-HPG)',
  },
  {
    name: 'apple-metal-3',
    label: 'Apple M-series graphics',
    gpuAdapters: ['apple/common-3'],
  },
  {
    name: 'qualcomm-adreno-6xx',
    label: 'Qualcomm Adreno 6xx',
  },
  {
    name: 'qualcomm-adreno-7xx',
    label: 'Qualcomm Adreno 7xx',
    groups: ['adreno-7xx', 'adreno-x1'],
  },
  {
    name: 'qualcomm-adreno-8xx',
    label: 'Qualcomm Adreno 8xx',
  },
  { name: 'arm-bifrost', label: 'Arm Mali, Bifrost' },
  { name: 'arm-valhall', label: 'Arm Mali, Valhall' },
  {
    name: 'arm-gen-5',
    label: 'Arm Mali and Immortalis, 5th generation',
  },
  {
    name: 'img-rogue',
    label: 'Imagination PowerVR Rogue',
    gpuAdapters: ['img-tec/rogue'],
  },
  {
    name: 'img-b-series',
    label: 'Imagination PowerVR B-Series',
    gpuAdapters: ['img-tec/b-series'],
  },
  {
    name: 'samsung-xclipse',
    label: 'Samsung Xclipse',
    gpuAdapters: ['samsung/rdna-2', 'samsung/rdna-3'],
  },
  {
    name: 'broadcom-videocore',
    label: 'Raspberry Pi graphics',
  },
  {
    name: 'software-gpu',
    label: 'Software renderer (SwiftShader, WARP, llvmpipe) on a processor',
    groups: ['cpu-laptop', 'cpu-desktop'],
    as: 'software',
    gpuAdapters: ['google/swiftshader', 'microsoft/warp', 'mesa/software'],
  },
  { name: 'cpu-laptop', label: 'Laptop processor, x86' },
  { name: 'cpu-desktop', label: 'Desktop processor, x86' },
  { name: 'cpu-server', label: 'Server processor, x86' },
  { name: 'cpu-x86', label: 'Laptop or desktop processor, x86', groups: ['cpu-laptop', 'cpu-desktop'] },
  {
    name: 'cpu-x86-any',
    label: 'Laptop, desktop or server processor, x86',
    groups: ['cpu-laptop', 'cpu-desktop', 'cpu-server'],
  },
  { name: 'cpu-apple', label: 'Apple M-series processor' },
  { name: 'cpu-snapdragon-x', label: 'Qualcomm Snapdragon X processor' },
  { name: 'cpu-phone', label: 'Phone or tablet processor' },
  { name: 'cpu-pi-4', label: 'Raspberry Pi 4' },
  { name: 'cpu-pi-5', label: 'Raspberry Pi 5' },
  { name: 'cpu-jetson', label: 'NVIDIA Jetson Orin processor' },
];

/** Of a class or a group of parts, by its name. */
const kindOf = (name: string): PowerProfile['kind'] => (name.startsWith('cpu-') ? 'cpu' : 'gpu');

const groupNames = Object.keys(PARTS) as PartGroup[];

/** One profile per product. */
export const NAMED_PROFILES: readonly PowerProfile[] = groupNames.flatMap((group) =>
  PARTS[group].map((part: Part) => derive(part, kindOf(group))),
);

export const CLASS_PROFILES: readonly PowerProfile[] = CLASSES.map(({ name, label, groups, as }) => {
  const kind = kindOf(name);
  const own = groups ?? [(kind === 'cpu' ? name : name.replace(/^[a-z]+-/, '')) as PartGroup];
  return spanning(
    name,
    label,
    kind,
    own.flatMap((group) => PARTS[group].map((part: Part) => derive(as ? { ...part, class: as } : part, kind))),
  );
});

const everyOf = (kind: PowerProfile['kind']) => NAMED_PROFILES.filter((p) => p.kind === kind);

/** What is left to say of hardware that nothing identifies: the span of all. Not a guess. */
export const UNKNOWN_PROFILES = {
  gpu: spanning('unknown-gpu', 'Unknown graphics', 'gpu', everyOf('gpu')),
  cpu: spanning('unknown-cpu', 'Unknown processor', 'cpu', everyOf('cpu')),
} as const satisfies Record<PowerProfile['kind'], PowerProfile>;

export const PROFILES: readonly PowerProfile[] = [
  ...CLASS_PROFILES,
  ...NAMED_PROFILES,
  UNKNOWN_PROFILES.gpu,
  UNKNOWN_PROFILES.cpu,
];

const BY_NAME: ReadonlyMap<string, PowerProfile> = new Map(PROFILES.map((profile) => [profile.name, profile]));

const BY_ADAPTER: ReadonlyMap<string, string> = new Map(
  CLASSES.flatMap(({ name, gpuAdapters = [] }) =>
    [name.replace('-', '/'), ...gpuAdapters].map((adapter) => [adapter, name] as const),
  ),
);

/** @throws option.unknown with the list of choices */
export function profileByName(name: string): PowerProfile {
  const profile = BY_NAME.get(name);
  if (profile) return profile;
  const choices = PROFILES.map((p) => p.name).join(', ');
  throw new JoulewiseError('option.unknown', `There is no power profile ${quote(name)}. Choose one of: ${choices}.`);
}

/** The class profile of a WebGPU adapter, or null where its architecture is not in the table. */
export function profileOfAdapter(vendor: string, architecture: string): PowerProfile | null {
  const name = BY_ADAPTER.get(`${vendor}/${architecture}`);
  return name === undefined ? null : profileByName(name);
}
