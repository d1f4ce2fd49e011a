import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodingNamed, ENCODINGS, guessEncoding } from './encoding';
import { importDataset, previewTable } from './import';
import { bytesSource } from './testing';

/** Sentences of ticket desks, by encoding, as bytes in base64: Python's codecs wrote them. */
const SAMPLES = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/encodings.json', import.meta.url), 'utf8'),
) as { encoding: string; language: string; text: string; base64: string }[];

const CAUSES = ['Fibre cut', 'Power', 'Config'];
const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const ascii = (text: string) => new TextEncoder().encode(text);

/** A CSV of 30 tickets whose texts are in another encoding than UTF-8, behind so many rows of ASCII. */
function file(sample: Uint8Array, asciiRows = 0) {
  const row = (i: number, text: Uint8Array) => joined(ascii(`${i},"`), text, ascii(`","${CAUSES[i % 3]}"\n`));
  const parts = [ascii('id,description,cause\n')];
  for (let i = 0; i < asciiRows; i++) parts.push(row(i, ascii(`Port ${i} of the switch is down since ${i} minutes`)));
  for (let i = 0; i < 30; i++) parts.push(row(asciiRows + i, joined(sample, ascii(` (port ${i})`))));
  return bytesSource(joined(...parts));
}

describe('guessEncoding', () => {
  it.each(SAMPLES)('$encoding, $language', async ({ encoding, text, base64 }) => {
    const bytes = bytesOf(base64);
    const guess = await guessEncoding(bytes);
    // Sisters (ISO and Windows) differ in letters that a text may lack: what is read counts.
    expect([guess.encoding, new TextDecoder(guess.encoding).decode(bytes)]).toEqual([expect.any(String), text]);
    expect(new TextDecoder(encoding).decode(bytes)).toBe(text);
    expect(guess.other).not.toBe(guess.encoding);
  });

  it('takes Western letters where nothing is likely', async () => {
    expect((await guessEncoding(Uint8Array.of(0xe9))).encoding).toBe('windows-1252');
    expect((await guessEncoding(new Uint8Array(0))).encoding).toBe('windows-1252');
  });
});

describe('files that are not UTF-8', () => {
  it.each(SAMPLES)('$encoding, $language, are read and the guess is told', async ({ text, base64 }) => {
    const { dataset, report } = await importDataset(file(bytesOf(base64)), { seed: 1, redact: false });
    expect(dataset.tickets[0]?.text).toBe(`${text} (port 0)`);
    expect(report.warnings.join(' ')).toContain(`look like ${report.encoding}`);
  });

  it('that begin with long ASCII are read again from the first letter that is none', async () => {
    const { base64, text } = SAMPLES.find(({ encoding }) => encoding === 'windows-1251') as (typeof SAMPLES)[number];
    const { dataset, report } = await importDataset(file(bytesOf(base64), 2000), { seed: 1, redact: false });
    expect(report.encoding).toBe('windows-1251');
    expect(dataset.tickets.at(-1)?.text).toBe(`${text} (port 29)`);
  });

  it('are read as a person says, without a guess', async () => {
    const { base64 } = SAMPLES.find(({ encoding }) => encoding === 'windows-1251') as (typeof SAMPLES)[number];
    const said = await importDataset(file(bytesOf(base64)), { seed: 1, redact: false, encoding: 'koi8-r' });
    expect(said.report.encoding).toBe('koi8-r');
    expect(said.report.warnings.join(' ')).not.toContain('look like');
    const seen = await previewTable(file(bytesOf(base64)), { encoding: 'CP1251' });
    expect([seen.encoding, seen.encodingGuessed]).toEqual(['windows-1251', false]);
    expect((await previewTable(file(bytesOf(base64)))).encodingGuessed).toBe(true);
  });

  it('tell letters that could not be read', async () => {
    const { base64 } = SAMPLES.find(({ encoding }) => encoding === 'windows-1252') as (typeof SAMPLES)[number];
    const options = { seed: 1, redact: false, encoding: 'utf-8' };
    const { report } = await importDataset(file(bytesOf(base64), 600), options);
    expect(report.warnings.join(' ')).toMatch(/30 of 630 tickets hold "�"/);
    await expect(importDataset(file(bytesOf(base64)), options)).rejects.toThrow(/is no text in utf-8/);
    await expect(importDataset(file(bytesOf(base64)), { seed: 1, encoding: 'klingon' })).rejects.toThrow(
      /Encoding "klingon" is not known. Write one of windows-1252/,
    );
  });

  it('have encodings to choose from that browsers decode', () => {
    for (const [name] of ENCODINGS) expect(encodingNamed(name)).toBe(name);
  });
});
