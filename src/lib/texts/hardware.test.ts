import { expect, it } from 'vitest';
import { graphicsName, profileTitle } from './hardware';

it.each([
  ['ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL 4.6)', 'Intel UHD Graphics 620 (KBL GT2)'],
  ['ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0, D3D11)', 'NVIDIA GeForce RTX 3060'],
  ['ANGLE (Apple, ANGLE Metal Renderer: Apple M2, Unspecified Version)', 'Apple M2'],
  ['ANGLE (NVIDIA, Vulkan 1.4.312 (NVIDIA NVIDIA H200 (0x00002335)), NVIDIA)', 'NVIDIA H200'],
  ['ANGLE (Qualcomm, Adreno (TM) 640, OpenGL ES 3.2)', 'Adreno 640'],
  [
    'ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)',
    'no graphics processor (software rendering)',
  ],
  ['V3D 4.2', 'V3D 4.2'],
  ['Laptop of the NOC, second shift', 'Laptop of the NOC, second shift'],
])('%s is %s', (renderer, name) => expect(graphicsName(renderer)).toBe(name));

it('says what a power profile is for, and keeps a name it does not know', () => {
  expect(profileTitle('cpu-laptop')).toBe('Laptop processor, x86');
  expect(profileTitle('cpu-laptop, of tomorrow')).toBe('Laptop processor, x86; of tomorrow');
});
