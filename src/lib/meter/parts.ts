/**
 * Data-sheet numbers of products, from which `profiles.ts` derives joules. Nothing here was measured by this project.
 *
 * Power is the vendor's rating for what `PART_CLASSES[part.class].boundary` encloses: board power of a graphics card,
 * base or default TDP of a processor. Bandwidth is that of the memory the weights lie in. Compute is the peak 32-bit
 * rate (a multiply-add counts as two), of graphics parts as the vendor states it, of processors as
 * cores x clock x lanes of their widest unit. Numbers are quoted from public data sheets; where a vendor states none
 * (Apple, phones), the sheet says what stands in for it.
 */

/** What parts of one kind have in common. Shares are [low, mid, high]. */
export interface PartClass {
  boundary: 'gpu' | 'package' | 'device' | 'system';
  /** Idle power as a share of rated power: from everything asleep to clocks up with nothing to do. */
  idle: readonly [number, number, number];
  /** Share of (rated - idle) power that flows beyond idle while work is queued, however little; absent = nobody measured it. */
  awake?: readonly [number, number, number];
  /** Share of (rated - idle) power that flows beyond that while memory runs at full bandwidth. */
  memory: readonly [number, number, number];
  /** Power of a compute-bound kernel over what the rated power would buy at peak rate: kernels do not reach the peak. */
  compute: readonly [number, number, number];
  /** Short-term power over rated power. */
  overshoot: number;
}

const GPU_MEMORY = [0.25, 0.6, 1.2] as const;
const GPU_COMPUTE = [0.5, 1.5, 4] as const;
const CPU_MEMORY = [0.25, 0.6, 1.2] as const;
/** Many cores share one memory: a few of them saturate it while the rest of the rating stays unused. */
const MANY_CORE_MEMORY = [0.15, 0.4, 1] as const;
const CPU_COMPUTE = [1, 3, 8] as const;

/**
 * What graphics were published to draw, as shares of rated power: `base` with work queued, and `slope` more at full bandwidth.
 * Ends lie a factor of `factors` from the mid.
 */
const measured = (
  idle: PartClass['idle'],
  base: number,
  slope: number,
  [down, up]: readonly [number, number] = [1.65, 1.65],
) =>
  ({
    idle,
    awake: [
      (base / down - idle[0]) / (1 - idle[2]),
      (base - idle[1]) / (1 - idle[1]),
      (base * up - idle[2]) / (1 - idle[0]),
    ],
    memory: [slope / down / (1 - idle[2]), slope / (1 - idle[1]), (slope * up) / (1 - idle[0])],
  }) as const;
const GPU_IDLE = [0.03, 0.045, 0.08] as const;

const card = (base: number, slope: number) =>
  ({ boundary: 'gpu', ...measured(GPU_IDLE, base, slope), compute: GPU_COMPUTE, overshoot: 1.1 }) as const;

export const PART_CLASSES = {
  discrete: {
    boundary: 'gpu',
    idle: [0.04, 0.1, 0.22],
    memory: GPU_MEMORY,
    compute: GPU_COMPUTE,
    overshoot: 1.1,
  },
  // Generations of NVIDIA's cards that published measurements tell apart (published.ts, the part `fit`).
  ampere: card(0.5, 0.35),
  lovelace: card(0.14, 0.75),
  blackwell: card(0.2, 0.95),
  'low-profile': { boundary: 'gpu', ...measured([0.1, 0.14, 0.2], 0.67, 0.5), compute: GPU_COMPUTE, overshoot: 1 },
  accelerator: {
    boundary: 'gpu',
    idle: [0.08, 0.14, 0.2],
    memory: GPU_MEMORY,
    compute: GPU_COMPUTE,
    overshoot: 1,
  },
  integrated: {
    boundary: 'package',
    idle: [0.05, 0.12, 0.3],
    memory: GPU_MEMORY,
    compute: GPU_COMPUTE,
    overshoot: 1.6,
  },
  apple: {
    boundary: 'package',
    ...measured([0.01, 0.02, 0.05], 0.28, 0.55, [2, 1.5]),
    compute: GPU_COMPUTE,
    overshoot: 1.3,
  },
  handset: {
    boundary: 'device',
    idle: [0.06, 0.15, 0.4],
    memory: GPU_MEMORY,
    compute: GPU_COMPUTE,
    overshoot: 1.5,
  },
  laptop: {
    boundary: 'package',
    idle: [0.05, 0.12, 0.3],
    memory: CPU_MEMORY,
    compute: CPU_COMPUTE,
    overshoot: 2,
  },
  desktop: {
    boundary: 'package',
    idle: [0.05, 0.15, 0.35],
    memory: MANY_CORE_MEMORY,
    compute: CPU_COMPUTE,
    overshoot: 1.8,
  },
  server: {
    boundary: 'package',
    idle: [0.15, 0.3, 0.5],
    memory: MANY_CORE_MEMORY,
    compute: CPU_COMPUTE,
    overshoot: 1.1,
  },
  'apple-cpu': {
    boundary: 'package',
    idle: [0.01, 0.05, 0.2],
    memory: CPU_MEMORY,
    compute: [0.7, 1.5, 4],
    overshoot: 1.3,
  },
  'handset-cpu': {
    boundary: 'device',
    idle: [0.06, 0.15, 0.4],
    memory: CPU_MEMORY,
    compute: [0.7, 1.5, 5],
    overshoot: 1.5,
  },
  board: {
    boundary: 'system',
    ...measured([0.25, 0.33, 0.45], 0.6, 0.7, [1.7, 1.5]),
    compute: [0.7, 1.5, 5],
    overshoot: 1.3,
  },
  jetson: {
    boundary: 'system',
    ...measured([0.14, 0.19, 0.25], 0.3, 0.95, [1.6, 1.5]),
    compute: [0.7, 1.5, 5],
    overshoot: 1.3,
  },
  software: {
    boundary: 'package',
    idle: [0.05, 0.15, 0.35],
    memory: [0.5, 1.5, 4],
    compute: [2, 10, 40],
    overshoot: 2,
  },
} as const satisfies Record<string, PartClass>;

export type PartClassName = keyof typeof PART_CLASSES;

export interface Part {
  /** Profile name of this very product. */
  name: string;
  /** As a WebGL renderer string says it. */
  model: string;
  class: PartClassName;
  /** Watts, GB/s, TFLOP/s (32-bit); sheets.ts says where from. */
  watts: number;
  gbps: number;
  tflops: number;
}

const rows =
  (partClass: PartClassName) =>
  (name: string, model: string, watts: number, gbps: number, tflops: number): Part => ({
    name,
    model,
    class: partClass,
    watts,
    gbps,
    tflops,
  });

const discrete = rows('discrete');
const ampere = rows('ampere');
const lovelace = rows('lovelace');
const blackwell = rows('blackwell');
const jetson = rows('jetson');
const nvidiaServer = rows('accelerator');
const integrated = rows('integrated');
const appleGpu = rows('apple');
const phoneGpu = rows('handset');
const laptopCpu = rows('laptop');
const desktopCpu = rows('desktop');
const serverCpu = rows('server');
const appleCpu = rows('apple-cpu');
const phoneCpu = rows('handset-cpu');
const board = rows('board');

/** Parts of one profile row: together they span what an architecture name can mean. */
export const PARTS = {
  pascal: [
    discrete('nvidia-gtx-1060', 'GeForce GTX 1060', 120, 192, 4.4),
    discrete('nvidia-gtx-1070', 'GeForce GTX 1070', 150, 256, 6.5),
    discrete('nvidia-gtx-1080-ti', 'GeForce GTX 1080 Ti', 250, 484, 11.3),
  ],
  turing: [
    discrete('nvidia-gtx-1650', 'GeForce GTX 1650', 75, 128, 3.0),
    discrete('nvidia-gtx-1660-ti', 'GeForce GTX 1660 Ti', 120, 288, 5.4),
    discrete('nvidia-rtx-2060', 'GeForce RTX 2060', 160, 336, 6.5),
    discrete('nvidia-rtx-2080-ti', 'GeForce RTX 2080 Ti', 250, 616, 13.4),
    rows('low-profile')('nvidia-t4', 'Tesla T4', 70, 300, 8.1),
  ],
  ampere: [
    ampere('nvidia-rtx-3060-laptop', 'GeForce RTX 3060 Laptop GPU', 85, 336, 10.9),
    ampere('nvidia-rtx-3050', 'GeForce RTX 3050', 130, 224, 9.1),
    ampere('nvidia-rtx-3060', 'GeForce RTX 3060', 170, 360, 12.7),
    ampere('nvidia-rtx-3070', 'GeForce RTX 3070', 220, 448, 20.3),
    ampere('nvidia-rtx-3080', 'GeForce RTX 3080', 320, 760, 29.8),
    ampere('nvidia-rtx-3090', 'GeForce RTX 3090', 350, 936, 35.6),
    nvidiaServer('nvidia-a10', 'NVIDIA A10', 150, 600, 31.2),
    nvidiaServer('nvidia-a100', 'NVIDIA A100', 400, 2039, 19.5),
  ],
  lovelace: [
    lovelace('nvidia-rtx-4060-laptop', 'GeForce RTX 4060 Laptop GPU', 80, 256, 11.6),
    lovelace('nvidia-rtx-4060', 'GeForce RTX 4060', 115, 272, 15.1),
    lovelace('nvidia-rtx-4070', 'GeForce RTX 4070', 200, 504, 29.1),
    lovelace('nvidia-rtx-4080', 'GeForce RTX 4080', 320, 717, 48.7),
    lovelace('nvidia-rtx-4090', 'GeForce RTX 4090', 450, 1008, 82.6),
    lovelace('nvidia-rtx-4090-d', 'GeForce RTX 4090 D', 425, 1008, 73.5),
    nvidiaServer('nvidia-l4', 'NVIDIA L4', 72, 300, 30.3),
  ],
  blackwell: [
    blackwell('nvidia-rtx-5060-ti', 'GeForce RTX 5060 Ti', 180, 448, 23.7),
    blackwell('nvidia-rtx-5070', 'GeForce RTX 5070', 250, 672, 30.9),
    blackwell('nvidia-rtx-5080', 'GeForce RTX 5080', 360, 960, 56.3),
    blackwell('nvidia-rtx-5090', 'GeForce RTX 5090', 575, 1792, 104.8),
  ],
  hopper: [
    nvidiaServer('nvidia-h100', 'NVIDIA H100', 700, 3350, 66.9),
    nvidiaServer('nvidia-h200', 'NVIDIA H200', 700, 4800, 66.9),
  ],
  'gcn-4': [
    discrete('amd-rx-580', 'Radeon RX 580', 185, 256, 6.2),
    discrete('amd-rx-570', 'Radeon RX 570', 150, 224, 5.1),
  ],
  'gcn-5': [
    discrete('amd-vega-56', 'Radeon RX Vega 56', 210, 410, 10.5),
    discrete('amd-vega-64', 'Radeon RX Vega 64', 295, 484, 12.7),
  ],
  'gcn-5-integrated': [
    integrated('amd-ryzen-5700u-graphics', 'Ryzen 7 5700U with Radeon Graphics', 15, 68.3, 1.9),
    integrated('amd-vega-8', 'Radeon(TM) Vega 8 Graphics', 15, 38.4, 1.1),
  ],
  'rdna-1': [
    discrete('amd-rx-5500-xt', 'Radeon RX 5500 XT', 130, 224, 5.2),
    discrete('amd-rx-5700-xt', 'Radeon RX 5700 XT', 225, 448, 9.8),
  ],
  'rdna-2': [
    discrete('amd-rx-6600', 'Radeon RX 6600', 132, 224, 8.9),
    discrete('amd-rx-6700-xt', 'Radeon RX 6700 XT', 230, 384, 13.2),
    discrete('amd-rx-6900-xt', 'Radeon RX 6900 XT', 300, 512, 23.0),
  ],
  'rdna-2-integrated': [
    integrated('amd-radeon-680m', 'Radeon 680M', 28, 102.4, 3.4),
    integrated('amd-steam-deck', 'AMD Custom GPU 0405', 15, 88, 1.6),
  ],
  'rdna-3': [
    discrete('amd-rx-7600', 'Radeon RX 7600', 165, 288, 21.8),
    discrete('amd-rx-7800-xt', 'Radeon RX 7800 XT', 263, 624, 37.3),
    discrete('amd-rx-7900-xtx', 'Radeon RX 7900 XTX', 355, 960, 61.4),
  ],
  'rdna-3-integrated': [
    integrated('amd-radeon-780m', 'Radeon 780M', 28, 120, 8.3),
    integrated('amd-radeon-890m', 'Radeon 890M', 28, 120, 11.9),
    integrated('amd-radeon-8060s', 'Radeon 8060S', 55, 256, 29.7),
  ],
  'rdna-4': [
    discrete('amd-rx-9060-xt', 'Radeon RX 9060 XT', 160, 320, 25.6),
    discrete('amd-rx-9070-xt', 'Radeon RX 9070 XT', 304, 640, 48.7),
  ],
  'gen-9': [
    integrated('intel-uhd-620', 'UHD Graphics 620', 15, 37.5, 0.42),
    integrated('intel-uhd-630', 'UHD Graphics 630', 25, 41.6, 0.46),
  ],
  'gen-11': [
    integrated('intel-iris-plus-g7', 'Iris(R) Plus Graphics', 15, 59.7, 1.1),
    integrated('intel-jasper-lake', 'UHD Graphics 605', 6, 46.9, 0.3),
  ],
  'gen-12lp': [
    integrated('intel-iris-xe', 'Iris(R) Xe Graphics', 28, 68.3, 2.1),
    integrated('intel-uhd-770', 'UHD Graphics 770', 30, 89.6, 0.82),
    integrated('intel-core-i3-1215u', 'Core i3-1215U', 15, 76.8, 1.4),
  ],
  'xe-lpg': [
    integrated('intel-core-ultra-155h', 'Arc(TM) Graphics', 28, 119.5, 4.6),
    integrated('intel-core-ultra-125u', 'Core Ultra 5 125U', 15, 119.5, 1.9),
  ],
  'xe-2lpg': [
    integrated('intel-arc-140v', 'Arc(TM) 140V GPU', 17, 136.5, 4.0),
    integrated('intel-arc-130v', 'Arc(TM) 130V GPU', 17, 136.5, 3.3),
  ],
  'xe-hpg': [
    discrete('intel-arc-a380', 'Arc(TM) A380 Graphics', 75, 186, 4.1),
    discrete('intel-arc-a770', 'Arc(TM) A770 Graphics', 225, 560, 17.2),
  ],
  'xe-2hpg': [
    discrete('intel-arc-b570', 'Arc(TM) B570 Graphics', 150, 380, 11.5),
    discrete('intel-arc-b580', 'Arc(TM) B580 Graphics', 190, 456, 13.7),
  ],
  'metal-3': [
    appleGpu('apple-m1', 'Apple M1', 18, 68.3, 2.6),
    appleGpu('apple-m1-pro', 'Apple M1 Pro', 35, 205, 5.3),
    appleGpu('apple-m1-max', 'Apple M1 Max', 60, 410, 10.6),
    appleGpu('apple-m2', 'Apple M2', 22, 102, 3.6),
    appleGpu('apple-m2-pro', 'Apple M2 Pro', 40, 205, 6.8),
    appleGpu('apple-m3', 'Apple M3', 22, 102, 3.5),
    appleGpu('apple-m3-max', 'Apple M3 Max', 70, 410, 14.1),
    appleGpu('apple-m4', 'Apple M4', 24, 120, 4.3),
    appleGpu('apple-m4-max', 'Apple M4 Max', 80, 546, 18.4),
  ],
  'adreno-6xx': [
    phoneGpu('qualcomm-adreno-618', 'Adreno (TM) 618', 3, 14.9, 0.36),
    phoneGpu('qualcomm-adreno-650', 'Adreno (TM) 650', 5, 44, 1.2),
  ],
  'adreno-7xx': [
    phoneGpu('qualcomm-adreno-730', 'Adreno (TM) 730', 6, 51.2, 2.2),
    phoneGpu('qualcomm-adreno-740', 'Adreno (TM) 740', 6, 67.2, 2.8),
    phoneGpu('qualcomm-adreno-750', 'Adreno (TM) 750', 7, 76.8, 2.8),
  ],
  'adreno-8xx': [phoneGpu('qualcomm-adreno-830', 'Adreno (TM) 830', 8, 85.3, 3.4)],
  'adreno-x1': [rows('integrated')('qualcomm-x1-85', 'Adreno X1-85', 23, 135, 4.6)],
  bifrost: [phoneGpu('arm-mali-g52', 'Mali-G52', 3, 13.9, 0.06), phoneGpu('arm-mali-g76', 'Mali-G76', 4.5, 34, 0.6)],
  valhall: [
    phoneGpu('arm-mali-g57', 'Mali-G57', 3, 17, 0.12),
    phoneGpu('arm-mali-g78', 'Mali-G78', 5.5, 51.2, 1.1),
    phoneGpu('arm-mali-g710', 'Mali-G710', 6, 51.2, 0.76),
  ],
  'gen-5': [
    phoneGpu('arm-immortalis-g720', 'Immortalis-G720', 7, 76.8, 2.0),
    phoneGpu('arm-mali-g715', 'Mali-G715', 6, 68, 1.2),
  ],
  rogue: [
    phoneGpu('img-ge8320', 'PowerVR Rogue GE8320', 2.5, 12.8, 0.05),
    phoneGpu('img-gm9446', 'PowerVR Rogue GM9446', 3.5, 34, 0.25),
  ],
  'b-series': [phoneGpu('img-bxm-8-256', 'PowerVR B-Series BXM-8-256', 3, 17, 0.24)],
  xclipse: [
    phoneGpu('samsung-xclipse-920', 'Xclipse 920', 6, 51.2, 1.3),
    phoneGpu('samsung-xclipse-940', 'Xclipse 940', 7, 68.2, 2.1),
  ],
  videocore: [
    board('broadcom-v3d-4.2', 'V3D 4.2', 8, 12.8, 0.032),
    board('broadcom-v3d-7.1', 'V3D 7.1', 12, 17.1, 0.076),
  ],
  jetson: [
    jetson('jetson-orin-nano', 'Jetson Orin Nano', 15, 68, 1.28),
    jetson('jetson-agx-orin', 'Jetson AGX Orin', 60, 204.8, 5.3),
  ],
  'cpu-laptop': [
    laptopCpu('cpu-i5-8250u', 'Core i5-8250U', 15, 37.5, 0.32),
    laptopCpu('cpu-i7-1165g7', 'Core i7-1165G7', 28, 68.3, 0.45),
    laptopCpu('cpu-ultra-155h', 'Core Ultra 7 155H', 28, 119.5, 0.9),
    laptopCpu('cpu-ryzen-5700u', 'Ryzen 7 5700U', 15, 68.3, 0.67),
    laptopCpu('cpu-ryzen-7840u', 'Ryzen 7 7840U', 28, 120, 0.9),
  ],
  'cpu-desktop': [
    desktopCpu('cpu-i7-8700', 'Core i7-8700', 65, 41.6, 0.77),
    desktopCpu('cpu-i9-13900k', 'Core i9-13900K', 125, 89.6, 2.0),
    desktopCpu('cpu-ryzen-7700x', 'Ryzen 7 7700X', 105, 83.2, 1.25),
    desktopCpu('cpu-ryzen-5950x', 'Ryzen 9 5950X', 105, 51.2, 1.9),
  ],
  'cpu-server': [
    serverCpu('cpu-xeon-6248', 'Xeon Gold 6248', 150, 140.8, 3.2),
    serverCpu('cpu-xeon-8480', 'Xeon Platinum 8480+', 350, 307, 7.2),
    serverCpu('cpu-epyc-7763', 'EPYC 7763', 280, 204.8, 5.0),
    serverCpu('cpu-epyc-9654', 'EPYC 9654', 360, 460.8, 7.4),
  ],
  'cpu-apple': [
    appleCpu('cpu-apple-m1', 'Apple M1', 16, 68.3, 0.53),
    appleCpu('cpu-apple-m2', 'Apple M2', 20, 102, 0.6),
    appleCpu('cpu-apple-m3-max', 'Apple M3 Max', 50, 410, 1.7),
    appleCpu('cpu-apple-m4', 'Apple M4', 22, 120, 0.8),
  ],
  'cpu-phone': [
    phoneCpu('cpu-dimensity-700', 'Dimensity 700', 3.5, 17, 0.17),
    phoneCpu('cpu-snapdragon-865', 'Snapdragon 865', 5, 44, 0.25),
    phoneCpu('cpu-tensor-g2', 'Google Tensor G2', 5.5, 51.2, 0.29),
    phoneCpu('cpu-snapdragon-8-gen-2', 'Snapdragon 8 Gen 2', 7, 67.2, 0.36),
  ],
  'cpu-snapdragon-x': [rows('laptop')('cpu-x1e-80', 'Snapdragon X Elite', 23, 135, 1.3)],
  'cpu-pi-4': [board('cpu-bcm2711', 'Raspberry Pi 4', 8, 12.8, 0.058)],
  'cpu-pi-5': [board('cpu-bcm2712', 'Raspberry Pi 5', 12, 17.1, 0.154)],
  'cpu-jetson': [
    jetson('cpu-jetson-orin-nano', 'Jetson Orin Nano', 15, 68, 0.072),
    // 12 cores x 2.2 GHz x two units of 128 bits.
    jetson('cpu-jetson-agx-orin', 'Jetson AGX Orin processor', 60, 204.8, 0.42),
  ],
} as const satisfies Record<string, readonly Part[]>;

export type PartGroup = keyof typeof PARTS;
