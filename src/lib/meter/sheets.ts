import { PART_CLASSES, type Part, type PartClass, type PartClassName } from './parts';
import { profileByName, type PowerProfile } from './profiles';

/** Where the numbers of profiles come from, in words. Apart from the numbers, which the first page loads. */

const SHEETS = {
  geforce: 'NVIDIA product specifications: graphics card power, memory bandwidth, boost clock x CUDA cores x 2',
  geforceLaptop: 'NVIDIA laptop GPU specifications; middle of the range of graphics power',
  nvidiaServer: 'NVIDIA data-centre data sheet: maximum power, memory bandwidth, FP32',
  radeon: 'AMD product specifications: typical board power, memory bandwidth, peak single precision',
  amdApu: 'AMD Ryzen product specifications: default TDP, maximum memory speed x 128 bit, graphics cores x clock',
  intelGraphics: 'Intel ARK: processor base power, maximum memory bandwidth, execution units x 16 x clock',
  arc: 'Intel ARK: total board power, memory bandwidth, Xe cores x 256 x clock',
  appleGpu:
    'Apple states bandwidth and cores; power is the package power that reviews measured under GPU load, rate is cores x ALUs x clock',
  phoneGpu:
    'SoC product brief: memory type; power is the sustained limit of a phone, rate is ALUs x clock as reported by reviews',
  laptopCpu:
    'Intel ARK / AMD product specifications: base TDP, memory bandwidth; rate from cores, all-core clock and vector width',
  snapdragonX: 'Qualcomm Snapdragon X Elite product brief',
  desktopCpu:
    'Intel ARK / AMD product specifications: base TDP, memory bandwidth; rate from cores, all-core clock and vector width',
  serverCpu:
    'Intel ARK / AMD EPYC data sheet: TDP, memory bandwidth per socket; rate from cores, base clock and vector width',
  appleCpu:
    'Apple states bandwidth and cores; power is the CPU package power that reviews measured, rate is cores x clock x four 128-bit units',
  phoneCpu: 'SoC product brief: memory type, cores, clocks; power is the sustained limit of a phone',
  board: 'board documentation: maximum power, memory type, cores and clock',
} as const;
type SheetName = keyof typeof SHEETS;

/** Sheets of parts, by class and by how the name of the profile begins or ends; the first that fits. */
const SHEETS_BY_PART: readonly [PartClassName | null, RegExp, SheetName][] = [
  [null, /^nvidia-.*-laptop$/, 'geforceLaptop'],
  ['accelerator', /^nvidia-/, 'nvidiaServer'],
  ['low-profile', /^nvidia-/, 'nvidiaServer'],
  [null, /^nvidia-/, 'geforce'],
  ['discrete', /^amd-/, 'radeon'],
  ['discrete', /^intel-/, 'arc'],
  [null, /x1-85$|x1e-80$/, 'snapdragonX'],
  ['integrated', /^amd-/, 'amdApu'],
  ['integrated', /^intel-/, 'intelGraphics'],
  ['apple', /^/, 'appleGpu'],
  ['handset', /^/, 'phoneGpu'],
  ['laptop', /^/, 'laptopCpu'],
  ['desktop', /^/, 'desktopCpu'],
  ['server', /^/, 'serverCpu'],
  ['apple-cpu', /^/, 'appleCpu'],
  ['handset-cpu', /^/, 'phoneCpu'],
  [null, /^/, 'board'],
];

const sheetOf = (part: Part): SheetName =>
  SHEETS_BY_PART.find(([of, name]) => (of === null || of === part.class) && name.test(part.name))?.[2] ?? 'board';

const CPU_BASIS =
  'WebAssembly has 128-bit lanes where the peak counts 256 or 512, hence 1/3/8; reading at full bandwidth keeps several cores awake';

/** What is particular to a part, by the name of its profile. */
const NOTES: Readonly<Record<string, string>> = {
  'nvidia-a100': 'SXM, 80 GB',
  'nvidia-h100': 'SXM',
  'nvidia-h200': 'SXM',
  'amd-radeon-890m': 'RDNA 3.5',
  'amd-radeon-8060s': 'RDNA 3.5, 256-bit memory',
  'intel-uhd-630': 'of 65 W, what the graphics can draw',
  'intel-uhd-770': 'of 125 W, what the graphics can draw',
  'nvidia-rtx-3060-laptop': '60-115 W',
  'nvidia-rtx-4060-laptop': '35-115 W',
};

/** Why the shares of a class of parts are what they are. */
const BASES: Readonly<Record<PartClassName, string>> = {
  discrete:
    'memory chips and interface take about a quarter of board power (low); a memory-bound decode draws 60-70 % of it (388 of 575 W: Qwen2-7B in 16 bits on an RTX 5090, EcoCompute, doi 10.5281/zenodo.18900289)',
  ampere:
    'RTX 3080 and 3090 draw half of their rating as soon as work is queued, and little more at full bandwidth (universal-llm-telemetry-suite, MegaQwen)',
  lovelace:
    'RTX 4090 D draws 17 to 50 % of its rating at 5 to 53 % of its bandwidth (EcoCompute), RTX 4090 87 % at 75 % (club-3090)',
  blackwell:
    'RTX 5090 draws 20 to 68 % of its rating at 2 to 56 % of its bandwidth (EcoCompute, doi 10.5281/zenodo.18900289), 93 % at 75 % (qwen38-mtp); RTX 5060 Ti 96 % at 77 % (InventiveHQ)',
  'low-profile': 'a T4 of 70 W draws 69 to 78 % of it at 2 to 10 % of its bandwidth (EcoCompute)',
  accelerator: 'as graphics cards; data-centre parts idle with memory and links awake',
  integrated:
    'as graphics cards, on the whole package: processor cores, graphics and memory controller share one rating',
  apple:
    'an M1 Pro draws 19 to 25 W whatever it reads (universal-llm-telemetry-suite), an M4 Max 21 W at 36 % of its bandwidth (llm-benchmarking)',
  handset: 'as integrated graphics; the idle share includes a lit display at its high end',
  laptop: CPU_BASIS,
  desktop: CPU_BASIS,
  server: CPU_BASIS,
  'apple-cpu': 'the peak counts 128-bit lanes, which WebAssembly has',
  'handset-cpu':
    'the peak counts 128-bit lanes, which WebAssembly has; the idle share includes a lit display at its high end',
  jetson: 'an AGX Orin idles at 11 W and draws 37 to 48 W at 38 to 49 % of its bandwidth (jetson-llm-maxperf)',
  board:
    'the whole board; a Pi 5 draws 12 to 13 W from the wall at half of its bandwidth (ai-benchmarks); Raspberry Pi documentation gives 600 mA (Pi 4) and 800 mA (Pi 5) at 5 V for a bare active board; peaks of around 8 W (Pi 4) and 12 W (Pi 5) as told at the launch of the Pi 5, from memory',
  software: 'a software renderer compiles shaders to CPU code: far below the rate of WebAssembly kernels',
};

export type Sources = Readonly<Record<'idleW' | 'awakeW' | 'loadW' | 'pjPerByte' | 'pjPerFlop', string>>;

const sharesText = (shares: readonly number[]) => shares.map((share) => Number(share.toFixed(2))).join('/');

function sourcesOfPart(part: Part): Sources {
  const { class: name, watts, gbps, tflops } = part;
  const sheetName = sheetOf(part);
  const { idle, awake, memory, compute }: PartClass = PART_CLASSES[name];
  const note = NOTES[part.name];
  const sheet = note === undefined ? SHEETS[sheetName] : `${SHEETS[sheetName]}; ${note}`;
  const basis = BASES[name];
  return {
    idleW: `derived: ${sharesText(idle)} x ${watts} W (${sheet}); ${basis}`,
    awakeW: awake
      ? `derived: ${sharesText(awake)} x (${watts} W - idle) (${sheet}); ${basis}`
      : 'nobody published it for this kind of hardware: counted as 0',
    loadW: `${watts} W (${sheet})`,
    pjPerByte: `derived: ${sharesText(memory)} x (${watts} W - idle) / ${gbps} GB/s (${sheet}); ${basis}`,
    pjPerFlop: `derived: ${sharesText(compute)} x (${watts} W - idle) / ${tflops} TFLOP/s (${sheet}); ${basis}`,
  };
}

/** Where each number of a profile comes from. */
export function sourcesOf({ origin }: PowerProfile): Sources {
  if ('part' in origin) return sourcesOfPart(origin.part);
  const members = origin.members.map((name) => profileByName(name).label).sort();
  const text = `derived: lowest low, median mid, highest high of ${members.join(', ')}`;
  return { idleW: text, awakeW: text, loadW: text, pjPerByte: text, pjPerFlop: text };
}
