import { PROFILES } from '../meter/profiles';

/** Names of hardware as people know it, from what browsers and records call it. */

/** What a browser says beside the product: the layer between, versions, drivers, marks of trade, numbers of a bus. */
const NOISE = [
  /\((?:R|TM|C)\)/gi, /\bMesa\b/g, /\bDirect3D\S*(?: \w+_\d_\d)*/g, /\bD3D\d+\b/g, /\bOpenGL(?: ES)?\b.*/g, /\bVulkan [\d.]+/g,
  /\(0x[0-9a-f]+\)/gi, /\bunspecified version\b/gi, /\bANGLE metal renderer:/gi, /\(LLVM[^)]*\)/g, /-[\d.]+$/g,
] as const; // prettier-ignore

const SOFTWARE = /swiftshader|llvmpipe|softpipe|\bwarp\b|basic render/i;

/**
 * `ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL 4.6)` -> `Intel UHD Graphics 620 (KBL GT2)`. What is
 * not a renderer string stays as it is.
 */
export function graphicsName(renderer: string): string {
  const inner = /^ANGLE \((.*)\)$/s.exec(renderer.trim())?.[1];
  if (SOFTWARE.test(renderer)) return 'no graphics processor (software rendering)';
  if (inner === undefined) return renderer;
  const [vendor = '', ...parts] = inner.split(', ');
  const product = NOISE.reduce((text, noise) => text.replace(noise, ''), parts[0] ?? vendor)
    .replace(/\s+/g, ' ')
    .trim()
    // Vulkan's name stands in brackets, and some drivers say their maker twice.
    .replace(/^\((.*)\)$/, '$1')
    .replace(/^(\w+) \1 /, '$1 ')
    .trim();
  return product || vendor || renderer;
}

/** Power profiles by what they are for: `cpu-laptop` -> `Laptop processor, x86`. A name that is not known stays. */
export const profileTitle = (names: string): string =>
  names
    .split(', ')
    .map((name) => PROFILES.find((profile) => profile.name === name)?.label ?? name)
    .join('; ');
