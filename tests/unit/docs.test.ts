import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
    `${folder}/${path}`.replaceAll('\\', '/'),
  );

const PAGES = ['README.md', ...filesBelow('docs').filter((path) => path.endsWith('.md'))].sort();
const READMES = ['src', 'cli', 'tests'].flatMap(filesBelow).filter((path) => path.endsWith('/README.md'));

/** Text without blocks of code and drawings. */
const prose = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/^ {4}.*$/gm, '');

/** What stands in code letters. */
const codeOf = (text: string) => Array.from(prose(text).matchAll(/`([^`\n]+)`/g), (m) => m[1] as string);

/** A heading as a link names it: small letters, hyphens for spaces. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

describe('documents', () => {
  it('every link leads somewhere', () => {
    const astray: string[] = [];
    for (const page of [...PAGES, ...READMES])
      for (const [, target] of prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (target === undefined || /^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const to = path === '' ? page : relative(root, join(root, dirname(page), path));
        const leads =
          existsSync(join(root, to)) &&
          (anchor === undefined ||
            Array.from(read(to).matchAll(/^#+ (.+)$/gm), (m) => anchorOf(m[1] as string)).includes(anchor));
        if (!leads) astray.push(`${page}: ${target}`);
      }
    expect(astray).toEqual([]);
  });

  it('every file that a page names exists', () => {
    const gone: string[] = [];
    for (const page of PAGES)
      for (const code of codeOf(read(page))) {
        const path = /^([\w@.+-]+(?:\/[\w@.+-]+)+\.(?:ts|mts|mjs|js|svelte|md|py|txt|json|sh))(?::\d+)?$/.exec(
          code,
        )?.[1];
        if (path !== undefined && ![path, `src/lib/${path}`].some((p) => existsSync(join(root, p))))
          gone.push(`${page}: ${code}`);
      }
    expect(gone).toEqual([]);
  });

  it('names in journeys and extend occur in the sources', () => {
    const sources = ['src', 'cli', 'tests']
      .flatMap(filesBelow)
      .filter((path) => /\.(?:ts|svelte|mjs)$/.test(path) && !path.endsWith('docs.test.ts'))
      .map(read)
      .join('\n');
    const words = new Set(sources.match(/[A-Za-z_$][\w$]*/g));
    const gone: string[] = [];
    for (const page of PAGES.filter((path) => /^docs\/(?:journeys|extend)\//.test(path)))
      for (const code of codeOf(read(page))) {
        const name = /^([A-Za-z_$][\w$]*)(?:\(.*\))?$/.exec(code)?.[1];
        if (name !== undefined && /[A-Z_(]/.test(code) && !words.has(name)) gone.push(`${page}: ${code}`);
      }
    expect(gone).toEqual([]);
  });

  it.each(['decisions', 'measurements'])('every page of %s is listed once', (room) => {
    const pages = readdirSync(join(root, 'docs', room)).filter((name) => name !== 'README.md');
    const listed = Array.from(read(`docs/${room}/README.md`).matchAll(/\]\(([\w-]+\.md)\)/g), (m) => m[1] as string);
    expect(listed.toSorted()).toEqual(pages.toSorted());
  });

  it('a decision has a number of its own and the sections of a decision', () => {
    const pages = readdirSync(join(root, 'docs/decisions')).filter((name) => name !== 'README.md');
    const numbers = pages.map((name) => {
      const text = read(`docs/decisions/${name}`);
      const sections = Array.from(text.matchAll(/^## (.+)$/gm), (m) => m[1] as string);
      const known = ['Context', 'Decision', 'Evidence', 'Tried and dropped'];
      expect(sections, name).toEqual(known.filter((section) => sections.includes(section)));
      expect(sections.slice(0, 2), name).toEqual(known.slice(0, 2));
      const number = Number(name.slice(0, 4));
      expect(text, name).toMatch(new RegExp(`^# ${number}\\. `));
      return number;
    });
    expect(new Set(numbers).size).toBe(pages.length);
  });

  it('a word stands once in the glossary, in the order of the alphabet', () => {
    const words = Array.from(read('docs/glossary.md').matchAll(/^### (.+)$/gm), (m) => (m[1] as string).toLowerCase());
    expect(words).toEqual([...new Set(words)].sort());
  });
});
