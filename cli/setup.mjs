#!/usr/bin/env node
// Brings a fresh clone to where the app, the command line and the tests run: packages, a browser, a build.
// Plain JavaScript on purpose: it runs before anything is installed. Does nothing that is done already.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureWasm } from './wasm.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));
const state = join(root, '.joulewise');
const say = (text) => process.stderr.write(`${text}\n`);

/** Runs a command with nothing to read unless it fails; then all that it said. Whether it failed comes back. */
export function runQuietly(command, args, { env = {}, timeout } = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    env: { ...process.env, ...env },
    timeout,
  });
  if (done.status === 0) return true;
  say(`${done.stdout ?? ''}${done.stderr ?? ''}${done.error ? `${done.error.message}\n` : ''}`.trimEnd());
  return false;
}

/** The same where nothing can go on without it. */
function need(command, args, options) {
  if (!runQuietly(command, args, options)) throw new Error(`"${command} ${args.join(' ')}" failed.`);
}

const digest = (text) => createHash('sha256').update(text).digest('hex');

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    say(
      `Joulewise needs Node 20.19 or later; this is ${process.versions.node}. Install a newer Node and run the command again.`,
    );
    process.exit(1);
  }
}

/** Installs the locked packages when the lock file changed since the last install. */
export function ensurePackages() {
  const lock = digest(readFileSync(join(root, 'package-lock.json')));
  const stamp = join(root, 'node_modules', '.joulewise-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('Setting up: installing packages (npm ci) ...');
  need('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}

const CANDIDATES = {
  linux: [
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/snap/bin/chromium',
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
  ],
};

function findChrome() {
  const named = process.env.JOULEWISE_CHROME;
  if (named) {
    if (existsSync(named)) return named;
    throw new Error(`JOULEWISE_CHROME names ${named}, which does not exist.`);
  }
  const system = (CANDIDATES[process.platform] ?? []).find((path) => existsSync(path));
  if (system) return system;
  const require = createRequire(import.meta.url);
  const own = require('playwright').chromium.executablePath();
  return existsSync(own) ? own : null;
}

/** A Chrome or Chromium: the system's, else Playwright's download, else (as root on Debian) the distribution's package. */
export function ensureBrowser() {
  const found = findChrome();
  if (found) return found;
  say("Setting up: no Chrome or Chromium was found; installing Playwright's Chromium ...");
  const downloaded = runQuietly('npx', ['playwright', 'install', 'chromium'], { timeout: 300_000 });
  if (downloaded && findChrome()) return findChrome();
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    say("That could not be downloaded; installing Debian's chromium ...");
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    need('apt-get', ['update', '-qq'], { env });
    need('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { env });
    const installed = findChrome();
    if (installed) return installed;
  }
  throw new Error(
    'No Chrome or Chromium could be found or installed. Install one and run the command again, or set JOULEWISE_CHROME to its path.',
  );
}

const FIREFOXES = {
  linux: ['/usr/bin/firefox-esr', '/usr/bin/firefox'],
  darwin: ['/Applications/Firefox.app/Contents/MacOS/firefox'],
  win32: ['C:\\Program Files\\Mozilla Firefox\\firefox.exe'],
};

/** A Firefox for the tests: the system's, else (as root on Debian) the distribution's package; null where there is none. */
export function ensureFirefox() {
  const named = process.env.JOULEWISE_FIREFOX;
  if (named) return existsSync(named) ? named : null;
  const find = () => (FIREFOXES[process.platform] ?? []).find((path) => existsSync(path)) ?? null;
  const found = find();
  if (found || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return found;
  say("Setting up: no Firefox was found; installing Debian's firefox-esr ...");
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => runQuietly('apt-get', [...args, '-qq'], { env, timeout: 300_000 });
  const installed = apt('update') && apt('install', '-y', '--no-install-recommends', 'firefox-esr');
  if (!installed) say('It could not be installed; the tests in Firefox are skipped, and counted as such.');
  return find();
}

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** What vite.config.ts imports. */
const IMPORTED = ['cli/folder-hash.ts', 'cli/shared/headers.ts'];

/** Builds the site when a source is newer than (differs from) what the last build saw. */
export function ensureBuild() {
  ensureWasm();
  const inputs = ['src', 'static', 'svelte.config.js', 'vite.config.ts', ...IMPORTED, 'package-lock.json']
    .map((p) => join(root, p))
    .flatMap((p) => (statSync(p).isDirectory() ? [...filesBelow(p)] : [p]))
    .filter((p) => !/\.test\.ts$|README\.md$/.test(p))
    .sort();
  const seen = digest(inputs.map((p) => `${relative(root, p)} ${digest(readFileSync(p))}`).join('\n'));
  const stamp = join(state, 'build-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === seen && existsSync(join(root, 'build', 'index.html')))
    return;
  say('Setting up: building the site ...');
  need(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build']);
  mkdirSync(state, { recursive: true });
  writeFileSync(stamp, seen);
}

export function setUp({ browser = true, build = true } = {}) {
  checkNode();
  try {
    ensurePackages();
    const chrome = browser ? ensureBrowser() : null;
    if (build) ensureBuild();
    return chrome;
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // What lint needs, while the rest is made.
  const whole = !process.argv.includes('--packages');
  const chrome = setUp({ browser: whole, build: whole });
  if (chrome) {
    const version = execFileSync(chrome, ['--version'], { encoding: 'utf8' }).trim();
    say(`Ready: Node ${process.versions.node}, ${version} (${chrome}).`);
  }
}
