import { BEST_ENGINE, CLI_ENGINES, ENGINE, type EngineName } from '../../src/lib/schema/engines';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ADAPTER_FILES, namedFile } from '../../src/lib/checkpoint/adapter';
import { HUB_BASE } from '../../src/lib/checkpoint/source';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import type { CheckpointRef } from '../../src/lib/schema/plan';
import type { FileRef } from '../../src/lib/workers/data/protocol';
import type { Parsed } from './args';
import { drive, type Driver, type WebGpu } from './browser';
import type { SamplerChoice } from './sampler';

/** Engines by the names that the command line takes: their own, and `gpu` for the one that is best on GPUs. */
const NAMED: Readonly<Record<string, EngineName>> = {
  gpu: BEST_ENGINE.gpu,
  ...Object.fromEntries(CLI_ENGINES.map((e) => [e, e])),
};

export function engineOf(a: Parsed): EngineName {
  const name = a.text('engine') ?? BEST_ENGINE.cpu;
  const found = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
  if (!found)
    throw new JoulewiseError(
      'option.unknown',
      `Engine ${quote(name)} is not known. Engines: ${Object.keys(NAMED).join(', ')}.`,
    );
  return found;
}

/** `--threads N`; null leaves it to the page. */
export const threadsOf = (a: Parsed): number | null => (a.text('threads') === null ? null : a.whole('threads', 1));

export function existing(path: string, what: string): string {
  const full = resolve(process.env['JOULEWISE_CWD'] ?? process.cwd(), path);
  if (!existsSync(full)) throw new JoulewiseError('input.unreadable', `${what} ${quote(path)} does not exist.`);
  return full;
}

/** A path as the user meant it: relative to where the command was typed. */
export const fromHere = (path: string) => resolve(process.env['JOULEWISE_CWD'] ?? process.cwd(), path);

const serve = (d: Driver, path: string): FileRef => ({ kind: 'url', ...d.server.serve(path) });

/** Files that belong to a checkpoint; others in the folder are left alone. */
const CHECKPOINT_FILES =
  /^onnx\/[\w.-]+$|\.(?:safetensors|gguf|jinja)$|^(?:config|adapter_config|tokenizer|tokenizer_config|generation_config|model\.safetensors\.index)\.json$/;

/** Where the Hub is: a setting, so that mirrors and tests serve it from elsewhere. */
export const hubBase = () => process.env['JOULEWISE_HUB'] ?? HUB_BASE;

/**
 * `builtin`, a GGUF or safetensors file, a folder (also one that `export` made), or a Hub repository as
 * `hub:owner/name[@revision]`. `adapter`: a folder with one for all, `adapters`: with one for each task. `exports` names the ready-made exports that the `hub` engine will ask for.
 */
export async function checkpointOf(
  d: Driver,
  text: string,
  o: { exports?: string[] | null; adapter?: string | null; adapters?: Readonly<Record<string, string>> } = {},
): Promise<CheckpointRef> {
  const { exports = null } = o;
  const adapters = Object.entries({ ...(o.adapter ? { '': o.adapter } : {}), ...o.adapters });
  if (adapters.length > 0 && (text === 'builtin' || text.startsWith('hub:')))
    throw new JoulewiseError(
      'option.invalid',
      'An adapter is stored with the files it was trained on: give them as --checkpoint, a .gguf file or a folder.',
    );
  if (text === 'builtin') return { kind: 'builtin' };
  const hub = /^hub:([^@]+)(?:@(.+))?$/.exec(text);
  if (hub) return d.call('storeHub', { repo: hub[1] as string, revision: hub[2] ?? 'main', base: hubBase(), exports });
  const path = existing(text, 'Checkpoint');
  const folder = statSync(path).isDirectory();
  const names = folder
    ? readdirSync(path, { recursive: true, encoding: 'utf8' })
        .map((f) => f.replaceAll('\\', '/'))
        .filter((f) => CHECKPOINT_FILES.test(f))
    : [basename(path)];
  if (names.length === 0)
    throw new JoulewiseError(
      'checkpoint.format',
      `Folder ${quote(text)} holds no checkpoint. It should hold a .gguf file, or model.safetensors with config.json and tokenizer.json.`,
    );
  const base = folder ? path : dirname(path);
  const files = names.map((f) => ({ ...serve(d, join(base, f)), name: f }));
  for (const [task, folder] of adapters)
    for (const file of ADAPTER_FILES)
      files.push({
        ...serve(d, existing(join(existing(folder, 'Adapter'), file), 'Adapter file')),
        name: task === '' ? file : namedFile(task, file),
      });
  const beside = adapters.map(([, folder]) => basename(folder)).join(' and ');
  return d.call('storeCheckpoint', { name: basename(path) + (beside && ` with ${beside}`), files });
}

export const ticketFile = (d: Driver, path: string): FileRef => serve(d, existing(path, 'File'));

/** Opens the browser for one command and closes it whatever happens. */
export async function withDriver<T>(
  o: { webgpu?: WebGpu | null; sampler?: SamplerChoice | null; onEvent?: (event: unknown) => void },
  work: (d: Driver) => Promise<T>,
): Promise<T> {
  const d = await drive(o);
  try {
    return await work(d);
  } finally {
    await d.close().catch(() => undefined);
  }
}

/** Which adapter a command needs: the software one only where `--swiftshader` asks, and the record names it. */
export const webgpuOf = (a: Parsed, engine: EngineName): WebGpu | null =>
  a.flag('swiftshader') ? 'software' : ENGINE[engine].device !== 'cpu' ? 'hardware' : null;
