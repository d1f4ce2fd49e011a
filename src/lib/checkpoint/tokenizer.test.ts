import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from './checkpoint';
import type { GgufValue } from './gguf';
import { createTokenizer, mergesFromScores, tokenizerFromGguf, type TokenizerFiles } from './tokenizer';
import { fileSet } from './testing';

const fixture = <T>(name: string) => JSON.parse(readFileSync(`tests/fixtures/checkpoint/${name}`, 'utf8')) as T;

interface Texts {
  texts: { text: string; ids: number[] }[];
}

describe('gpt2 kind', () => {
  const open = async () =>
    createTokenizer(
      (await openCheckpoint(fileSet({ 'tiny.gguf': readFileSync('tests/fixtures/checkpoint/tiny.gguf') }))).tokenizer,
    );

  it('encodes as the tokenizers library does, and decodes back', async () => {
    const tokenizer = await open();
    for (const { text, ids } of fixture<Texts>('tiny.json').texts) {
      expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids });
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  it('goes through the chat template, whose special tokens are one id each', async () => {
    const tokenizer = await open();
    expect(tokenizer.hasTemplate).toBe(true);
    const ids = tokenizer.chat([{ role: 'user', content: 'link' }]);
    expect(ids).toEqual([
      1,
      ...tokenizer.piece('user\nlink'),
      2,
      ...tokenizer.piece('\n'),
      1,
      ...tokenizer.piece('assistant\n'),
    ]);
    expect(tokenizer.decode(ids)).not.toContain('<|im_start|>');
  });
});

describe('SentencePiece kind', () => {
  const f = fixture<Texts & { tokens: string[]; types: number[]; scores: number[] }>('sentencepiece.json');
  const metadata = (more: Record<string, GgufValue> = {}) =>
    new Map<string, GgufValue>(
      Object.entries({
        'tokenizer.ggml.model': 'llama',
        'tokenizer.ggml.tokens': f.tokens,
        'tokenizer.ggml.token_type': Float64Array.from(f.types),
        'tokenizer.ggml.scores': Float64Array.from(f.scores),
        'tokenizer.ggml.bos_token_id': 1,
        'tokenizer.ggml.eos_token_id': 2,
        'tokenizer.ggml.unknown_token_id': 0,
        ...more,
      }),
    );

  it('encodes as SentencePiece does: best score first, bytes for what is unknown', () => {
    const tokenizer = createTokenizer(tokenizerFromGguf(metadata()));
    for (const { text, ids } of f.texts) {
      expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids });
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  it('adds a BOS only where the file says so, and none to a piece of an answer', () => {
    const without = createTokenizer(tokenizerFromGguf(metadata({ 'tokenizer.ggml.add_bos_token': false })));
    const text = f.texts[0]?.text ?? '';
    expect(without.encode(text)).toEqual(f.texts[0]?.ids.slice(1));
    expect(createTokenizer(tokenizerFromGguf(metadata())).piece(text)).toEqual(f.texts[0]?.ids.slice(1));
  });

  it('derives merges from scores, better first', () => {
    expect(mergesFromScores(['a', 'b', 'c', 'ab', 'abc', 'bc'], Float64Array.of(0, 0, 0, -1, -3, -2))).toEqual([
      'a b',
      'b c',
      'a bc',
      'ab c',
    ]);
  });
});

describe('refusals', () => {
  const base: Record<string, GgufValue> = {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.tokens': ['a'],
    'tokenizer.ggml.merges': [],
    'tokenizer.ggml.pre': 'gpt-2',
  };
  it.each([
    [{ 'tokenizer.ggml.model': 'bert' }, /"bert" is not known here\. Known: gpt2, llama/],
    [{ 'tokenizer.ggml.model': 'toString' }, /"toString" is not known here/],
    [{ 'tokenizer.ggml.pre': 'falcon' }, /pre-tokenizer "falcon" is not known here\. Known: gpt-2/],
    [{ 'tokenizer.ggml.pre': 'default' }, /"tokenizer\.ggml\.pre" is "default"/],
    [{ 'tokenizer.ggml.tokens': [] }, /no tokenizer vocabulary/],
    [{ 'tokenizer.ggml.merges': 3 }, /no tokenizer merges/],
    [{ 'tokenizer.ggml.model': 'llama' }, /no tokenizer scores/],
  ])('%j', (changed, sentence) => {
    const metadata = new Map<string, GgufValue>(Object.entries({ ...base, ...changed }));
    expect(() => tokenizerFromGguf(metadata)).toThrow(sentence);
  });

  it('a tokenizer.json of another make is refused in a sentence', () => {
    expect(() => createTokenizer({ tokenizer: { model: { type: 'Nonsense' } }, config: {} })).toThrow(
      /tokenizer cannot be used/,
    );
    expect(() => createTokenizer({ tokenizer: {}, config: {} })).toThrow(/tokenizer cannot be used/);
  });
});

describe('what a checkpoint says of chats and spaces', () => {
  const files = async (config: Record<string, unknown>): Promise<TokenizerFiles> => {
    const { tokenizer } = await openCheckpoint(
      fileSet({ 'tiny.gguf': readFileSync('tests/fixtures/checkpoint/tiny.gguf') }),
    );
    return { tokenizer: tokenizer.tokenizer, config: { ...tokenizer.config, ...config } };
  };
  const chat = [
    { role: 'system', content: 'Name the cause.' },
    { role: 'user', content: 'link down' },
  ] as const;
  const RAISES =
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}{% for m in messages %}{{ m['content'] }}{% endfor %}";
  const DROPS = "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}";

  it.each([
    [RAISES, /refuses the system message/],
    [DROPS, /leaves out the system message/],
  ])(
    "a system message that a template does not write stands before the user's, and that is said: %s",
    async (template, says) => {
      const tokenizer = createTokenizer(await files({ chat_template: template }));
      expect(tokenizer.decode(tokenizer.chat(chat))).toBe('Name the cause.\n\nlink down');
      expect(tokenizer.notes.join()).toMatch(says);
      expect(createTokenizer(await files({})).notes).toEqual([]);
    },
  );

  it('a template that refuses everything is refused in a sentence', async () => {
    const tokenizer = createTokenizer(await files({ chat_template: "{{ raise_exception('never') }}" }));
    expect(() => tokenizer.chat(chat)).toThrow(/chat template cannot write a prompt: "never"/);
  });

  it.each([undefined, false, true])('spaces before commas stay (%s)', async (said) => {
    const tokenizer = createTokenizer(await files(said === undefined ? {} : { clean_up_tokenization_spaces: said }));
    expect(tokenizer.decode(tokenizer.piece("ls . / , do n't"))).toBe("ls . / , do n't");
  });

  it('a boolean is joined to a text as Python spells it', async () => {
    const template = "{% for m in messages %}{{ loop.first ~ '-' ~ m['content'] }}{{ true }}{% endfor %}";
    const tokenizer = createTokenizer(await files({ chat_template: template }));
    expect(tokenizer.decode(tokenizer.chat([{ role: 'user', content: 'x' }]))).toBe('True-xTrue');
  });
});
