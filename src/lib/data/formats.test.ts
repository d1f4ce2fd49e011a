import { afterEach, describe, expect, it } from 'vitest';
import { faultsOf, isFunction, isText, namesMissing } from '../core/testing';
import { FORMATS } from './formats';
import { previewTable } from './import';
import { textSource } from './testing';

type Format = (typeof FORMATS)[number];
const COLUMNS = {
  name: isText,
  title: isText,
  extensions: (x: unknown) => Array.isArray(x) && x.every(isText),
  looksLike: isFunction,
  open: isFunction,
};
const before = [...FORMATS];
const rows = FORMATS as Format[];

afterEach(() => void rows.splice(0, rows.length, ...before));

describe('the table of importers', () => {
  it('is whole, and a column that a row lacks is named', () => {
    expect(faultsOf(Object.fromEntries(FORMATS.map((f) => [f.name, f])), COLUMNS)).toEqual([]);
    expect(namesMissing(FORMATS[0] as Format, COLUMNS)).toBe(true);
  });

  it('takes a further row: files are known by it and read', async () => {
    rows.unshift({
      ...(FORMATS[0] as Format),
      title: 'tickets between bars',
      extensions: ['bars'],
      looksLike: (sample) => sample.startsWith('|||'),
      open: async (text) => {
        let all = '';
        for await (const piece of text) all += piece;
        const tickets = all.split('|||').filter(Boolean);
        // eslint-disable-next-line @typescript-eslint/require-await -- rows come in batches, if only one
        async function* batches() {
          yield tickets.map((t) => new Map([['text', t]]));
        }
        return { columns: ['text'], batches: batches() };
      },
    });
    const { columns, sampleRows } = await previewTable(textSource('|||the fan|||the link', 'a.bars'));
    expect(columns).toEqual(['text']);
    expect(sampleRows).toEqual([{ text: 'the fan' }, { text: 'the link' }]);
  });
});
