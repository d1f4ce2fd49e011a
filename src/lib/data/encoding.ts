/** Which encoding a text is in that is not Unicode: by what a person says, else by the letters that its bytes would be. */
import { JoulewiseError, quote } from '../core/errors';

/** What a person may choose from; by the names of the Encoding Standard (encoding.spec.whatwg.org), which browsers decode. */
export const ENCODINGS = [
  ['windows-1252', 'Western Europe'],
  ['windows-1250', 'Central Europe'],
  ['iso-8859-2', 'Central Europe, ISO'],
  ['windows-1251', 'Cyrillic'],
  ['koi8-r', 'Cyrillic, KOI8'],
  ['windows-1253', 'Greek'],
  ['windows-1254', 'Turkish'],
  ['windows-1255', 'Hebrew'],
  ['windows-1256', 'Arabic'],
  ['windows-1257', 'Baltic'],
  ['windows-1258', 'Vietnamese'],
  ['windows-874', 'Thai'],
  ['shift_jis', 'Japanese'],
  ['euc-jp', 'Japanese, EUC'],
  ['gb18030', 'Chinese'],
  ['big5', 'Chinese, Big5'],
  ['euc-kr', 'Korean'],
  ['utf-8', 'Unicode'],
  ['utf-16le', 'Unicode, 16 bits'],
  ['utf-16be', 'Unicode, 16 bits, big-endian'],
] as const;

/** The Encoding Standard's name of a label, lower case. Throws `option.unknown` where it knows none. */
export function encodingNamed(label: string): string {
  try {
    return new TextDecoder(label).encoding;
  } catch (cause) {
    throw new JoulewiseError(
      'option.unknown',
      `Encoding ${quote(label)} is not known. Write one of ${ENCODINGS.map(([name]) => name).join(', ')}.`,
      { cause },
    );
  }
}

/** An encoding that bytes are likely in, and the next likely one, which another group of languages uses. */
export interface EncodingGuess {
  encoding: string;
  other: string | null;
}

/** Western files are the most frequent, and every byte is a letter there: what is taken where nothing else is likely. */
const USUAL = 'windows-1252';

/** Signs that stand for bytes without a letter, as a share of what was decoded, up to which a text may be in an encoding: bytes are cut. */
const MAX_UNREADABLE = 0.002;

const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const BESIDE =
  /(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef]){2,}/gu;

/** Whether letters of East Asia stand beside each other, as they do in such texts; in a European text read as one they stand alone. */
function standsTogether(text: string): boolean {
  const wide = text.match(WIDE)?.length ?? 0;
  const beside = (text.match(BESIDE) ?? []).reduce((n, run) => n + Array.from(run).length, 0);
  return wide === 0 || beside > 0.8 * wide;
}

/** Whether bytes keep to the rules of an encoding. */
function decodes(label: string, bytes: Uint8Array<ArrayBuffer>): boolean {
  const text = new TextDecoder(label).decode(bytes, { stream: true });
  return (text.match(/\ufffd/g)?.length ?? 0) <= MAX_UNREADABLE * text.length && standsTogether(text);
}

/**
 * Guesses from bytes that hold many letters outside ASCII. `chardet` ranks (frequent letter triples and byte pairs, as in
 * ICU); of its list the first that fits is taken, since it ranks Polish below Big5.
 */
export async function guessEncoding(bytes: Uint8Array<ArrayBuffer>): Promise<EncodingGuess> {
  const { analyse } = await import('chardet');
  const likely = analyse(bytes).flatMap(({ name }) => {
    try {
      const encoding = encodingNamed(name);
      return !encoding.startsWith('utf-') && decodes(encoding, bytes) ? [encoding] : [];
    } catch {
      // Of an encoding that browsers do not decode.
      return [];
    }
  });
  const [encoding = USUAL, ...others] = new Set(likely);
  return { encoding, other: others[0] ?? (encoding === USUAL ? null : USUAL) };
}

/** Bytes around those outside ASCII; a guess needs no more, and most of a log is ASCII. */
const AROUND = 24;
const ENOUGH = 65_536;

/** The parts of a stream that hold letters outside ASCII, with some bytes around them, joined; at most 64 KiB. */
export async function telling(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(ENOUGH);
  let size = 0;
  for await (const chunk of chunks) {
    let end = 0;
    for (let i = 0; i < chunk.length && size < ENOUGH; i++) {
      if ((chunk[i] as number) < 0x80) continue;
      const from = Math.max(end, i - AROUND);
      end = i + 1;
      while (end < chunk.length && (chunk[end] as number) >= 0x80) end++;
      end = Math.min(chunk.length, end + AROUND);
      const part = chunk.subarray(from, end).subarray(0, ENOUGH - size);
      out.set(part, size);
      size += part.length;
      i = end - 1;
    }
    if (size === ENOUGH) break;
  }
  return out.subarray(0, size);
}
