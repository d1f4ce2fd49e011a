import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, operations, seconds } from '../core/units';
import type { Device } from '../schema/run';
import { guessProfile, profileChoices } from './match';
import { CLASS_PROFILES, NAMED_PROFILES, profileByName, PROFILES, UNKNOWN_PROFILES } from './profiles';
import { sourcesOf } from './sheets';
import { readingFromProfile } from './sources/profile';

const QUANTITIES = ['idleW', 'awakeW', 'loadW', 'pjPerByte', 'pjPerFlop'] as const;

describe('profile table', () => {
  it('names at least 25 classes once each, every number in order and with its source', () => {
    expect(CLASS_PROFILES.length).toBeGreaterThanOrEqual(25);
    expect(new Set(PROFILES.map((p) => p.name)).size).toBe(PROFILES.length);
    for (const profile of PROFILES)
      for (const quantity of QUANTITIES) {
        const { low, mid, high } = profile[quantity];
        // Nobody measured what some kinds of hardware draw awake.
        expect(
          [low > 0 || quantity === 'awakeW', low >= 0 && low <= mid, mid <= high],
          `${profile.name} ${quantity}`,
        ).toEqual([true, true, true]);
        expect(sourcesOf(profile)[quantity].length).toBeGreaterThan(20);
      }
  });
  it('lets the unknown hold every product, and a class each of its own', () => {
    for (const profile of NAMED_PROFILES)
      for (const quantity of QUANTITIES) {
        const unknown = UNKNOWN_PROFILES[profile.kind][quantity];
        expect(unknown.low).toBeLessThanOrEqual(profile[quantity].low);
        expect(unknown.high).toBeGreaterThanOrEqual(profile[quantity].high);
      }
    expect(profileByName('nvidia-ampere').pjPerByte.high).toBeGreaterThan(
      profileByName('nvidia-rtx-3090').pjPerByte.high,
    );
  });
  it('refuses an unknown name and lists the choices', () => {
    expect(() => profileByName('pentium')).toThrow(/no power profile "pentium".*nvidia-ampere/);
  });
});

describe('published measurements lie inside the interval', () => {
  // EcoCompute (doi 10.5281/zenodo.18900289): RTX 5090, Qwen2-7B, J per token at batch 1. Bytes per token are the weights
  // once: 7.6 G parameters in 16 bits; in NF4 6.5 G at 4.5 bits beside a 16-bit head of 0.54 G.
  const cases = [
    { what: '16-bit', watts: 388, perSecond: 70.5, bytes: 15.2e9 },
    { what: 'NF4', watts: 202, perSecond: 41.4, bytes: 6.5e9 * (4.5 / 8) + 1.1e9 },
  ];
  it.each(cases)('$what', ({ watts, perSecond, bytes: moved }) => {
    const { joules } = readingFromProfile(
      {
        phase: 'decode',
        seconds: seconds(1 / perSecond),
        bytes: bytes(moved),
        operations: operations(15.2e9),
        tokens: 1,
      },
      profileByName('nvidia-rtx-5090'),
    );
    expect(joules?.low).toBeLessThan(watts / perSecond);
    expect(joules?.high).toBeGreaterThan((watts / perSecond) * 0.95);
  });
  it('does not call 4-bit dearer, as constant watts would', () => {
    const [wide, narrow] = cases.map(
      ({ perSecond, bytes: moved }) =>
        readingFromProfile(
          {
            phase: 'decode',
            seconds: seconds(1 / perSecond),
            bytes: bytes(moved),
            operations: operations(15.2e9),
            tokens: 1,
          },
          profileByName('nvidia-rtx-5090'),
        ).joules,
    );
    for (const end of ['low', 'mid', 'high'] as const) expect(narrow?.[end]).toBeLessThan(wide?.[end] as number);
  });
});

describe('readingFromProfile', () => {
  const profile = profileByName('cpu-laptop');
  const window = {
    phase: 'decode',
    seconds: seconds(2),
    bytes: bytes(1e9),
    operations: operations(2e9),
    tokens: 7,
  } as const;

  it('is idle x time + a x bytes + b x operations, net without the first', () => {
    const { joules, netJoules } = readingFromProfile(window, profile);
    for (const end of ['low', 'mid', 'high'] as const) {
      const net = profile.pjPerByte[end] * 1e-3 + profile.pjPerFlop[end] * 2e-3;
      expect(netJoules?.[end]).toBeCloseTo(net, 12);
      expect(joules?.[end]).toBeCloseTo(net + 2 * profile.idleW[end], 12);
    }
  });
  it('says nothing of uncounted work', () => {
    expect(readingFromProfile({ ...window, bytes: null }, profile)).toMatchObject({
      joules: null,
      netJoules: null,
      flops: 2e9,
    });
  });
  it('charges idle for an idle phase', () => {
    const reading = readingFromProfile({ ...window, phase: 'idle', bytes: null, operations: null }, profile);
    expect(reading.joules?.mid).toBeCloseTo(2 * profile.idleW.mid, 12);
    expect(reading.netJoules).toEqual({ low: 0, mid: 0, high: 0 });
  });
  it('charges int8 less than 32-bit', () => {
    const mid = (more: object) => readingFromProfile({ ...window, ...more }, profile).joules?.mid as number;
    expect(mid({ arithmetic: 'i8' })).toBeLessThan(mid({}));
  });
  it('grows with every input and keeps low <= mid <= high', () => {
    const amount = fc.double({ min: 0, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(
        amount,
        amount,
        fc.double({ min: 0, max: 1e5, noNaN: true }),
        fc.constantFrom(...PROFILES),
        (b, f, t, p) => {
          const at = (scale: number) =>
            readingFromProfile(
              {
                phase: 'prefill',
                seconds: seconds(t * scale),
                bytes: bytes(b * scale),
                operations: operations(f * scale),
                tokens: 1,
              },
              p,
            ).joules;
          const [one, two] = [at(1), at(2)];
          if (!one || !two) return false;
          return one.low <= one.mid && one.mid <= one.high && two.mid >= one.mid;
        },
      ),
    );
  });
});

const CHROME = (os: string) =>
  `Mozilla/5.0 (${os}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36`;
const device = (
  [vendor, architecture]: [string, string],
  renderer: string | null,
  { os = 'Windows NT 10.0; Win64; x64', ...more }: Partial<Device> & { os?: string } = {},
): Device => ({
  userAgent: CHROME(os),
  platform: null,
  mobile: false,
  browser: null,
  cores: 8,
  memoryGiB: 8,
  crossOriginIsolated: true,
  wasm: { simd: true, relaxedSimd: true, threads: true },
  gpu: vendor
    ? {
        vendor,
        architecture,
        description: '',
        fallback: false,
        features: [],
        maxBufferBytes: 1,
        maxStorageBindingBytes: 1,
      }
    : null,
  gpuMissing: null,
  renderer,
  ...more,
});
const angle = (vendor: string, name: string) => `ANGLE (${vendor}, ${name}, D3D11)`;

describe('guessProfile', () => {
  const LINUX = 'X11; Linux x86_64';
  it.each([
    [
      device(['nvidia', 'ampere'], angle('NVIDIA', 'NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0')),
      'ort-gpu',
      'nvidia-rtx-3060',
      'named',
    ],
    [
      device(['nvidia', 'ampere'], angle('NVIDIA', 'NVIDIA GeForce RTX 3060 Laptop GPU (0x00002520)')),
      'ort-gpu',
      'nvidia-rtx-3060-laptop',
      'named',
    ],
    [
      device(['nvidia', 'ampere'], angle('NVIDIA', 'NVIDIA GeForce RTX 3060 Ti (0x00002489)')),
      'ort-gpu',
      'nvidia-ampere',
      'architecture',
    ],
    [
      device(['nvidia', 'lovelace'], angle('NVIDIA Corporation', 'NVIDIA GeForce RTX 4090/PCIe/SSE2'), { os: LINUX }),
      'ort-gpu',
      'nvidia-rtx-4090',
      'named',
    ],
    [
      device(['nvidia', ''], angle('NVIDIA Corporation', 'NVIDIA H100 80GB HBM3/PCIe/SSE2'), { os: LINUX }),
      'ort-gpu',
      'nvidia-h100',
      'named',
    ],
    [
      device(['amd', 'rdna-2'], angle('AMD', 'AMD Radeon RX 6600 XT (0x000073FF)')),
      'ort-gpu',
      'amd-rdna-2',
      'architecture',
    ],
    [
      device(['amd', 'rdna-3'], angle('AMD', 'AMD Radeon(TM) 780M (0x000015BF)')),
      'ort-gpu',
      'amd-radeon-780m',
      'named',
    ],
    [
      device(['intel', 'gen-12lp'], angle('Intel', 'Intel(R) Iris(R) Xe Graphics (0x000046A6)')),
      'ort-gpu',
      'intel-iris-xe',
      'named',
    ],
    [
      device(['intel', 'xe-lpg'], angle('Intel', 'Intel(R) Graphics (0x00007D55)')),
      'ort-gpu',
      'intel-xe-lpg',
      'architecture',
    ],
    // A hybrid laptop: WebGL on the integrated GPU, WebGPU on the other.
    [
      device(['nvidia', 'turing'], angle('Intel', 'Intel(R) UHD Graphics 620 (0x00005917)')),
      'ort-gpu',
      'nvidia-turing',
      'architecture',
    ],
    [
      device(['apple', 'metal-3'], angle('Apple', 'ANGLE Metal Renderer: Apple M1 Pro, Unspecified Version')),
      'ort-gpu',
      'apple-m1-pro',
      'named',
    ],
    [
      device(['apple', 'metal-3'], angle('Apple', 'ANGLE Metal Renderer: Apple M2 Ultra, Unspecified Version')),
      'ort-gpu',
      'apple-metal-3',
      'architecture',
    ],
    [device(['apple', 'metal-3'], 'Apple M1, or similar'), 'ort-gpu', 'apple-metal-3', 'architecture'],
    [device(['qualcomm', 'adreno-7xx'], 'Adreno (TM) 740'), 'ort-gpu', 'qualcomm-adreno-740', 'named'],
    [device(['arm', 'valhall'], 'Mali-G57 MC2'), 'ort-gpu', 'arm-mali-g57', 'named'],
    [
      device(['google', 'swiftshader'], angle('Google', 'Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE))'), {
        os: LINUX,
      }),
      'ort-gpu',
      'software-gpu',
      'architecture',
    ],
    [
      device(['google', 'swiftshader'], angle('Google', 'Vulkan 1.3.0 (SwiftShader Device (Subzero))'), { os: LINUX }),
      'cpu',
      'cpu-x86-any',
      'class',
    ],
    [device(['zhaoxin', 'x'], null), 'ort-gpu', 'unknown-gpu', 'unknown'],
    [
      device(['nvidia', 'ampere'], 'NVIDIA Tegra Orin (nvgpu)/integrated/SSE2'),
      'ort-gpu',
      'nvidia-jetson',
      'architecture',
    ],
    [device(['', ''], null), 'ort-gpu', 'unknown-gpu', 'unknown'],
    [device(['', ''], null), 'hub', 'cpu-x86', 'class'],
    [
      device(['intel', 'gen-9'], angle('Intel', 'Intel(R) UHD Graphics 620 (0x00005917)')),
      'cpu',
      'cpu-laptop',
      'class',
    ],
    [
      device(['nvidia', 'ampere'], angle('NVIDIA', 'NVIDIA GeForce RTX 3060 (0x00002504)')),
      'ort-cpu',
      'cpu-desktop',
      'class',
    ],
    [device(['apple', 'metal-3'], angle('Apple', 'Apple M3')), 'classical', 'cpu-apple', 'class'],
    [
      device(['qualcomm', 'adreno-7xx'], 'Adreno (TM) 740', { os: 'Linux; Android 15; K', mobile: true }),
      'cpu',
      'cpu-phone',
      'class',
    ],
    [device(['', ''], 'V3D 7.1.7.0', { os: 'X11; Linux aarch64' }), 'cpu', 'cpu-pi-5', 'class'],
    [device(['', ''], null, { os: LINUX, cores: 128 }), 'cpu', 'cpu-server', 'class'],
    [device(['', ''], null, { os: 'X11; Linux aarch64' }), 'cpu', 'unknown-cpu', 'unknown'],
    [device(['', ''], null, { os: 'Toaster' }), 'cpu', 'unknown-cpu', 'unknown'],
  ] as const)('row %# of the devices above', (found, engine, name, confidence) => {
    const guess = guessProfile(found, engine);
    expect([guess.profile.name, guess.confidence]).toEqual([name, confidence]);
    expect(guess.why).toMatch(/\.$/);
    expect(profileChoices(found, engine)).toContain(guess.profile);
  });
});
