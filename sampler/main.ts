import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { extname, join, normalize, sep } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { report } from './doctor';
import { Ticker } from './meter/clock';
import { costOf } from './meter/cost';
import { Conditions } from './meter/conditions';
import { Sampler } from './meter/sampler';
import { systemAt } from './real';
import { record, table } from './record';
import { Door } from './serve/door';
import { pairingsIn } from './serve/pairings';
import { DEFAULT_PORT, HOST, SamplerServer } from './serve/server';
import { sourcesWith } from './sources/index';
import { parseWall } from './sources/wall';
import { SystemFault } from './system';

const VERSION = '0.1.0';
const USAGE = `joulewise-sampler COMMAND: joules from this machine's own counters.

  doctor                      what it finds, what it could not read, and the command that would allow it
  serve [--port N] [--app DIR] answers Joulewise on this machine alone (port ${DEFAULT_PORT}); --app also serves a built site
  record [--json FILE] -- COMMAND ...  joules of any command
  token                       a token for a program that is no page (JOULEWISE_SAMPLER_TOKEN)
  forget                      ends every pairing

--wall METER, once or more: tasmota@ADDRESS, shelly1@ADDRESS, shelly2@ADDRESS, or UNIT:PATH@ADDRESS-OR-FILE (kWh:total@meter.csv).
--root DIR: where files of the machine are, as in a container that has them elsewhere (/host for /host/sys).
Exit codes: 0 fine, 1 no source was found or the work failed, 2 bad usage; record: the command's own.
`;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** Files of a built site, with the headers that its threads need. */
function appIn(folder: string) {
  return (path: string) => {
    let clean: string;
    try {
      clean = normalize(decodeURIComponent(path)).replace(/^[/\\]+/, '');
    } catch {
      return null;
    }
    if (clean.split(sep).includes('..')) return null;
    const file = [clean, `${clean}.html`, join(clean, 'index.html')]
      .map((f) => join(folder, f))
      .find((f) => existsSync(f) && statSync(f).isFile());
    if (!file) return null;
    return {
      body: readFileSync(file),
      headers: {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
        'x-content-type-options': 'nosniff',
      },
    };
  };
}

/** Long enough for thirty readings. */
const COST_MS = 3000;

class Usage extends Error {}

interface Options {
  command: string;
  rest: string[];
  walls: string[];
  port: number;
  json: string | null;
  app: string | null;
  root: string;
}

function parse(argv: readonly string[]): Options {
  const o: Options = {
    command: argv[0] ?? '',
    rest: [],
    walls: [],
    port: DEFAULT_PORT,
    json: null,
    app: null,
    root: '/',
  };
  for (let i = 1; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === '--') {
      o.rest = argv.slice(i + 1);
      break;
    }
    const value = argv[++i];
    if (value === undefined) throw new Usage(`Option ${word} needs a value.`);
    if (word === '--wall') o.walls.push(value);
    else if (word === '--json') o.json = value;
    else if (word === '--app') o.app = value;
    else if (word === '--root') o.root = value;
    else if (word === '--port') {
      o.port = Number(value);
      if (!Number.isInteger(o.port) || o.port < 0 || o.port > 65_535) throw new Usage(`Port "${value}" is none.`);
    } else throw new Usage(`Option "${word}" is not known.`);
  }
  return o;
}

async function serve(o: Options, sampler: Sampler, door: Door): Promise<void> {
  const conditions = new Conditions();
  const ticker = new Ticker(sampler, conditions);
  const server = new SamplerServer({
    sampler,
    conditions,
    door,
    onAsked: ticker.asked,
    app: o.app === null ? null : appIn(o.app),
    version: VERSION,
  });
  const port = await server.listen(o.port);
  ticker.start();
  const show = () =>
    console.log(`Code for pairing: ${door.newCode()} (five minutes, once). Enter shows a new one, Ctrl+C ends.`);
  console.log(report(sampler).text);
  console.log(`\nListening at http://${HOST}:${port}, for this machine alone.`);
  show();
  process.stdin.on('data', show);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  ticker.end();
  process.stdin.pause();
  await server.close();
}

async function main(argv: readonly string[]): Promise<number> {
  const o = parse(argv);
  const home = process.env['JOULEWISE_SAMPLER_HOME'] ?? join(homedir(), '.config', 'joulewise');
  const door = new Door(pairingsIn(join(home, 'sampler.json')), () => performance.now());
  if (o.command === 'token') {
    console.log(door.issue(null));
    return 0;
  }
  if (o.command === 'forget') {
    console.log(`${door.revokeAll()} pairings ended.`);
    return 0;
  }
  if (!['doctor', 'serve', 'record'].includes(o.command)) throw new Usage(USAGE);
  const sampler = await Sampler.open(systemAt(o.root), sourcesWith(o.walls.map(parseWall)), (ms) => wait(ms));
  try {
    switch (o.command) {
      case 'doctor': {
        await sampler.read();
        // With nothing to read there is nothing to time.
        const cost = sampler.domains.length > 0 ? await costOf(sampler, COST_MS, (ms) => wait(ms)) : null;
        const { text, found } = report(sampler, cost);
        console.log(text);
        return found ? 0 : 1;
      }
      case 'serve':
        await serve(o, sampler, door);
        return 0;
      default: {
        if (o.rest.length === 0) throw new Usage('record needs a command: record -- COMMAND ...');
        const done = await record(sampler, new Conditions(), o.rest, (ms) => wait(ms));
        console.log(done.totals.length ? table(done) : report(sampler).text);
        if (o.json !== null) writeFileSync(o.json, JSON.stringify(done, null, 1));
        return done.exit;
      }
    }
  } finally {
    await sampler.close();
  }
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    if (!(
      error instanceof Usage ||
      error instanceof SystemFault ||
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    ))
      throw error;
    console.error((error as Error).message);
    process.exitCode = error instanceof Usage ? 2 : 1;
  },
);
