import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tidyCause, likeCauses } from './causes';
import { QUOTING } from './delimited';
import { allMembers } from './gzip';
import { importDataset, type ImportOptions } from './import';
import { parseKept } from './json';
import { numberOf } from './numbers';
import { bytesSource, textSource } from './testing';
import { chunksOf, type ImportSource } from './text-stream';

const CAUSES = ['fibre cut', 'power', 'software'] as const;
const tickets = Array.from({ length: 12 }, (_, i) => ({
  description: `Link ${i} of ring ${i % 5} is down since the storm, crew ${i * 7} is on its way`,
  cause: CAUSES[i % 3] as string,
}));
const objects = (more: (i: number) => object = () => ({})) => tickets.map((t, i) => ({ ...t, ...more(i) }));
const json = (value: unknown) => JSON.stringify(value);

async function read(source: ImportSource | string, options: Partial<ImportOptions> = {}) {
  const from = typeof source === 'string' ? textSource(source, 'export') : source;
  const { dataset, report } = await importDataset(from, { seed: 1, redact: false, ...options });
  return { dataset, report, said: report.warnings.join('\n'), causes: dataset.tickets.map(({ cause }) => cause) };
}

/** The twelve tickets, each with its own cause. */
async function whole(source: ImportSource | string, ...says: RegExp[]) {
  const { dataset, report, said } = await read(source);
  expect(dataset.tickets.map(({ text, cause }) => ({ description: text, cause }))).toEqual(tickets);
  for (const pattern of says) expect(said).toMatch(pattern);
  return { report, said };
}

afterEach(() => void vi.unstubAllGlobals());

describe('JSON', () => {
  const users = Array.from({ length: 30 }, (_, i) => ({ name: `Agent number ${i}`, role: ['agent', 'admin'][i % 2] }));
  it.each<[string, string]>([
    ['an answer on one line', json({ result: objects() })],
    [
      'objects one after another',
      objects()
        .map((o) => JSON.stringify(o, null, 1))
        .join(''),
    ],
    [
      'a sequence with record separators',
      objects()
        .map((o) => `\u001e${json(o)}\n`)
        .join(''),
    ],
    [
      'an object by ticket number',
      json(Object.fromEntries(objects((i) => ({ tags: [{ t: i }] })).map((o, i) => [`T${i}`, o]))),
    ],
    ['a longer list of users before', json({ users, tickets: objects() })],
    ['a longer list of users behind', json({ tickets: objects(), users })],
    ['failures before hits', json({ failures: [{ shard: 1 }], hits: { total: 12, hits: objects() } })],
    ['pages one after another', json({ result: objects().slice(0, 5) }) + json({ result: objects().slice(5) })],
    ['pages by line', [5, 12].map((end, k) => json({ result: objects().slice(k * 5, end) })).join('\n')],
    ['lists with the same columns', json({ open: objects().slice(0, 5), closed: objects().slice(5) })],
    ['texts that hold JSON', json({ tickets: objects().map((o) => JSON.stringify(o)) })],
    [
      'columns and data',
      json({ columns: ['description', 'cause'], index: [0], data: tickets.map((t) => Object.values(t)) }),
    ],
    ['a list of lists', json([['description', 'cause'], ...tickets.map((t) => Object.values(t))])],
    [
      'columns by index',
      json({ description: { ...tickets.map((t) => t.description) }, cause: { ...tickets.map((t) => t.cause) } }),
    ],
    ['columns as lists', json({ description: tickets.map((t) => t.description), cause: tickets.map((t) => t.cause) })],
    [
      'tickets with notes',
      objects(() => ({ notes: users.slice(0, 9).map(({ name, role }) => ({ text: name, kind: role })) }))
        .map((o) => json(o))
        .join('\n'),
    ],
  ])('%s', async (_name, text) => {
    await whole(text);
    await whole(textSource(text, 'export', 7));
  });

  it('names what is taken and what is left, and that pages are missing', async () => {
    const { said } = await whole(
      json({ users, tickets: objects(), nextLink: 'https://x.test/2' }),
      /"tickets" \(12\), not from "users" \(30\)/,
    );
    expect(said).toMatch(/one page of several/);
  });

  it.each([
    ['name', 'value'],
    ['id', 'value'],
    ['Key', 'Value'],
    ['characteristicName', 'values'],
  ])('lists of %s and %s become columns', async (name, value) => {
    const list = objects((i) => ({
      cause: undefined,
      extra: [
        { [name]: 'site', [value]: 'n' },
        { [name]: 'rootCause', [value]: tickets[i]?.cause },
      ],
    }));
    const { report, causes } = await read(json(list));
    expect(report.mapping.cause).toBe('extra.rootCause');
    expect(causes).toEqual(tickets.map(({ cause }) => cause));
  });

  it('keeps digits of numbers as they were written', () => {
    const number = fc
      .tuple(fc.bigInt(), fc.option(fc.stringMatching(/^\d{1,25}$/)))
      .map(([a, b]) => (b === null ? `${a}` : `${a}.${b}`));
    fc.assert(
      fc.property(fc.array(number, { minLength: 1 }), fc.string(), (numbers, text) => {
        const kept = parseKept(`{"t":${json(text)},"n":[${numbers.join(', ')}]}`) as { t: string; n: unknown[] };
        expect(kept.t).toBe(text);
        expect(kept.n.map(String)).toEqual(numbers);
      }),
    );
  });

  it('takes NaN of Python as not known, and tells ids past 2^53 apart', async () => {
    const lines = tickets.map(
      (t, i) => `{"description":${json(t.description)},"score":NaN,"cause":${9007199254740992n + BigInt(i % 3)}}`,
    );
    const { report } = await read(`[${lines.join(',')}]`);
    expect(report.classes).toHaveLength(3);
  });
});

describe('delimited text', () => {
  const line = ({ description, cause }: (typeof tickets)[number], sign = ';') => `${description}${sign}${cause}`;
  const body = tickets.map((t) => line(t)).join('\n');
  it.each<[string, string, RegExp]>([
    ["Excel's line", `sep=;\ndescription;cause\n${body}`, /few/],
    ['another sign in it', `sep=|\ndescription|cause\n${body.replaceAll(';', '|')}`, /few/],
    ['a title', `Tickets of March\n\ndescription;cause\n${body}`, /column names stand in row 2/],
    ['keys and values', `Report:;Closed\nOwner:;Operations\n\ndescription;cause\n${body}`, /row 3/],
  ])('finds the header behind %s', async (_name, text, says) => void (await whole(text, says)));

  it.each(QUOTING)('compares ways of quoting: %s', async (quoting) => {
    const quote = (cell: string) =>
      ({
        quoted: `"${cell.replaceAll('"', '""')}"`,
        backslash: `"${cell.replaceAll('"', '\\"')}"`,
        none: cell,
        line: cell,
      })[quoting];
    const rows = tickets.map((t, i) => {
      const text = i === 3 ? `"open ${t.description}` : i === 7 ? `${t.description} 19", rack"` : t.description;
      const tail =
        quoting === 'line' && i === 5
          ? `"${text}, too"`
          : quoting === 'line'
            ? text.replace(', rack"', '')
            : quote(text);
      return [tail, `INC${i}`, t.cause].join(quoting === 'none' ? '\t' : ',');
    });
    const { report, dataset } = await read(
      ['description,number,cause'.replaceAll(',', quoting === 'none' ? '\t' : ','), ...rows]
        .join('\n')
        .replaceAll(', crew', ' crew'),
    );
    expect(report.kept).toBe(12);
    expect(report.classes.map(({ cause }) => cause).sort()).toEqual([...CAUSES].sort());
    expect(dataset.tickets[3]?.text).toMatch(/^"open/);
  });

  it('keeps a pasted table inside a quoted cell as one ticket, and says so', async () => {
    const rows = tickets.map(
      ({ description, cause }, i) =>
        `INC${i},"${description}${i === 4 ? '\nINC99,of another,power\nand so on' : ''}",${cause}`,
    );
    const { report, said } = await read(`number,description,cause\n${rows.join('\n')}`);
    expect(report.kept).toBe(12);
    expect(said).toMatch(/near row 6 holds lines that read like rows/);
  });

  it('never gives a row that is too wide another cause', async () => {
    const wide = ['INC1,down; one,two,power', 'INC2,"whole, quoted",power', 'INC3,down, since noon, power'];
    const rows = tickets.map(({ description, cause }, i) => `INC${i + 10},"${description}",${cause}`);
    const { report, causes, said } = await read(['number,description,cause', ...rows, ...wide].join('\n'));
    expect(report.dropped['too wide']).toBe(2);
    expect(report.kept + report.dropped['too wide']).toBe(report.rows);
    expect(new Set(causes)).toEqual(new Set(CAUSES));
    expect(said).toMatch(/2 rows have more cells than the header and were left out/);
  });

  it('joins a text that goes on behind its comma', async () => {
    const rows = tickets.map(({ description, cause }) => `${description},${cause}`);
    await whole(`description,cause\n${rows.join('\n')}`, /joined to the text before/);
  });
});

describe('gzip of several members', () => {
  const csv = `description,cause\n${tickets.map(({ description, cause }) => `"${description}",${cause}`).join('\n')}\n`;
  const parts = [csv.slice(0, 300), '', csv.slice(300)].map((part) => gzipSync(part));
  const unpack = async (bytes: Uint8Array, chunk: number) => {
    const out: Uint8Array[] = [];
    for await (const piece of allMembers(chunksOf(bytesSource(bytes, 'x.gz', chunk).stream()))) out.push(piece);
    return Buffer.concat(out).toString();
  };

  it('is read whole, with padding and however it comes', async () => {
    for (const chunk of [1, 7, 64, 65_536])
      for (const padding of [0, 3, 600])
        expect(await unpack(Buffer.concat([...parts, Buffer.alloc(padding)]), chunk)).toBe(csv);
  });

  it('is refused where a check sum is wrong or the end is missing', async () => {
    const all = Buffer.concat(parts);
    const first = Buffer.from(all);
    first[(parts[0] as Buffer).length - 6] = 1 ^ (first[(parts[0] as Buffer).length - 6] as number);
    const last = Buffer.from(all);
    last[all.length - 6] = 1 ^ (last[all.length - 6] as number);
    for (const bad of [first, last, all.subarray(0, all.length - 4), all.subarray(0, all.length - 30)])
      await expect(unpack(bad, 64)).rejects.toThrow();
  });

  it('is read where the decompressor of the browser stops behind the first', async () => {
    const Native = DecompressionStream;
    vi.stubGlobal(
      'DecompressionStream',
      class {
        constructor() {
          let seen = 0;
          const cut = new TransformStream<Uint8Array, Uint8Array>({
            transform(chunk, controller) {
              controller.enqueue(chunk);
              if ((seen += chunk.length) > 100) throw new TypeError('Junk found after end of compressed data.');
            },
          });
          const native = new Native('gzip');
          return { writable: native.writable, readable: native.readable.pipeThrough(cut) };
        }
      },
    );
    await whole(bytesSource(Buffer.concat(parts), 'x.csv.gz', 50));
  });
});

describe('HTML, XML and XLSX', () => {
  const xml = (t: (typeof tickets)[number]) =>
    `<description>${t.description} &amp; more</description><close_code>${t.cause}</close_code>`;
  const expected = tickets.map(({ cause }) => cause);
  it.each<[string, string]>([
    [
      'a table of HTML',
      `<!DOCTYPE html><table><tr><td>menu</table><table><thead><tr><th>Description<th>Cause<tbody>${tickets.map((t) => `<tr><td>${t.description}<br>x<td>${t.cause}`).join('')}</table>`,
    ],
    [
      'records of ServiceNow',
      `<?xml version="1.0"?><unload>${tickets.map((t) => `<incident action="INSERT_OR_UPDATE"><number>1</number>${xml(t)}</incident>`).join('\n')}</unload>`,
    ],
    [
      'a feed of Jira',
      `<rss><channel><title>Jira</title><link>x</link>${tickets.map((t) => `<item><title>t</title><description><![CDATA[<p>${t.description}]]></description><customfields><customfield id="c1"><customfieldname>Root cause</customfieldname><customfieldvalues><customfieldvalue>${t.cause}</customfieldvalue></customfieldvalues></customfield><customfield id="c2"><customfieldname>Site</customfieldname><customfieldvalues><customfieldvalue>n</customfieldvalue></customfieldvalues></customfield></customfields></item>`).join('')}</channel></rss>`,
    ],
    [
      'rows of attributes',
      `<posts>${tickets.map((t, i) => `<row Id="${i}" Body="${t.description}" Category="${t.cause}"/>`).join('')}</posts>`,
    ],
    [
      'fields with names',
      `<r>${tickets.map((t) => `<row><field name="description">${t.description}</field><field name="cause">${t.cause}</field></row>`).join('')}</r>`,
    ],
    [
      "Excel's XML",
      `<?xml version="1.0"?><Workbook xmlns:ss="u"><Worksheet><Table><Row><Cell><Data>Description</Data></Cell><Cell ss:Index="3"><Data>Cause</Data></Cell></Row>${tickets.map((t) => `<Row><Cell><Data>${t.description}</Data></Cell><Cell ss:Index="3"><Data>${t.cause}</Data></Cell></Row>`).join('')}</Table></Worksheet></Workbook>`,
    ],
  ])('reads %s', async (_name, text) => {
    for (const chunk of [9, 65_536]) {
      const { causes, dataset } = await read(textSource(text, 'x', chunk));
      expect(causes).toEqual(expected);
      expect(dataset.tickets[2]?.text).toContain('Link 2 of ring');
    }
  });

  it('refuses a page without a table and XML without records in a sentence', async () => {
    await expect(read('<html><body><p>Log in</p></body></html>')).rejects.toThrow(/web page without a table/);
    await expect(read('<?xml version="1.0"?><a>text</a>')).rejects.toThrow(/no list of records/);
  });

  const column = (i: number) => String.fromCharCode(65 + i);
  const cell = (text: string, place: string) => `<c r="${place}" t="inlineStr"><is><t>${text}</t></is></c>`;
  const sheet = (rows: readonly (readonly string[])[]) =>
    `<worksheet><sheetData>${rows.map((row, r) => `<row r="${r + 1}">${row.map((text, i) => (text.startsWith('<') ? text : cell(text, `${column(i)}${r + 1}`))).join('')}</row>`).join('')}</sheetData></worksheet>`;
  function workbook(sheets: Readonly<Record<string, readonly (readonly string[])[]>>) {
    const names = Object.keys(sheets);
    const part = (text: string) => new TextEncoder().encode(`<?xml version="1.0"?>${text}`);
    return zipSync({
      'xl/workbook.xml': part(
        `<workbook><sheets>${names.map((n, i) => `<sheet name="${n}" sheetId="${i + 1}" r:id="r${i}"/>`).join('')}</sheets></workbook>`,
      ),
      'xl/_rels/workbook.xml.rels': part(
        `<Relationships>${names.map((_, i) => `<Relationship Id="r${i}" Target="worksheets/sheet${i}.xml"/>`).join('')}</Relationships>`,
      ),
      'xl/sharedStrings.xml': part('<sst><si><r><t>po</t></r><r><t>wer</t></r><rPh><t>x</t></rPh></si></sst>'),
      'xl/styles.xml': part(
        '<styleSheet><numFmts><numFmt numFmtId="165" formatCode="[Red]0.00"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="165"/></cellXfs></styleSheet>',
      ),
      ...Object.fromEntries(names.map((n, i) => [`xl/worksheets/sheet${i}.xml`, part(sheet(sheets[n] ?? []))])),
    });
  }

  it('reads the sheets of a workbook that hold tickets, with a title before them', async () => {
    const rows = tickets.map((t) => Object.values(t));
    const head = ['description', 'cause'];
    const file = workbook({
      Cover: [['Report of March'], ['Owner', 'Operations']],
      January: [['Tickets'], head, ...rows.slice(0, 5)],
      February: [['Tickets'], head, ...rows.slice(5)],
    });
    await whole(
      bytesSource(file, 'x.xlsx'),
      /3 sheets: tickets are taken from "January" \(6\), "February" \(8\), not from "Cover"/,
    );
  });

  it('shows dates as dates and numbers with their digits, and errors as not known', async () => {
    const rows = tickets.map((t, i) => [
      t.description,
      '<c r="B1" t="s"><v>0</v></c>',
      `<c r="C1" s="1"><v>${45000 + i}</v></c>`,
      '<c r="D1"><v>9007199254740993</v></c>',
      '<c r="E1" s="2"><v>0.10000000000000001</v></c>',
      '<c r="F1" t="e"><v>#REF!</v></c>',
    ]);
    const file = workbook({ One: [['description', 'cause', 'opened', 'big', 'small', 'broken'], ...rows] });
    const { dataset } = await read(bytesSource(file, 'x.xlsx'), {
      mapping: { text: ['description', 'big', 'small', 'broken'] },
    });
    expect(dataset.tickets[0]).toMatchObject({ cause: 'power', time: '2023-03-15' });
    expect(dataset.tickets[0]?.text).toContain('\nbig 9007199254740993\nsmall 0.1');
  });

  it('says what other archives are', async () => {
    const archive = (name: string) => bytesSource(zipSync({ [name]: new Uint8Array(9) }), 'x.zip');
    await expect(read(archive('content.xml'))).rejects.toThrow(/OpenDocument sheet\. Save it as XLSX or CSV/);
    await expect(read(archive('tickets.csv'))).rejects.toThrow(/Unpack it/);
    await expect(read(bytesSource(workbook({ One: [] }).subarray(0, 400), 'x.xlsx'))).rejects.toThrow(
      /Save the sheet as CSV/,
    );
  });
});

describe('causes', () => {
  it('are one class in whatever Unicode form they come', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Störung Netz', 'Ausfall é ñ', 'ケーブル断'),
        fc.constantFrom('NFC', 'NFD'),
        fc.constantFrom('\u200b', '\ufeff', '\u00ad', ''),
        (cause, form, sign) => {
          expect(tidyCause(` ${sign}${cause.normalize(form).replace(' ', ' \u00a0')}${sign}`)).toBe(
            cause.normalize('NFC'),
          );
        },
      ),
    );
    expect(tidyCause('क्\u200dष')).toBe('क्\u200dष');
  });

  it('that are alike are told, and merged where that is asked for', async () => {
    const spelt = (cause: string, i: number) =>
      [cause, cause.toUpperCase(), `${cause}.`, cause.replace(' ', '  ')][i % 4];
    const text = json(
      Array.from({ length: 48 }, (_, i) => ({
        description: `Link ${i} is down since ${i} minutes`,
        cause: spelt(CAUSES[i % 3] as string, Math.floor(i / 3)),
      })),
    );
    expect((await read(text)).said).toMatch(/9 causes differ only in case/);
    const merged = await read(text, { mergeCauses: true });
    expect(new Set(merged.causes)).toEqual(new Set(CAUSES));
    expect(merged.said).toMatch(/9 spellings of 3 causes were made one each/);
  });

  it('that are numbers are compared by their digits', () => {
    const alike = (...causes: string[]) => likeCauses(causes.map((cause) => ({ cause, count: 1 }))).length;
    expect([alike('1', '1.0'), alike('9007199254740992', '9007199254740993'), alike('10', '1')]).toEqual([1, 0, 0]);
  });

  it.each(['NA', 'N/A', 'none'])('%s is kept and asked about where it is frequent', async (word) => {
    const { report, said } = await read(json(objects((i) => (i % 3 === 0 ? { cause: word } : {}))));
    expect(report.classes.map(({ cause }) => cause)).toContain(word);
    expect(said).toContain(`"${word}" (4 tickets)`);
    expect(report.doubtful).toEqual([{ cause: word, count: 4 }]);
    for (const said of [{ causeNames: { [word]: '' } }, { notKnown: [word] }]) {
      const left = await read(json(objects((i) => (i % 3 === 0 ? { cause: word } : {}))), said);
      expect(left.report.dropped['no answer']).toBe(4);
      expect(left.report.doubtful).toEqual([]);
    }
  });

  it('NA is no answer where it is rare, and counted', async () => {
    const many = Array.from({ length: 120 }, (_, i) => ({
      description: `Link ${i} is down since ${i} minutes`,
      cause: i === 9 ? 'NA' : CAUSES[i % 3],
    }));
    const { report } = await read(json(many));
    expect(report.dropped['no answer']).toBe(1);
    expect(report.classes).toHaveLength(3);
  });
});

describe('long texts', () => {
  it('are told to be cut, and how much of them is read', async () => {
    const { report, said } = await read(
      json(
        Array.from({ length: 60 }, (_, i) => ({
          description: `Port ${i}: ${'the link went down and came back. '.repeat(900)}`,
          cause: CAUSES[i % 3],
        })),
      ),
    );
    expect(report.textLength?.max).toBe(20_000);
    expect(said).toMatch(/Cells longer than 20000 characters were cut/);
    expect(said).toMatch(
      /60 of 60 texts are longer than the 1200 characters that a model reads of each; the classical/,
    );
  });
});

describe('numberOf', () => {
  it.each<[string, number | null]>([
    ['2,1', 2.1], ['81,577', 81577], ['1.234.567,89', 1234567.89], ["1'234.5", 1234.5], ['12 345', 12345], ['2.10e+00', 2.1],
    ['1,5E-3', 0.0015], ['27.0%', 27], ['-46,5 %', -46.5], ['−3', -3], ['0,000', 0], ['0,123', 0.123], ['.5', 0.5], ['+7', 7],
    ['10.2.0.1', null], ['2026-01-02', null], ['1,2,3', null], ['INC1', null], ['', null], ['-', null], ['%', null], ['1e', null],
  ])('%s', (cell, value) => expect(numberOf(cell)).toBe(value)); // prettier-ignore

  it('reads what any country writes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e9 }),
        fc.integer({ min: 0, max: 99 }),
        fc.constantFrom('en-US', 'de-DE', 'de-CH', 'fr-FR', 'sv-SE', 'pt-BR'),
        (whole, cents, locale) => {
          const value = Number(`${whole}.${String(cents).padStart(2, '0')}`);
          expect(numberOf(value.toLocaleString(locale, { minimumFractionDigits: 2 }))).toBe(value);
        },
      ),
    );
  });
});
