import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BUILTIN_HASH } from '../src/lib/store/checkpoints';
import { folderHash } from './folder-hash';

it('names a folder by its content, and the built-in checkpoint by its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'joulewise-hash-'));
  try {
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return folderHash(folder);
    };
    const first = write('a', 'weights');
    expect(write('a', 'other weights')).not.toBe(first);
    expect(write('a', 'weights')).toBe(first);
    expect(write('b', '')).not.toBe(first);
    expect(BUILTIN_HASH).toBe(folderHash('static/builtin'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
