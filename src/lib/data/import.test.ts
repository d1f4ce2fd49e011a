import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { JoulewiseError } from '../core/errors';
import { Dataset } from '../schema/dataset';
import { parseRecord } from '../schema/record';
import { generateTickets } from './generator';
import { importDataset, previewRedaction, type ImportOptions, previewTable } from './import';
import { bytesSource, textSource } from './testing';
import type { ImportSource } from './text-stream';

const tickets = generateTickets({ count: 60, seed: 2 });
const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
const table = (delimiter: string) =>
  ['description', 'root cause', 'close_notes'].join(delimiter) +
  '\n' +
  tickets
    .map(({ text, cause, response }) => [text, cause ?? '', response ?? ''].map(quoted).join(delimiter))
    .join('\n');
const objects = tickets.map(({ text, cause, response }) => ({
  description: text,
  'root cause': cause,
  close_notes: response,
}));
const csv = table(',');

const run = (source: ImportSource, options: Partial<ImportOptions> = {}) =>
  importDataset(source, { seed: 1, ...options });

async function failure(source: ImportSource, options: Partial<ImportOptions> = {}): Promise<JoulewiseError> {
  try {
    await run(source, options);
  } catch (error) {
    if (error instanceof JoulewiseError) return error;
    throw error;
  }
  throw new Error('The import succeeded.');
}

describe('formats', () => {
  const files: readonly (readonly [string, string, string])[] = [
    ['csv', 'tickets.csv', csv],
    ['tsv', 'tickets.tsv', table('\t')],
    ['csv', 'semicolons.csv', table(';')],
    ['csv', 'windows.csv', csv.replaceAll('\n', '\r\n')],
    ['jsonl', 'tickets.jsonl', objects.map((o) => JSON.stringify(o)).join('\n')],
    ['json', 'tickets.json', JSON.stringify(objects)],
    ['json', 'pretty.json', JSON.stringify({ total: 60, result: objects }, null, 2)],
  ];
  it.each(files)('%s: %s, plain, gzipped and in small chunks', async (format, name, text) => {
    const { dataset, report } = await run(textSource(text, name));
    expect(report).toMatchObject({ format, rows: 60, kept: 60, guessed: true, gzipped: false, encoding: 'utf-8' });
    expect(dataset.tickets.map((t) => t.text)).toEqual(tickets.map((t) => t.text));
    expect(dataset.tickets.map((t) => t.cause)).toEqual(tickets.map((t) => t.cause));
    expect(dataset.tickets.map((t) => t.response)).toEqual(tickets.map((t) => t.response));
    expect(parseRecord(Dataset, dataset)).toEqual(dataset);
    const packed = await run(bytesSource(gzipSync(text), `${name}.gz`));
    expect(packed.report.gzipped).toBe(true);
    expect(packed.dataset.hash).toBe(dataset.hash);
    expect((await run(textSource(text, name, 7))).dataset.hash).toBe(dataset.hash);
  });

  it('decodes UTF-16 and UTF-8 with marks', async () => {
    const { hash } = (await run(textSource(csv))).dataset;
    const utf16 = Buffer.from(`\ufeff${csv}`, 'utf16le');
    for (const [bytes, encoding] of [
      [utf16, 'utf-16le'],
      [Buffer.from(utf16).swap16(), 'utf-16be'],
      [Buffer.from(csv, 'utf16le'), 'utf-16le'],
      [Buffer.from(`\ufeff${csv}`), 'utf-8'],
    ] as const) {
      const { dataset, report } = await run(bytesSource(bytes));
      expect(report.encoding).toBe(encoding);
      expect(dataset.hash).toBe(hash);
    }
  });

  it('falls back to windows-1252 with a warning, also where the first bad byte comes late', async () => {
    const late = Buffer.concat([
      Buffer.from(csv + '\n'.padEnd(200_000, '\n')),
      Buffer.from([0x47, 0xfc, 0x6e]),
      Buffer.from(',fibre cut,done\n'),
    ]);
    const { dataset, report } = await run(bytesSource(late));
    expect(report.encoding).toBe('windows-1252');
    expect(report.warnings.join()).toMatch(/not valid UTF-8/);
    expect(dataset.tickets.at(-1)?.text).toBe('Gün');
  });

  it('previews columns, rows and a mapping', async () => {
    const preview = await previewTable(textSource(csv), { rows: 5 });
    expect(preview).toMatchObject({
      format: 'csv',
      columns: ['description', 'root cause', 'close_notes'],
      warnings: [],
    });
    expect(preview.guess).toMatchObject({ text: ['description'], cause: 'root cause', response: 'close_notes' });
    expect(preview.sampleRows).toHaveLength(5);
  });
});

describe('what happens to rows', () => {
  it('counts every row: kept or dropped for a reason', async () => {
    const text =
      'text,cause\nlink down,fibre cut\nLINK down!,software error\n,fibre cut\nno power,\nno light,fibre cut\n';
    const { dataset, report } = await run(textSource(text), { mapping: { text: ['text'], cause: 'cause' } });
    expect(report.rows).toBe(5);
    expect(report.dropped).toMatchObject({ 'exact duplicate': 1, 'no text': 1, 'no answer': 1 });
    expect(report.duplicates).toEqual({ exact: 1, near: 0, conflicting: 1 });
    expect(dataset.tickets.map(({ id }) => id)).toEqual(['row 1', 'row 5']);
    expect(report.warnings.join()).toMatch(/same cause/);
    expect(dataset.counts).toMatchObject({ rows: 5, kept: 2, emptyText: 1, exactDuplicates: 1 });
  });

  it('keeps classes apart that name hosts, mailboxes or numbers, and says where two became one', async () => {
    const hosts = ['core1.lan failed', 'core2.lan failed', 'Core2.lan failed', 'x@a.example'];
    const csv = (causes: readonly string[]) =>
      ['text,cause', ...causes.flatMap((c, i) => [`link ${i} is down,${c}`, `no light ${i} there,${c}`])].join('\n');
    const { report } = await run(textSource(csv(hosts)));
    expect(report.classes.map(({ cause }) => cause).sort()).toEqual([
      '[email 1]',
      '[host 1] failed',
      '[host 2] failed',
      '[host 3] failed',
    ]);
    expect(report.warnings.join()).not.toMatch(/made 2 causes one/);
    const merged = await run(textSource(csv(['core1.lan failed', '[host 1] failed'])));
    expect(merged.report.warnings.join()).toMatch(/Redaction made 2 causes one, "\[host 1\] failed"/);
  });

  it('leaves columns of people out, hides what they say elsewhere, and lists what is probably left', async () => {
    const csv = 'description,caller,cause\nfor Aylin the link is down,Aylin Demir,a\nNils Ahmed and no light,Bo Ek,b';
    const { dataset, report } = await run(textSource(csv));
    expect(report.people).toEqual(['caller']);
    expect(dataset.tickets.map(({ text }) => text)).toEqual([
      'for [name 1] the link is down',
      'Nils Ahmed and no light',
    ]);
    expect(report.left).toEqual([{ words: 'Nils Ahmed', count: 1 }]);
    const own = await run(textSource(csv), { redaction: { words: ['Nils Ahmed'] }, people: [] });
    expect(own.dataset.tickets.map(({ text }) => text)[1]).toMatch(/^\[name 1\] and no light/);
    await expect(run(textSource(csv), { people: ['nobody'] })).rejects.toThrow(/no column "nobody"/);
  });

  it('previews redaction in the own rows, and stores nothing', async () => {
    const csv = 'description,caller,cause\nAylin sees 10.0.0.1 down,Aylin Demir,a\nno light at Ulm Ost,Bo Ek,b';
    const seen = await previewRedaction(textSource(csv), {});
    expect(seen.rows).toBe(2);
    expect(seen.hits.map(({ kind, count }) => [kind, count])).toEqual([['person', 1], ['ipv4', 1]]); // prettier-ignore
    expect(seen.marked[0]?.filter(({ kind }) => kind).map(({ text, placeholder }) => [text, placeholder])).toEqual([
      ['Aylin', '[name 1]'],
      ['10.0.0.1', '[ipv4 1]'],
    ]);
    expect(seen.left).toEqual([{ words: 'Ulm Ost', count: 1 }]);
  });

  it('redacts unless told not to, and shows examples that the dataset does not hold', async () => {
    const text =
      'text,cause\n"call +49 89 1234567 or ann@example.org, link down",fibre cut\nrouter is slow today,software error\n';
    const { dataset, report } = await run(textSource(text), { mapping: { text: ['text'], cause: 'cause' } });
    expect(dataset.tickets[0]?.text).toBe('call [phone 1] or [email 1], link down');
    expect(dataset.counts.redactions).toEqual({ phone: 1, email: 1 });
    expect(report.redactions?.find(({ kind }) => kind === 'email')?.examples).toEqual([
      {
        before: 'call +49 89 1234567 or ann@example.org, link down',
        after: 'call [phone 1] or [email 1], link down',
      },
    ]);
    expect(JSON.stringify(dataset)).not.toContain('ann@');
    const open = await run(textSource(text), { mapping: { text: ['text'], cause: 'cause' }, redact: false });
    expect(open.dataset.tickets[0]?.text).toContain('ann@example.org');
    expect(open.dataset.counts.redactions).toBeNull();
    expect(open.report.redactions).toBeNull();
  });

  it("keeps a source's groups on one side under names of our own", async () => {
    const rows = tickets.map(({ text, cause }, i) => `${quoted(text)},${cause ?? ''},INC${i % 20}`);
    const { dataset } = await run(textSource(`text,cause,incident\n${rows.join('\n')}`));
    expect(new Set(dataset.tickets.map(({ group }) => group)).size).toBe(20);
    for (let g = 0; g < 20; g++) expect(new Set(dataset.split.filter((_, i) => i % 20 === g)).size).toBe(1);
    expect(JSON.stringify(dataset.tickets)).not.toContain('INC');
  });

  it('reports progress and can be stopped', async () => {
    const seen: [number, number][] = [];
    await run(textSource(csv), { onProgress: (rows, bytes) => seen.push([rows, bytes]) });
    expect(seen.at(-1)).toEqual([60, new TextEncoder().encode(csv).length]);
    expect(await failure(textSource(csv), { signal: AbortSignal.abort() })).toMatchObject({ code: 'cancelled' });
  });
});

describe('bad input that can go on', () => {
  const warned = async (text: string, warning: RegExp, options: Partial<ImportOptions> = {}, name?: string) => {
    const result = await run(textSource(text, name), options);
    expect(result.report.warnings.join('\n')).toMatch(warning);
    return result;
  };
  const line = '"the link is down and users complain",fibre cut';

  it('renames columns that share a name', async () => {
    const { report } = await warned(`text,cause,text\n${line},x\n`, /share a name/);
    expect(report.columns).toEqual(['text', 'cause', 'text (2)']);
  });

  it('calls columns by number where there is no header', async () => {
    const rows = tickets.map(({ text, cause }) => `${quoted(text)},${cause ?? ''}`).join('\n');
    const { report } = await warned(rows, /column 1/);
    expect(report.mapping).toMatchObject({ text: ['column 1'], cause: 'column 2' });
    expect(report.rows).toBe(60);
  });

  it('takes long questions of a form as a header beside a known name', async () => {
    const question = 'What happened and when did you first notice that it was not working?';
    const { columns } = (
      await run(textSource(`number,${question},cause\n1,${line}\n2,"all cells are down here",power\n`))
    ).report;
    expect(columns).toEqual(['number', question, 'cause']);
  });

  it('says where rows have too few or too many cells', async () => {
    await warned(`text,cause,time\n${line}\n${line},1,2,3\n`, /fewer cells[^]*more cells/);
  });

  it('drops rows with giant cells, and counts them', async () => {
    const giant = quoted('x '.repeat(5_000_000));
    const { report } = await warned(
      `text,cause\n${line}\n${giant},fibre cut\nno light here,fibre cut\n`,
      /were dropped/,
      {
        mapping: { text: ['text'], cause: 'cause' },
      },
    );
    expect(report.dropped['too large']).toBe(1);
    expect(report.kept).toBe(2);
  });

  it('cuts very long texts', async () => {
    const { dataset } = await warned(`text,cause\n${'word '.repeat(10_000)},fibre cut\n`, /were cut/);
    expect(dataset.tickets[0]?.text.length).toBeLessThanOrEqual(20_000);
  });

  it('counts broken lines of JSON', async () => {
    const lines = objects.map((o) => JSON.stringify(o));
    lines[5] = '{"description": ';
    const { report } = await warned(lines.join('\n'), /1 entries could not be read/, {}, 'x.jsonl');
    expect(report).toMatchObject({ rows: 60, kept: 59 });
  });

  it('reads what a cut JSON file still holds', async () => {
    const text = JSON.stringify(objects);
    const { report } = await warned(text.slice(0, text.length - 100), /ends before its list/, {}, 'x.json');
    expect(report).toMatchObject({ rows: 60, kept: 59 });
  });

  it('reads a mislabelled file by its content', async () => {
    await warned(csv, /named .json but holds comma/, {}, 'tickets.json');
    await warned(JSON.stringify(objects), /named .csv but holds JSON/, {}, 'tickets.csv');
  });
});

describe('bad input that cannot', () => {
  const truncated = gzipSync(csv).subarray(0, 600);
  const bomb = gzipSync(Buffer.from('text,cause\n' + 'link is down,fibre cut\n'.repeat(400_000)));
  const cases: readonly (readonly [string, ImportSource, string, RegExp])[] = [
    ['an empty file', textSource(''), 'input.empty', /is empty/],
    ['spaces only', textSource(' \n\n '), 'input.empty', /is empty/],
    ['a header only', textSource('text,cause\n'), 'input.empty', /no tickets/],
    ['an empty list', textSource('[]', 'x.json'), 'input.format', /No list of objects/],
    [
      'a quote that never closes',
      textSource(`text,cause\n${'"two\nlines",b\n'.repeat(50)}"a text that was cut\noff here`),
      'input.format',
      /never closed/,
    ],
    ['a truncated gzip', bytesSource(truncated, 'x.csv.gz'), 'input.unreadable', /truncated gzip/],
    ['no gzip after the mark', bytesSource(Uint8Array.from([0x1f, 0x8b, 1, 2, 3]), 'x.gz'), 'input.unreadable', /gzip/],
    ['gzip twice', bytesSource(gzipSync(gzipSync(csv)), 'x.gz'), 'input.format', /compressed twice/],
    [
      'an Excel workbook',
      bytesSource(Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0]), 'x.xlsx'),
      'input.format',
      /Save the sheet as CSV/,
    ],
    [
      'binary junk',
      bytesSource(Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)),
      'input.format',
      /not a text file/,
    ],
    [
      'no target',
      textSource('text,number\n"the link is down and users complain",1\n'),
      'input.columns',
      /"text", "number"/,
    ],
    ['deep JSON', textSource('['.repeat(100_000), 'x.json'), 'input.format', /levels deep/],
    [
      'JSON without a list',
      textSource('{"a": {"b": 1}, "c": [1, 2]}\n\n', 'x.json'),
      'input.columns',
      /The columns are/,
    ],
    ['a list of numbers', textSource('[1, 2, 3]', 'x.json'), 'input.format', /No list of objects/],
    ['words named .json', textSource('hello world', 'x.json'), 'input.format', /does not hold JSON/],
    ['empty targets', textSource('text,cause\nlink is down,\nno light,N/A\n'), 'input.empty', /no answer/],
  ];
  it.each(cases)('%s', async (_, source, code, sentence) => {
    const mapping = code === 'input.empty' ? { mapping: { text: ['text'], cause: 'cause' } } : {};
    const error = await failure(source, mapping);
    expect(error.message).toMatch(sentence);
    expect(error.code).toBe(code);
  });

  it('stops at a gzip bomb', async () => {
    expect(bomb.length).toBeLessThan(100_000);
    const error = await failure(bytesSource(bomb, 'x.csv.gz'), {
      limits: { inflatedBytes: 1_000_000 },
      mapping: { text: ['text'], cause: 'cause' },
    });
    expect(error).toMatchObject({ code: 'input.too-large' });
    expect(error.message).toMatch(/once unpacked/);
  });

  it('stops at too many rows or characters', async () => {
    expect(await failure(textSource(csv), { limits: { rows: 10 } })).toMatchObject({ code: 'input.too-large' });
    expect(await failure(textSource(csv), { limits: { datasetChars: 1000 } })).toMatchObject({
      code: 'input.too-large',
    });
  });

  it('says which columns exist', async () => {
    const error = await failure(textSource(csv), { mapping: { cause: 'reason' } });
    expect(error.code).toBe('input.columns');
    expect(error.message).toBe(
      'There is no column "reason". The columns are "description", "root cause", "close_notes".',
    );
  });

  it('turns a stream that fails into a sentence', async () => {
    const source: ImportSource = {
      name: 'gone.csv',
      size: null,
      stream: () => new ReadableStream({ pull: (controller) => controller.error(new Error('NotFoundError')) }),
    };
    expect(await failure(source)).toMatchObject({ code: 'input.unreadable' });
  });
});

describe('size', () => {
  it('imports 100,000 tickets in bounded memory', async () => {
    const encoder = new TextEncoder();
    const count = 100_000;
    const names = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta', 'iota', 'kappa', 'lambda'];
    const word = (x: number) => names[x % names.length] ?? '';
    const rowText = (i: number) =>
      `site ${i} ${word(i)} ${word(i >> 2)} raised loss of signal to node ${i * 7} after ${word(i >> 4)} work with ${word(i >> 6)} at ${word(i >> 8)}`;
    let made = 0;
    const source: ImportSource = {
      name: 'big.csv',
      size: null,
      stream: () => {
        made = 0;
        return new ReadableStream({
          start: (controller) => controller.enqueue(encoder.encode('description,root cause,close_notes\n')),
          pull(controller) {
            if (made >= count) return controller.close();
            let text = '';
            for (let k = 0; k < 500 && made < count; k++, made++)
              text += `"${rowText(made)}",cause ${made % 9},"done, closed ${made}"\n`;
            controller.enqueue(encoder.encode(text));
          },
        });
      },
    };
    // The file is read as fast as it is parsed: never far ahead of the rows that were handled.
    let ahead = 0;
    const { dataset, report } = await run(source, { onProgress: (rows) => (ahead = Math.max(ahead, made - rows)) });
    expect(ahead).toBeLessThan(10_000);
    expect(report.rows).toBe(count);
    expect(dataset.tickets.length + report.duplicates.exact).toBe(count);
    expect(dataset.split.filter((s) => s === 'test').length / dataset.tickets.length).toBeCloseTo(0.2, 2);
  });
});
