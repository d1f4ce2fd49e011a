import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { circlesOf, firstSentence, importsOf, pageGlobals, withoutDetours } from '../layer-scan.mjs';

describe('imports', () => {
  it('of types alone are told from imports of values', () => {
    const text = `
import type { A } from './a';
import { type B, type C } from './b';
import {
  d,
  type D,
} from './d';
import E, * as F from './e';
import './f';
export { g } from './g';
export type { H } from './h';
export const notFrom = 'x';
const later = () => import('./i');
type Module = typeof import('./j');
`;
    expect(importsOf(text)).toEqual([
      { from: './a', value: false },
      { from: './b', value: false },
      { from: './d', value: true },
      { from: './e', value: true },
      { from: './f', value: true },
      { from: './g', value: true },
      { from: './h', value: false },
      { from: './i', value: true },
      { from: './j', value: false },
    ]);
  });

  it('that lead back are a circle, however long the way', () => {
    const edges: Readonly<Record<string, readonly string[]>> = {
      a: ['b'],
      b: ['c'],
      c: ['a', 'd'],
      d: ['e'],
      f: ['f'],
    };
    expect(circlesOf(Object.keys(edges), (node) => edges[node] ?? [])).toEqual([['a', 'b', 'c']]);
  });

  it('that follow from others are left out of the drawing', () => {
    const edges = new Map([
      ['top', new Set(['middle', 'bottom'])],
      ['middle', new Set(['bottom'])],
      ['bottom', new Set<string>()],
    ]);
    expect([...withoutDetours(edges)]).toEqual([
      ['top', ['middle']],
      ['middle', ['bottom']],
      ['bottom', []],
    ]);
  });
});

describe('globals of a page', () => {
  const found = (text: string) => pageGlobals(ts, text, ['window', 'document', 'navigator', 'location']);

  it('are found where they are used', () => {
    expect(found('const n = navigator.hardwareConcurrency;\nself.location.href;\nif (typeof document) {}')).toEqual([
      { name: 'navigator', line: 1 },
      { name: 'location', line: 2 },
      { name: 'document', line: 3 },
    ]);
    expect(found('const at = { location };')).toHaveLength(1);
  });

  it('are not what a file itself calls so, nor members, keys and types', () => {
    expect(found('function f(window: number, { document }: X) { return window + document; }')).toEqual([]);
    expect(found('for (let window = 0; window < 3; window++) use(window);')).toEqual([]);
    expect(found("const { location } = place();\nentry('location', location);")).toEqual([]);
    expect(found('meter.window(1); const x = { document: 2 }; interface I { location: string }')).toEqual([]);
    expect(found('const g = (window: number) => window;\nuse(window);')).toEqual([{ name: 'window', line: 2 }]);
  });
});

it('the first sentence of a README ends at its full stop', () => {
  expect(firstSentence('# matrix\n\nOpens its .wasm and\nhands out memory. More.\n')).toBe(
    'Opens its .wasm and hands out memory.',
  );
  expect(firstSentence('# x\n')).toBe('');
});
