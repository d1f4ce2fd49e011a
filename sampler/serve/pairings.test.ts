import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Door } from './door';
import { pairingsIn } from './pairings';

it('a token that another process gave or ended counts at once, and no token lies in the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'joulewise-sampler-'));
  try {
    const file = join(folder, 'deep', 'sampler.json');
    const [serving, terminal] = [new Door(pairingsIn(file), () => 0), new Door(pairingsIn(file), () => 0)];
    const page = serving.issue('https://page.example');
    const token = terminal.issue(null);
    expect(serving.knows(token, null)).toBe(true);
    expect(serving.knows(page, 'https://page.example')).toBe(true);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain(token);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o077).toBe(0);
    expect(terminal.revokeAll()).toBe(2);
    expect(serving.knows(token, null)).toBe(false);
    expect(serving.knows(page, 'https://page.example')).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
