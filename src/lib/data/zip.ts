/** What of a workbook is looked at before its reader is loaded. */
import { chunksOf, type ImportSource } from './text-stream';

const MAGIC = [0x50, 0x4b, 3, 4] as const;

/** Whether a file begins as zip archives do. */
export async function isZip(source: ImportSource): Promise<boolean> {
  const head: number[] = [];
  try {
    for await (const chunk of chunksOf(source.stream())) {
      head.push(...chunk.subarray(0, MAGIC.length - head.length));
      if (head.length >= MAGIC.length) break;
    }
  } catch {
    // What cannot be read is said where the text is looked at.
    return false;
  }
  return MAGIC.every((byte, i) => head[i] === byte);
}
