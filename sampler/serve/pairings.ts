import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Pairing, PairingStore } from './door';

/**
 * Pairings in a file that only its owner may read. Read at every question: another process gives tokens (`token`) and ends
 * them (`forget`) while this one serves.
 */
export const pairingsIn = (file: string): PairingStore => ({
  read() {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Pairing[];
    } catch {
      return [];
    }
  },
  write(pairings) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Whole or not at all: a reader never meets half a file.
    writeFileSync(`${file}.new`, JSON.stringify(pairings, null, 1), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  },
});
