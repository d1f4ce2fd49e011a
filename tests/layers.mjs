#!/usr/bin/env node
// Holds the house to tests/layer-table.mjs: a file may import from its own folder and from floors below, a stage touches no
// page, no files of a folder import values in a circle, and no folder imports from many. Exits 1 with the offending lines.
// The floors of docs/architecture.md are drawn from the same: `node tests/layers.mjs --write` draws them anew.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { circlesOf, firstSentence, importsOf, pageGlobals, withoutDetours } from './layer-scan.mjs';
import { FIRST_IMPURE, FLOORS, IMPURE, MAY_TOUCH, MOST_FOLDERS, PAGE_GLOBALS } from './layer-table.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const LIB = 'src/lib/';
const PAGE = 'docs/architecture.md';

const floorOf = new Map(FLOORS.flatMap((names, floor) => names.map((name) => [name, floor])));
const firstImpure = FLOORS.findIndex((names) => names.includes(FIRST_IMPURE));

/** What was compiled lies in build/. */
function* filesIn(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!['build', 'node_modules'].includes(entry.name)) yield* filesIn(path);
    } else if (/\.(?:ts|svelte|m?js)$/.test(entry.name)) yield path;
  }
}

/** The folder of the table that a path from the root lies in, the innermost; null where it lies in none of them. */
function folderOf(path) {
  const [inner, outer] = path.startsWith(LIB)
    ? [path.slice(LIB.length), path.slice(LIB.length).split('/')[0]]
    : [path, /^(?:cli|sampler|src\/[^/]+)(?=\/)/.exec(path)?.[0] ?? null];
  const rooms = inner.split('/').map((_, i, parts) => parts.slice(0, i).join('/'));
  return rooms.toReversed().find((room) => floorOf.has(room)) ?? outer;
}

const isTest = (path) => /(?:\.test|\/testing)\.ts$/.test(path);

const files = [...filesIn('src'), ...filesIn('cli'), ...filesIn('sampler')];
const known = new Set(files);

/** What a file imports as a path from the root; null for packages. */
function targetOf(path, from) {
  const bare = from.split('?')[0];
  const target = bare.startsWith('$lib/')
    ? LIB + bare.slice('$lib/'.length)
    : bare.startsWith('.')
      ? relative(root, resolve(root, dirname(path), bare)).replaceAll('\\', '/')
      : null;
  return target && (['', '.ts', '.svelte'].map((end) => target + end).find((name) => known.has(name)) ?? target);
}

const faults = [];
let checked = 0;
/** Folders that a folder imports from, and files that a file takes values from in its own folder; tests apart. */
const folders = new Map([...floorOf.keys()].map((name) => [name, new Set()]));
const values = new Map();

for (const path of files) {
  const from = folderOf(path);
  if (from === null) continue;
  if (!floorOf.has(from)) {
    faults.push(`${path}: folder "${from}" has no floor; add it to tests/layer-table.mjs.`);
    continue;
  }
  const text = readFileSync(join(root, path), 'utf8');
  const isStage = floorOf.get(from) < firstImpure;
  for (const { from: target, value } of importsOf(text)) {
    checked++;
    if (isStage && IMPURE.test(target) && !isTest(path)) faults.push(`${path}: a stage imports ${target}.`);
    const local = targetOf(path, target);
    const to = local && folderOf(local);
    if (!to || !floorOf.has(to)) continue;
    if (to === from) {
      if (value && !isTest(path)) values.set(path, [...(values.get(path) ?? []), local]);
      continue;
    }
    if (floorOf.get(to) >= floorOf.get(from))
      faults.push(`${path}: "${from}" imports "${to}" (${target}), which is not below it.`);
    if (!isTest(path)) folders.get(from).add(to);
  }
  if (isStage && !isTest(path) && PAGE_GLOBALS.some((name) => text.includes(name)))
    for (const { name, line } of pageGlobals(ts, text, PAGE_GLOBALS))
      if (!MAY_TOUCH[path]?.globals.includes(name))
        faults.push(`${path}:${line}: a stage touches ${name}; pass in what it needs, or say why in MAY_TOUCH.`);
}

for (const path of Object.keys(MAY_TOUCH))
  if (!known.has(path)) faults.push(`tests/layer-table.mjs: MAY_TOUCH names ${path}, which is gone.`);

const circles = circlesOf(values.keys(), (path) => values.get(path) ?? []);
for (const circle of circles)
  faults.push(`Values are imported in a circle: ${circle.join(', ')}. Move what both need into a file below.`);

for (const [folder, { size }] of folders)
  if (size > MOST_FOLDERS) faults.push(`"${folder}" imports from ${size} folders; ${MOST_FOLDERS} are allowed.`);

/** The floors as a drawing and a table, from the top down. An arrow that follows from others is left out. */
function drawing() {
  const order = [...floorOf.keys()];
  // "graph" and "end" are words of Mermaid's own.
  const id = (folder) => `f_${folder.replaceAll('/', '_')}`;
  const floors = FLOORS.map((names, floor) => ({ floor, names: names.filter((name) => folders.has(name)) })).reverse();
  const below = new Map(
    [...folders].map(([from, to]) => [from, new Set([...to].filter((name) => floorOf.get(name) < floorOf.get(from)))]),
  );
  const arrows = [...withoutDetours(below)].flatMap(([from, to]) =>
    to.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)).map((name) => `  ${id(from)} --> ${id(name)}`),
  );
  const readme = (folder) =>
    `${/^(?:cli|sampler)$|^(?:src|cli)\/|^sampler\//.test(folder) ? folder : LIB + folder}/README.md`;
  const rows = floors.flatMap(({ floor, names }) =>
    names.map((name) => {
      const path = readme(name);
      const about = firstSentence(readFileSync(join(root, path), 'utf8')).replaceAll('|', '\\|');
      return `| ${floor} | [${name}](../${path}) | ${about} | ${folders.get(name).size} |`;
    }),
  );
  return [
    '```mermaid',
    'flowchart TB',
    ...floors.flatMap(({ floor, names }) => [
      `  subgraph floor${floor}["${floor}"]`,
      ...names.map((name) => `    ${id(name)}["${name}"]`),
      '  end',
    ]),
    ...arrows,
    '```',
    '',
    '| floor | folder | what it is | imports |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

const BLOCK = /(<!-- floors: [^\n]*-->\n)[\s\S]*?(\n<!-- end of floors -->)/;
const page = readFileSync(join(root, PAGE), 'utf8');
const drawn = page.replace(BLOCK, (_, before, after) => before + drawing() + after);
if (!BLOCK.test(page)) faults.push(`${PAGE}: the block between "floors" and "end of floors" is gone.`);
else if (process.argv.includes('--write')) writeFileSync(join(root, PAGE), drawn);
else if (drawn !== page)
  faults.push(`${PAGE}: its floors are not those of the sources; run node tests/layers.mjs --write.`);

for (const fault of faults) console.error(fault);
console.log(
  `Layers: ${checked} imports checked, ${circles.length} circles of values, ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}.`,
);
process.exit(faults.length ? 1 : 0);
