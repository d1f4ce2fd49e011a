import { expect, test } from 'vitest';
import { fileName, jsonWithList } from './download';

test('writes a long list into a record as JSON.parse reads it', async () => {
  const record = { plan: { w: 0.5 }, failures: [] };
  for (const runs of [
    [],
    [
      { id: 'a', text: 'one\n"two"' },
      { id: 'b', text: '' },
    ],
  ]) {
    const text = await (await jsonWithList(record, 'runs', runs)).text();
    expect(JSON.parse(text)).toEqual({ ...record, runs });
  }
});

test('names files by their day, where there is one', () => {
  expect(fileName('2026-11-23T10:00:00Z', 'csv')).toBe('joulewise-2026-11-23.csv');
  for (const none of ['yesterday', '../../x']) expect(fileName(none, 'csv')).toBe('joulewise.csv');
});
