import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name of a folder's files by content: SHA-256 over their names and their own SHA-256. */
export const folderHash = (folder: string): string =>
  createHash('sha256')
    .update(
      readdirSync(folder)
        .sort()
        .map(
          (name) =>
            `${name}:${createHash('sha256')
              .update(readFileSync(join(folder, name)))
              .digest('hex')}`,
        )
        .join('\n'),
    )
    .digest('hex');
