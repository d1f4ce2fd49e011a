import type { Device, Range } from '../schema/run';
import { bytes, significant } from './format';

const NOT_TOLD = 'not told';
/** What is derived from data sheets has no more than two digits. */
const two = (x: number) => significant(Number(x.toPrecision(2)), 2);
const yes = (is: boolean) => (is ? 'yes' : 'no');

function threads({ wasm, crossOriginIsolated }: Device): string {
  if (wasm.threads) return 'yes';
  return crossOriginIsolated
    ? 'no'
    : 'no: this page is not cross-origin isolated, so everything runs on one thread and slower';
}

function gpu({ gpu: found, gpuMissing }: Device): string {
  if (!found) return gpuMissing === null ? 'no' : 'not usable';
  const what = [found.vendor || 'vendor not told', found.architecture, found.description].filter(Boolean).join(' ');
  return found.fallback ? `${what} (software, slow)` : what;
}

/** The page "Device". */
export const DEVICE = {
  title: 'What this page knows of your device',
  looking: 'Looking at the device.',
  facts: (d: Device): [string, string][] => [
    ['Browser', d.browser ?? NOT_TOLD],
    ['System', d.platform ?? NOT_TOLD],
    ['Phone or tablet', d.mobile === null ? NOT_TOLD : yes(d.mobile)],
    ['Logical cores', d.cores === null ? NOT_TOLD : String(d.cores)],
    ['Memory', d.memoryGiB === null ? NOT_TOLD : `${d.memoryGiB} GiB, as rounded and capped by the browser`],
    [
      'WebAssembly SIMD',
      d.wasm.simd ? `yes, ${d.wasm.relaxedSimd ? 'relaxed SIMD too' : 'but no relaxed SIMD'}` : 'no',
    ],
    ['WebAssembly threads', threads(d)],
    ['WebGPU', gpu(d)],
    ...(d.gpu
      ? ([
          ['16-bit arithmetic on the GPU', yes(d.gpu.features.includes('shader-f16'))],
          ['Largest GPU buffer', bytes(d.gpu.maxBufferBytes)],
        ] satisfies [string, string][])
      : []),
    ['Graphics by WebGL', d.renderer ?? NOT_TOLD],
  ],
  engine: (why: string, engine: string) => `${why} So the engine is ${engine} unless you choose another.`,
  privacy: 'This stays on the device, except for what you put into a link.',
  engines: { cpu: 'On the processor (WebAssembly)', gpu: 'On the GPU (WebGPU)' },
  profile: 'Power profile:',
  estimated: 'Where nothing measures, energy is estimated with it. Correct it under "Budget" on the first page.',
  formula: 'Energy = (idle power + power awake) x time + bytes moved x a + operations x b',
  columns: ['Part', 'Value', 'Where it comes from'],
  parts: {
    idleW: 'Idle power',
    awakeW: 'Power awake, beyond idle',
    pjPerByte: 'a, per byte',
    pjPerFlop: 'b, per operation',
    loadW: 'Power under load',
  },
  notKnown: 'not known, counted as 0',
  range: (r: Range, unit: string) => `${two(r.low)} to ${two(r.high)}, most likely ${two(r.mid)} ${unit}`,
} as const;
