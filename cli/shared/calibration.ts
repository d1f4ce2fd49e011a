import { readFileSync } from 'node:fs';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import type { Driver } from './browser';
import { existing, ticketFile } from './context';

/** The `text` of each line of a JSONL file. */
export function textsOf(path: string): string[] {
  const texts: string[] = [];
  for (const [i, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (!line.trim()) continue;
    let row: { text?: unknown } | null;
    try {
      row = JSON.parse(line) as { text?: unknown } | null;
    } catch {
      throw new JoulewiseError('input.format', `Line ${i + 1} of ${quote(path)} is not JSON.`);
    }
    if (typeof row?.text !== 'string')
      throw new JoulewiseError('input.columns', `Line ${i + 1} of ${quote(path)} has no "text". Each line needs one.`);
    texts.push(row.text);
  }
  return texts;
}

/** Texts of `--calib`: JSONL with `text`, or a ticket file, whose columns are guessed. Null where none was given. */
export async function calibrationTexts(d: Driver, given: string | null): Promise<{ texts: string[] } | null> {
  if (given === null) return null;
  const path = existing(given, 'Calibration file');
  if (path.endsWith('.jsonl')) return { texts: textsOf(path) };
  const { dataset } = await d.call('importTickets', {
    file: ticketFile(d, path),
    mapping: null,
    redact: true,
    seed: 1,
  });
  return { texts: dataset.tickets.map((t) => t.text) };
}
