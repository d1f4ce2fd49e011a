#!/usr/bin/env node
// The layers of docs/architecture.md, one way: a file may import from its own folder and from layers below. Exits 1 with
// the offending lines.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const lib = join(root, 'src', 'lib');

/** Lowest first. Stages on one line may not import each other; a stage may import those on lines above it. */
const LAYERS = [
  ['core'],
  ['matrix', 'tensor', 'schema'],
  ['data', 'checkpoint', 'score', 'meter', 'device'],
  ['block', 'cpu', 'wgsl', 'compress', 'graph', 'rank'],
  ['decoder', 'calibrate', 'share'],
  ['variant'],
  ['engine', 'export', 'forecast'],
  ['plan'],
  ['measure'],
  ['store'],
  ['workers'],
  ['texts'],
  ['report'],
  ['state'],
  ['ui'],
  ['routes'],
];
const level = new Map(LAYERS.flatMap((names, i) => names.map((name) => [name, i])));

/** What a stage must not touch: it runs in Node, in workers and in the command line alike. */
const PURE_BELOW = LAYERS.findIndex((names) => names.includes('store'));
const IMPURE = /^(?:svelte|@sveltejs|idb|\$app)/;

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (/\.(?:ts|svelte|js)$/.test(entry.name)) yield path;
  }
}

function folderOf(path) {
  if (path.startsWith(join(root, 'src', 'routes') + sep)) return 'routes';
  if (!path.startsWith(lib + sep)) return null;
  return relative(lib, path).split(sep)[0];
}

const faults = [];
let checked = 0;
for (const path of files(join(root, 'src'))) {
  const from = folderOf(path);
  if (from === null) continue;
  const here = relative(root, path);
  if (!level.has(from)) {
    faults.push(`${here}: folder "${from}" has no layer; add it to tests/layers.mjs and docs/architecture.md.`);
    continue;
  }
  const text = readFileSync(path, 'utf8');
  for (const [, target] of text.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)['"]([^'"]+)['"]/g)) {
    checked++;
    if (IMPURE.test(target) && level.get(from) < PURE_BELOW && !path.endsWith('.test.ts'))
      faults.push(`${here}: a stage imports ${target}.`);
    const local = target.startsWith('$lib/')
      ? join(lib, target.slice(5))
      : target.startsWith('.')
        ? resolve(dirname(path), target)
        : null;
    const to = local && folderOf(local.split('?')[0] + (posix.extname(local) ? '' : '.ts'));
    if (!to || to === from || !level.has(to)) continue;
    if (level.get(to) >= level.get(from))
      faults.push(`${here}: "${from}" imports "${to}" (${target}), which is not below it.`);
  }
}
for (const fault of faults) console.error(fault);
console.log(`Layers: ${checked} imports checked, ${faults.length} run back.`);
process.exit(faults.length ? 1 : 0);
