import { readFileSync, statSync } from 'node:fs';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import { parseRecord } from '../../src/lib/schema/record';
import { SharedRecipe, SharedResult } from '../../src/lib/schema/result';
import { decodeLink, encodeLink } from '../../src/lib/link/codec';
import { parseArgs } from '../shared/args';
import { existing } from '../shared/context';
import { print, say } from '../shared/print';

const MAX_FILE_BYTES = 256 * 2 ** 20;

/** `link FILE`: a result file of `run`, or a shared record, as a link. */
export async function link(argv: readonly string[]): Promise<void> {
  const [file, ...more] = parseArgs(argv, {}).positional;
  if (file === undefined || more.length)
    throw new JoulewiseError('option.invalid', 'Say which file to link: joulewise link FILE.');
  const path = existing(file, 'File');
  if (statSync(path).size > MAX_FILE_BYTES)
    throw new JoulewiseError('input.too-large', `File ${quote(file)} is larger than 256 MiB.`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new JoulewiseError(
      'input.format',
      `File ${quote(file)} is not JSON. Give a file that "joulewise run --out" wrote.`,
      { cause },
    );
  }
  const shared = (value as { shared?: unknown } | null)?.shared ?? value;
  const kind = (shared as { kind?: unknown } | null)?.kind;
  const record = kind === 'recipe' ? parseRecord(SharedRecipe, shared) : parseRecord(SharedResult, shared);
  const text = `${process.env['JOULEWISE_SITE'] ?? 'http://localhost:4173'}/r#${await encodeLink(record)}`;
  print(text);
  say(`${text.length} characters.`);
}

/** `unlink URL`: what a link carries, as JSON. */
export async function unlink(argv: readonly string[]): Promise<void> {
  const [url, ...more] = parseArgs(argv, {}).positional;
  if (url === undefined || more.length)
    throw new JoulewiseError('option.invalid', 'Say which link to read: joulewise unlink URL.');
  print(JSON.stringify(await decodeLink(url), null, 2));
}
