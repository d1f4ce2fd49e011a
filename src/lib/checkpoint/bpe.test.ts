import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { trainBpe } from './bpe';
import { createTokenizer } from './tokenizer';

/** What Hugging Face's tokenizers learn (tests/oracle/bpe.py). */
const reference = JSON.parse(readFileSync('tests/fixtures/bpe.json', 'utf8')) as {
  size: number;
  special: string[];
  texts: string[];
  vocab: Record<string, number>;
  merges: [string, string][];
};

describe('a tokenizer learnt from texts', () => {
  it('has the merges and the ids of Hugging Face, in their order', () => {
    const { model } = trainBpe(reference.texts, reference) as { model: Pick<typeof reference, 'vocab' | 'merges'> };
    expect(model.merges).toEqual(reference.merges);
    expect(model.vocab).toEqual(reference.vocab);
  });

  it('gives every text back, seen or not', () => {
    const tokenizer = createTokenizer({
      tokenizer: trainBpe(reference.texts, reference),
      config: { clean_up_tokenization_spaces: false },
    });
    for (const text of [...reference.texts, 'Quite another 98 % text,\n\ttabs and 한국어'])
      expect(tokenizer.decode(tokenizer.piece(text))).toBe(text);
  });

  it('has fewer tokens than asked for where there is nothing left to merge', () => {
    const { model } = trainBpe(['ab ab'], { size: 400, special: [] }) as { model: Pick<typeof reference, 'merges'> };
    expect(model.merges).toEqual([
      ['a', 'b'],
      ['Ġ', 'ab'],
    ]);
  });
});
