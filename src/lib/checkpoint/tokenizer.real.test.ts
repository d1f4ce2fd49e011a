import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { JoulewiseError } from '../core/errors';
import { createTokenizer } from './tokenizer';

const folder = new URL('../../../../shared/cases/t02-tokenizer-set/', import.meta.url);
const missing = !existsSync(folder);
if (missing)
  console.warn('Skipped: ../shared/cases is absent, so 37 tokenizers are not held against the Rust library.');

interface Cases {
  texts: string[];
  ids: Record<string, number[][]>;
}
const cases = missing ? null : (JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as Cases);
const names = missing
  ? []
  : readdirSync(folder)
      .filter((file) => file.endsWith('.json') && file !== 'cases.json')
      .map((file) => file.replace(/\.json$/, ''));
/** Kinds that the library refuses itself, by their name. */
const REFUSED: Readonly<Record<string, RegExp>> = { 'null-normal': /Nmt|normalizer/i, uscript: /UnicodeScripts/ };

describe.skipIf(missing)('tokenizers of every make', () => {
  it.each(names)('%s gives the ids of the Rust library, or is refused', (name) => {
    const tokenizer = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Record<string, unknown>;
    let made;
    try {
      made = createTokenizer({ tokenizer, config: {} });
    } catch (error) {
      if (!(error instanceof JoulewiseError)) throw error;
      expect(error.message).toMatch(REFUSED[name] ?? /nothing is refused here/);
      return;
    }
    const wrong = (cases?.texts ?? []).flatMap((text, i) => {
      const [got, want] = [made.piece(text), cases?.ids[name]?.[i]];
      return JSON.stringify(got) === JSON.stringify(want) ? [] : [{ text, got, want }];
    });
    expect(wrong).toEqual([]);
  });
});
