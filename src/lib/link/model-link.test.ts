import { describe, expect, it } from 'vitest';
import { fitModel } from '../fit/fit';
import { randomOf, simulateDevice, simulateRoutine } from '../fit/simulate';
import type { EnergyModelRecord } from '../schema/energy-model';
import { deflate, toBase64Url } from './bytes';
import { carriesModel, decodeModel, encodeModel } from './model-link';

const random = randomOf(3);
const { segments, series } = simulateRoutine(simulateDevice(random), 'counter', random);
const model = fitModel(
  segments,
  { series },
  {
    createdAt: '2026-11-30T00:00:00.000Z',
    hardware: 'cpu',
    device: 'Linux, Chrome 156',
    threads: 2,
    tier: 'counter',
    boundary: 'package',
    source: 'simulated',
  },
);

const linkOf = async (value: unknown) =>
  `m1.${toBase64Url(await deflate(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))))}`;

describe('a link to an energy model', () => {
  it('comes back as it went, from a fragment and from an address, and equal models give equal links', async () => {
    const text = await encodeModel(model);
    expect(await decodeModel(text)).toEqual(model);
    expect(await decodeModel(`https://example.org/device#${text}`)).toEqual(model);
    const turned = Object.fromEntries(Object.entries(model).reverse()) as unknown as EnergyModelRecord;
    expect(await encodeModel(turned)).toBe(text);
    expect([carriesModel(text), carriesModel(`https://example.org/device#${text}`)]).toEqual([true, true]);
    expect(text.length).toBeLessThan(4000);
  });
  it('is told from addresses that carry none', () => {
    for (const other of ['', '#', 'https://example.org/device', 'https://example.org/r#e3.abc', '#m2.abc'])
      expect(carriesModel(other), other).toBe(false);
  });
  const odd: [string, () => string | Promise<string>, string][] = [
    ['nothing', () => '', 'link.invalid'],
    ['a bare name', () => 'm1.', 'link.invalid'],
    ['another codec', () => 'e3.abc', 'link.invalid'],
    ['letters that base64url has not', () => 'm1.ab*c', 'link.invalid'],
    ['bytes that are not deflated', () => `m1.${toBase64Url(new Uint8Array([1, 2, 3, 4]))}`, 'link.invalid'],
    ['a cut link', async () => (await encodeModel(model)).slice(0, -9), 'link.invalid'],
    ['text that is no JSON', () => linkOf('{"v":1'), 'link.invalid'],
    ['JSON that is no model', () => linkOf([1, 2]), 'record.invalid'],
    ['nothing in JSON', () => linkOf('null'), 'record.invalid'],
    ['a newer model', () => linkOf({ ...model, v: 2 }), 'record.newer'],
    ['a changed model', () => linkOf({ ...model, error: model.error / 2 }), 'record.invalid'],
    ['a model without its coefficients', () => linkOf({ ...model, coefficients: [] }), 'record.invalid'],
    ['a link that is too long', () => `m1.${'A'.repeat(20_000)}`, 'link.too-large'],
    ['a small link that unfolds without end', () => linkOf(' '.repeat(2_000_000)), 'link.invalid'],
  ];
  it.each(odd)('of %s is a sentence', async (_, text, code) => {
    const failed = await decodeModel(await text()).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({ code });
    expect((failed as Error).message).toMatch(/^[A-Z].*\.$/);
  });
});
