import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** What set-up prints while it runs a command that prints 300 lines and ends with `code`, and whether it went well. */
function setUpPrints(code: number) {
  const chatty = `for (let i = 0; i < 300; i++) (i % 2 ? process.stdout : process.stderr).write('line ' + i + '\\n'); process.exitCode = ${code}`;
  const script = `import('./setup.mjs').then(({ runQuietly }) => (process.exitCode = runQuietly(process.execPath, ['-e', ${JSON.stringify(chatty)}]) ? 0 : 3))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
  });
  return { status, printed: stdout + stderr };
}

it('prints nothing of a step that goes well, and all of one that fails', () => {
  expect(setUpPrints(0)).toEqual({ status: 0, printed: '' });
  const { status, printed } = setUpPrints(1);
  expect(status).toBe(3);
  for (let i = 0; i < 300; i++) expect(printed).toMatch(new RegExp(`^line ${i}$`, 'm'));
});
