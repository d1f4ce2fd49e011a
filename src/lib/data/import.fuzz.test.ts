import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JoulewiseError } from '../core/errors';
import { Dataset } from '../schema/dataset';
import { parseRecord } from '../schema/record';
import { generateTickets } from './generator';
import { importDataset, previewTable } from './import';
import { bytesSource } from './testing';

const objects = generateTickets({ count: 12, seed: 4 }).map(({ text, cause, response, time }) => ({
  description: text,
  'root cause': cause,
  close_notes: response,
  time,
}));
const cell = (value: string | null) => `"${(value ?? '').replaceAll('"', '""')}"`;
const csv = `description,root cause,close_notes,time\n${objects.map((o) => Object.values(o).map(cell).join(',')).join('\n')}\n`;
const FILES: Readonly<Record<string, Uint8Array>> = {
  'x.csv': Buffer.from(csv),
  'x.tsv': Buffer.from(
    csv
      .replaceAll('","', '"\t"')
      .replace('description,root cause,close_notes,time', 'description\troot cause\tclose_notes\ttime'),
  ),
  'x.json': Buffer.from(JSON.stringify(objects)),
  'pretty.json': Buffer.from(JSON.stringify({ data: objects }, null, 1)),
  'x.jsonl': Buffer.from(objects.map((o) => JSON.stringify(o)).join('\n')),
  'x.csv.gz': gzipSync(csv),
  'x.html': Buffer.from(
    `<table><tr>${Object.keys(objects[0] ?? {})
      .map((name) => `<th>${name}`)
      .join('')}${objects
      .map(
        (o) =>
          `<tr>${Object.values(o)
            .map((value) => `<td>${value}</td>`)
            .join('')}</tr>`,
      )
      .join('')}</table>`,
  ),
  'x.xml': Buffer.from(
    `<?xml version="1.0"?><unload>${objects
      .map(
        (o) =>
          `<incident><description>${o.description}</description><close_code>${o['root cause']}</close_code></incident>`,
      )
      .join('')}</unload>`,
  ),
  'x.xlsx': zipSync({
    'xl/workbook.xml': Buffer.from('<workbook><sheets><sheet name="a" r:id="r"/></sheets></workbook>'),
    'xl/_rels/workbook.xml.rels': Buffer.from(
      '<Relationships><Relationship Id="r" Target="worksheets/a.xml"/></Relationships>',
    ),
    'xl/worksheets/a.xml': Buffer.from(
      `<worksheet><sheetData>${[{ description: 'description', 'root cause': 'cause' }, ...objects]
        .map(
          (o) =>
            `<row>${[o.description, o['root cause']].map((value) => `<c t="inlineStr"><is><t>${value}</t></is></c>`).join('')}</row>`,
        )
        .join('')}</sheetData></worksheet>`,
    ),
  }),
  'utf16.csv': Buffer.from(`\ufeff${csv}`, 'utf16le'),
};

/** Bytes that mean something to a parser are tried more often. */
const evilBytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 8 }),
  fc
    .constantFrom(
      '"',
      ',',
      '\n',
      '\r',
      '\t',
      '{',
      '}',
      '[',
      ']',
      ':',
      '\\',
      '""',
      ',,',
      '\\u',
      'null',
      '[[[[',
      '{"a":',
      '\ufeff',
      '\0',
    )
    .map((s) => Uint8Array.from(Buffer.from(s))),
);
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: evilBytes }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: evilBytes }),
  fc.record({
    kind: fc.constant('cut' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ maxLength: 200 }),
  }),
  fc.record({
    kind: fc.constant('end' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.constant(new Uint8Array()),
  }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

/** How each mutation changes a file at byte `i`. */
const MUTATE: Readonly<Record<Mutation['kind'], (file: Uint8Array, i: number, bytes: Uint8Array) => Uint8Array>> = {
  put: (file, i, bytes) => Buffer.concat([file.subarray(0, i), bytes, file.subarray(i + bytes.length)]),
  insert: (file, i, bytes) => Buffer.concat([file.subarray(0, i), bytes, file.subarray(i)]),
  cut: (file, i, bytes) => Buffer.concat([file.subarray(0, i), file.subarray(i + bytes.length)]),
  end: (file, i) => file.subarray(0, i),
};

/** Either a dataset or a sentence for the user. */
async function survives(file: Uint8Array, name: string): Promise<void> {
  for (const work of [
    async () => {
      const { dataset, report } = await importDataset(bytesSource(file, name, 1000), { seed: 1 });
      parseRecord(Dataset, dataset);
      const dropped = Object.values(report.dropped).reduce((a, n) => a + n, 0);
      expect(report.kept + dropped).toBe(report.rows);
    },
    () => previewTable(bytesSource(file, name)),
  ])
    try {
      await work();
    } catch (error) {
      if (!(error instanceof JoulewiseError)) throw error;
      expect(error.code).toMatch(/^input\./);
      expect(error.message.length).toBeLessThan(5000);
      expect(error.message).toMatch(/[.!?]$/);
    }
}

describe('a mutated file gives a dataset or a clear error', () => {
  it.each(Object.keys(FILES))('%s', async (name) => {
    const file = FILES[name] ?? new Uint8Array();
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 6 }), async (mutations) => {
        const mutated = mutations.reduce<Uint8Array>(
          (f, { kind, at, bytes }) => MUTATE[kind](f, Math.floor(at * f.length), bytes),
          file,
        );
        await survives(mutated, name);
      }),
      { numRuns: 350 },
    );
  });

  it('random bytes under any name', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...Object.keys(FILES)), survives),
      { numRuns: 300 },
    );
  });
});
