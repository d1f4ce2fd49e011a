// What a browser keeps of the built site for offline use: every file with its hash, in `precache.json`. The service
// worker fetches them as one version. Plain JavaScript on purpose: svelte.config.js runs it after the build.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Larger files (runtimes of engines that few use) are kept when they are first used. */
const MAX_BYTES = 8 * 2 ** 20;
/** What hosts and the command line read, the bench among it, and the worker itself. */
const APART =
  /^(?:_headers|_redirects|drive\.html|precache\.json|service-worker\.js|_app\/immutable\/workers\/bench\.worker-[^/]*)$/;

/** `compare.html` is asked for as `compare`, `index.html` as the root. */
const addressOf = (file) =>
  file === '404.html' ? file : file.replace(/(?:^|(?<=\/))index\.html$/, '').replace(/\.html$/, '');

/** @param {string} site folder of the built site */
export function writePrecache(site) {
  const { version } = JSON.parse(readFileSync(join(site, '_app', 'version.json'), 'utf8'));
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !APART.test(path))
    .filter((path) => {
      const stat = statSync(join(site, path));
      return stat.isFile() && stat.size <= MAX_BYTES;
    })
    .sort()
    .map((path) => ({
      path: addressOf(path),
      hash: createHash('sha256')
        .update(readFileSync(join(site, path)))
        .digest('hex'),
    }));
  writeFileSync(join(site, 'precache.json'), JSON.stringify({ version, files }));
}
