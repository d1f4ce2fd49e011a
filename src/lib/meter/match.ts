import { ENGINE, type EngineName } from '../schema/engines';
import type { Device } from '../schema/run';
import {
  CLASS_PROFILES,
  NAMED_PROFILES,
  profileByName,
  profileOfAdapter,
  UNKNOWN_PROFILES,
  type PowerProfile,
} from './profiles';

/**
 * How a profile was found. `named`: the renderer string names the product; `architecture`: the WebGPU adapter names its
 * architecture; `class`: the form of the device tells; `unknown`: nothing does, and the profile spans everything.
 */
export type Confidence = 'named' | 'architecture' | 'class' | 'unknown';

export interface ProfileGuess {
  profile: PowerProfile;
  confidence: Confidence;
  /** One sentence for the user, who confirms or corrects the guess. */
  why: string;
}

/** Renderer strings spell trademarks in several ways. */
const plain = (text: string) =>
  text
    .toLowerCase()
    .replace(/\((?:r|tm)\)/g, ' ')
    .replace(/\s+/g, ' ');

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What follows a model's name in the name of another model: an RTX 3060 Ti, or a laptop's, is not an RTX 3060. */
const OTHER_MODEL =
  '(?!\\s?(?:\\d(?!\\d*gb)|ti\\b|super|xt|gre|laptop|mobile|max|pro|ultra|with max-q|m\\b|d\\b|s\\b))';

const NAMED_PATTERNS = NAMED_PROFILES.filter((p) => p.kind === 'gpu').map((profile) => ({
  profile,
  pattern: new RegExp(`(?<![a-z0-9])${escaped(plain(profile.label))}(?![a-z0-9])${OTHER_MODEL}`),
}));

/** Browsers that hide the model name a typical one "or similar". */
const namesModel = (renderer: string) => !/or similar\)?$/.test(renderer.trim());

const namedGpu = (renderer: string | null): PowerProfile | null =>
  renderer !== null && namesModel(renderer)
    ? (NAMED_PATTERNS.find(({ pattern }) => pattern.test(plain(renderer)))?.profile ?? null)
    : null;

/** The adapter vendor of a profile is the first word of its name. */
const vendorOf = (profile: PowerProfile) => profile.name.split('-')[0];

/** Profiles whose names do not begin with the adapter's vendor. */
const VENDOR_ALIASES: Readonly<Record<string, string>> = { 'img-tec': 'img' };

interface HostRow {
  profile: string;
  confidence: Confidence;
  test: (facts: { renderer: string; agent: string; device: Device }) => boolean;
  why: string;
}

/** First match wins. A page is told nothing of the processor; its graphics and its form give it away. */
const HOSTS: readonly HostRow[] = [
  {
    profile: 'cpu-pi-4',
    confidence: 'class',
    test: ({ renderer }) => /\bv3d 4\./.test(renderer),
    why: 'V3D 4 graphics are those of a Raspberry Pi 4',
  },
  {
    profile: 'cpu-pi-5',
    confidence: 'class',
    test: ({ renderer }) => /\bv3d 7\./.test(renderer),
    why: 'V3D 7 graphics are those of a Raspberry Pi 5',
  },
  {
    profile: 'cpu-jetson',
    confidence: 'class',
    test: ({ renderer }) => /tegra|nvgpu|jetson/.test(renderer),
    why: 'the graphics are those of an NVIDIA Jetson',
  },
  {
    profile: 'cpu-snapdragon-x',
    confidence: 'class',
    test: ({ renderer }) => /adreno.*\bx[12]-/.test(renderer),
    why: 'Adreno X graphics are those of a Snapdragon X laptop',
  },
  // iPads report a Macintosh; their chips are the same.
  {
    profile: 'cpu-apple',
    confidence: 'class',
    test: ({ renderer, device }) => /apple m\d/.test(renderer) || device.gpu?.vendor === 'apple',
    why: 'the graphics are those of an Apple M-series chip',
  },
  {
    profile: 'cpu-phone',
    confidence: 'class',
    test: ({ agent, device }) => device.mobile === true || /android|iphone|ipad/.test(agent),
    why: 'the browser says that this is a phone or a tablet',
  },
  {
    profile: 'unknown-cpu',
    confidence: 'unknown',
    test: ({ agent }) => /aarch64|armv\d|; arm/.test(agent),
    why: 'an Arm processor of unknown kind',
  },
  {
    profile: 'cpu-server',
    confidence: 'class',
    test: ({ device }) => (device.cores ?? 0) > 32,
    why: 'more than 32 logical cores are those of a server',
  },
  {
    profile: 'cpu-x86-any',
    confidence: 'class',
    test: ({ renderer, agent }) => /swiftshader|llvmpipe/.test(renderer) && /x86_64|win64/.test(agent),
    why: 'without hardware graphics this may well be a server or a virtual machine, so servers are covered too',
  },
  {
    profile: 'cpu-laptop',
    confidence: 'class',
    test: ({ renderer }) =>
      /uhd graphics 6[012]\d|iris|arc (?:graphics|1[34]0)|radeon (?:6[68]0m|7[468]0m|8[4-9]0m)|laptop gpu|max-q/.test(
        renderer,
      ),
    why: 'the graphics are those of a laptop',
  },
  {
    profile: 'cpu-desktop',
    confidence: 'class',
    test: ({ renderer }) => /uhd graphics (?:630|7[357]0)|geforce|radeon rx|arc [ab]\d/.test(renderer),
    why: 'the graphics are those of a desktop',
  },
  {
    profile: 'cpu-x86',
    confidence: 'class',
    test: ({ agent }) => /windows|x86_64|win64|cros|intel mac/.test(agent),
    why: 'the browser says no more than that this is a laptop or desktop; servers are not covered',
  },
];

function guessCpu(device: Device): ProfileGuess {
  const facts = { renderer: plain(device.renderer ?? ''), agent: device.userAgent.toLowerCase(), device };
  const row = HOSTS.find(({ test }) => test(facts));
  return row
    ? { profile: profileByName(row.profile), confidence: row.confidence, why: `Guessed: ${row.why}.` }
    : {
        profile: UNKNOWN_PROFILES.cpu,
        confidence: 'unknown',
        why: 'Nothing the browser says tells which processor this is.',
      };
}

function guessGpu(device: Device): ProfileGuess {
  const { gpu, renderer } = device;
  const vendor = gpu ? (VENDOR_ALIASES[gpu.vendor] ?? gpu.vendor) : null;
  const named = namedGpu(renderer);
  // Laptops have two adapters: WebGL may name the one that WebGPU does not use. Jetsons and vendors left blank pass.
  if (named && (!vendor || vendorOf(named) === vendor || vendorOf(named) === 'jetson'))
    return { profile: named, confidence: 'named', why: `The renderer string names it: ${named.label}.` };
  // All Jetsons of a generation say the same of themselves, from 15 to 60 W.
  const byArchitecture = /tegra/i.test(renderer ?? '')
    ? profileByName('nvidia-jetson')
    : gpu && profileOfAdapter(gpu.vendor, gpu.architecture);
  if (gpu && byArchitecture)
    return {
      profile: byArchitecture,
      confidence: 'architecture',
      why: `The adapter reports ${gpu.vendor} ${gpu.architecture}; which product is not known.`,
    };
  return {
    profile: UNKNOWN_PROFILES.gpu,
    confidence: 'unknown',
    why: gpu
      ? `The adapter reports ${gpu.vendor || 'no vendor'} ${gpu.architecture || 'and no architecture'}, which no profile covers.`
      : 'There is no WebGPU adapter to go by.',
  };
}

/** What an engine draws its power from on a device. */
export function drawsFrom({ gpu }: Device, engine: EngineName): PowerProfile['kind'] {
  const { device } = ENGINE[engine];
  if (device !== 'either') return device;
  return gpu && !gpu.fallback ? 'gpu' : 'cpu';
}

/** The profile that what the probe found points to. The user confirms it; what is unknown stays wide. */
export const guessProfile = (device: Device, engine: EngineName): ProfileGuess =>
  drawsFrom(device, engine) === 'gpu' ? guessGpu(device) : guessCpu(device);

/** Profiles to choose from when the guess is wrong: classes first, then products. */
export const profileChoices = (device: Device, engine: EngineName): readonly PowerProfile[] => {
  const kind = drawsFrom(device, engine);
  return [...CLASS_PROFILES, ...NAMED_PROFILES, UNKNOWN_PROFILES[kind]].filter((profile) => profile.kind === kind);
};
