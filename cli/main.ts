import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { JoulewiseError } from '../src/lib/core/errors';
import type { CheckpointRef } from '../src/lib/schema/plan';
import { parseArgs } from './args';
import { drive, type Driver } from './browser';
const [command, ...rest] = process.argv.slice(2);
const a = parseArgs(rest, {
  checkpoint: 'text',
  variant: 'text',
  'text-file': 'text',
  engine: 'text',
  threads: 'whole',
  prompt: 'text',
  tokens: 'whole',
  swiftshader: 'flag',
});
async function checkpoint(d: Driver, path: string | null): Promise<CheckpointRef> {
  if (!path || path === 'builtin') return { kind: 'builtin' };
  const p = resolve(path);
  if (!existsSync(p)) throw new JoulewiseError('input.unreadable', `no ${path}`);
  const files = statSync(p).isDirectory() ? readdirSync(p).map((f) => join(p, f)) : [p];
  return d.call('storeServed', { name: path, files: files.map((f) => d.server.share(f)) });
}
const d = await drive({ swiftshader: a.flag('swiftshader'), profile: '/work/tmp/profile' });
try {
  if (command === 'device') console.log(await d.call('probe'));
  else {
    const t0 = Date.now();
    const ref = await checkpoint(d, a.text('checkpoint'));
    console.error('stored', Date.now() - t0);
    for (const recipe of (a.text('variant') ?? 'fp32').split(',')) {
      const base = {
        checkpoint: ref,
        recipe,
        engine: a.text('engine') ?? 'ort-cpu',
        threads: a.text('threads') ? a.whole('threads', 2) : null,
      };
      try {
        if (command === 'eval') {
          const { tokenIds, ...r } = await d.call<Record<string, unknown>>('evaluate', {
            ...base,
            text: readFileSync(a.need('text-file'), 'utf8').replace(/\n$/, ''),
          });
          console.log(JSON.stringify(r));
        } else {
          const r = await d.call<Record<string, unknown>>('generate', {
            ...base,
            prompt: a.need('prompt'),
            chat: false,
            maxNewTokens: a.whole('tokens', 32),
            ignoreStop: true,
          });
          console.log(JSON.stringify(r));
        }
      } catch (e) {
        console.log(recipe, String(e));
      }
    }
  }
} finally {
  await d.close();
}
