import { describe, expect, it } from 'vitest';
import { exampleResult } from '../../rank/example';
import { toShared } from '../../link/codec';
import { readResultFile } from './result-file';

const shared = toShared([exampleResult({ variant: 'int8' })], {
  createdAt: '2026-01-02T03:04:05Z',
  device: { name: 'd', profile: 'p', browser: null },
  checkpoint: 'c',
  dataset: 't',
  tasks: ['rca'],
  w: 0.5,
  evidence: null,
});
const file = (value: unknown) => new Blob([typeof value === 'string' ? value : JSON.stringify(value)]);

describe('result file', () => {
  it('reads what a run wrote and what a link saved', async () => {
    expect(await readResultFile(file({ plan: {}, runs: [], shared }))).toEqual(shared);
    expect(await readResultFile(file(shared))).toEqual(shared);
  });

  it.each([
    ['no JSON', 'a,b\n1,2', /not JSON/],
    ['other JSON', { a: 1 }, /holds no Joulewise result/],
    ['null', 'null', /holds no Joulewise result/],
    ['a recipe', { ...shared, kind: 'recipe' }, /holds no Joulewise result/],
    ['a newer version', { ...shared, v: 99 }, /newer Joulewise/],
    ['a broken record', { ...shared, variants: [{}] }, /not valid at "variants/],
  ])('refuses %s with a sentence', async (_, content, message) => {
    await expect(readResultFile(file(content))).rejects.toThrow(message);
  });
});
