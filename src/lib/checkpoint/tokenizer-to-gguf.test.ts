import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GgufValue } from './gguf';
import type { GgufField } from './gguf-write';
import { createTokenizer, tokenizerFromGguf, type TokenizerFiles } from './tokenizer';
import { tokenizerToGguf } from './tokenizer-to-gguf';

const fixture = <T>(name: string) => JSON.parse(readFileSync(`tests/fixtures/checkpoint/${name}`, 'utf8')) as T;
/** What the reader makes of written fields. */
const asRead = (fields: ReadonlyMap<string, GgufField>) =>
  new Map<string, GgufValue>(
    [...fields].map(([key, { type, value }]) => [
      key,
      type === 'i32s' || type === 'f32s' ? Float64Array.from(value) : (value as GgufValue),
    ]),
  );
const BUILTIN: TokenizerFiles = {
  tokenizer: JSON.parse(readFileSync('static/builtin/tokenizer.json', 'utf8')) as Record<string, unknown>,
  config: JSON.parse(readFileSync('static/builtin/tokenizer_config.json', 'utf8')) as Record<string, unknown>,
};
const changed = (tokenizer: Record<string, unknown>, config: Record<string, unknown> = {}): TokenizerFiles => ({
  tokenizer: { ...BUILTIN.tokenizer, ...tokenizer },
  config: { ...BUILTIN.config, ...config },
});
const NO_IDS = { bos: null, eos: [] };

describe('tokenizer.json as GGUF metadata', () => {
  it('byte-level BPE: names its pre-tokenizer, and reads back with the same ids', () => {
    const { fields, notes } = tokenizerToGguf(BUILTIN, 2048, { bos: null, eos: [2] });
    expect(notes).toEqual([]);
    expect(fields.get('tokenizer.ggml.pre')).toEqual({ type: 'string', value: 'smollm' });
    expect(fields.get('tokenizer.ggml.eos_token_id')).toEqual({ type: 'u32', value: 2 });
    expect(fields.get('tokenizer.ggml.padding_token_id')).toEqual({ type: 'u32', value: 0 });
    const [a, b] = [createTokenizer(BUILTIN), createTokenizer(tokenizerFromGguf(asRead(fields)))];
    for (const text of ['The router restarts 3 times a day.', 'Zürich\n\tok', '<|im_start|>user'])
      expect(b.encode(text)).toEqual(a.encode(text));
  });

  it('SentencePiece BPE: the ranks of merges become scores that merge in the same order', () => {
    const f = fixture<{
      tokens: string[];
      types: number[];
      scores: number[];
      texts: { text: string; ids: number[] }[];
    }>('sentencepiece.json');
    const source = tokenizerFromGguf(
      new Map<string, GgufValue>(
        Object.entries({
          'tokenizer.ggml.model': 'llama',
          'tokenizer.ggml.tokens': f.tokens,
          'tokenizer.ggml.token_type': Float64Array.from(f.types),
          'tokenizer.ggml.scores': Float64Array.from(f.scores),
          'tokenizer.ggml.bos_token_id': 1,
          'tokenizer.ggml.eos_token_id': 2,
          'tokenizer.ggml.unknown_token_id': 0,
        }),
      ),
    );
    const { fields } = tokenizerToGguf(source, f.tokens.length, { bos: 1, eos: [2] });
    expect(fields.get('tokenizer.ggml.model')).toEqual({ type: 'string', value: 'llama' });
    expect(fields.get('tokenizer.ggml.add_bos_token')).toEqual({ type: 'bool', value: true });
    expect(fields.get('tokenizer.ggml.add_space_prefix')).toEqual({ type: 'bool', value: true });
    const types = fields.get('tokenizer.ggml.token_type')?.value as number[];
    expect(types.slice(0, 4)).toEqual([2, 3, 3, 6]);
    const back = createTokenizer(tokenizerFromGguf(asRead(fields)));
    for (const { text, ids } of f.texts) expect({ text, ids: back.encode(text) }).toEqual({ text, ids });
  });

  it('fills rows that no token has, and says which tokens had no row', () => {
    const more = tokenizerToGguf(BUILTIN, 2050, NO_IDS);
    expect((more.fields.get('tokenizer.ggml.tokens')?.value as string[]).at(-1)).toBe('[PAD2049]');
    expect((more.fields.get('tokenizer.ggml.token_type')?.value as number[]).at(-1)).toBe(5);
    const fewer = tokenizerToGguf(BUILTIN, 2040, NO_IDS);
    expect(fewer.notes).toEqual(['8 tokens beyond the 2040 rows of the embedding are left out.']);
  });

  it('keeps up to three end tokens, the tokenizer’s own first', () => {
    const { fields, notes } = tokenizerToGguf(BUILTIN, 2048, { bos: 1, eos: [0, 2, 5, 6] });
    const id = (key: string) => fields.get(`tokenizer.ggml.${key}`)?.value;
    expect([id('bos_token_id'), id('eos_token_id'), id('eot_token_id'), id('eom_token_id')]).toEqual([1, 2, 0, 5]);
    expect(notes[0]).toContain('three end tokens; of 4');
  });

  it.each([
    [{ model: { type: 'Unigram' } }, /its kind is "Unigram", not BPE/],
    [{ pre_tokenizer: { type: 'Whitespace' } }, /none of the ways that have a name there \(gpt-2, smollm/],
    [{ normalizer: { type: 'Lowercase' } }, /its normalizer "Lowercase" has no name/],
  ])('%j is refused in a sentence that says what to do', (tokenizer, sentence) => {
    const write = () => tokenizerToGguf(changed(tokenizer), 2048, NO_IDS);
    expect(write).toThrow(sentence);
    expect(write).toThrow(/Export the variant as ONNX\./);
  });

  it('says what llama.cpp does differently', () => {
    const { notes } = tokenizerToGguf(changed({ normalizer: { type: 'NFC' } }), 2048, NO_IDS);
    expect(notes[0]).toContain('NFC');
  });
});
