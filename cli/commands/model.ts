import { takesRecipes } from '../../src/lib/schema/engines';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { formatRecipe, parseRecipe } from '../../src/lib/compress/recipe';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import { exportId } from '../../src/lib/report/export';
import { parseArgs } from '../shared/args';
import { calibrationTexts } from '../shared/calibration';
import { checkpointOf, engineOf, existing, fromHere, threadsOf, webgpuOf, withDriver } from '../shared/context';
import { print, say } from '../shared/print';

const MODEL_FLAGS = {
  checkpoint: 'text',
  variant: 'text',
  engine: 'text',
  threads: 'whole',
  swiftshader: 'flag',
  calib: 'text',
  adapter: 'text',
} as const;

/** Longest text that `eval` reads: beyond, the context would not hold it anyway. */
const MAX_TEXT_BYTES = 1 << 20;

/** Recipes are checked before a browser starts, so that a typo costs nothing. */
const recipeOf = (text: string) => formatRecipe(parseRecipe(text));

export async function evaluate(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, { ...MODEL_FLAGS, 'text-file': 'text' });
  const engine = engineOf(a);
  const recipe = !takesRecipes(engine) ? (a.text('variant') ?? 'fp32') : recipeOf(a.text('variant') ?? 'fp32');
  const path = existing(a.need('text-file'), 'Text file');
  if (statSync(path).size > MAX_TEXT_BYTES)
    throw new JoulewiseError('input.too-large', `Text file ${quote(path)} is larger than 1 MiB. Give a shorter text.`);
  // A final line break is the editor's, not the text's.
  const text = readFileSync(path, 'utf8')
    .replace(/^\uFEFF/, '')
    .replace(/\r?\n$/, '');
  const checkpoint = a.text('checkpoint') ?? 'builtin';
  const result = await withDriver({ webgpu: webgpuOf(a, engine) }, async (d) =>
    d.call('evaluate', {
      checkpoint: await checkpointOf(d, checkpoint, {
        exports: !takesRecipes(engine) ? [recipe] : null,
        adapter: a.text('adapter'),
      }),
      recipe,
      engine,
      threads: threadsOf(a),
      calibration: await calibrationTexts(d, a.text('calib')),
      text,
    }),
  );
  print(JSON.stringify(result));
}

export async function generate(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, { ...MODEL_FLAGS, prompt: 'text', tokens: 'whole', chat: 'flag', 'ignore-stop': 'flag' });
  const engine = engineOf(a);
  const recipe = !takesRecipes(engine) ? (a.text('variant') ?? 'fp32') : recipeOf(a.text('variant') ?? 'fp32');
  const prompt = a.need('prompt');
  const result = await withDriver({ webgpu: webgpuOf(a, engine) }, async (d) =>
    d.call('generate', {
      checkpoint: await checkpointOf(d, a.text('checkpoint') ?? 'builtin', {
        exports: !takesRecipes(engine) ? [recipe] : null,
        adapter: a.text('adapter'),
      }),
      recipe,
      engine,
      threads: threadsOf(a),
      calibration: await calibrationTexts(d, a.text('calib')),
      prompt,
      chat: a.flag('chat'),
      maxNewTokens: a.whole('tokens', 32),
      ignoreStop: a.flag('ignore-stop'),
    }),
  );
  print(JSON.stringify(result));
}

/** What `export` writes: which call makes it, what is told of it, and whether an engine's graph is a part of it. */
const EXPORT_FORMATS = {
  onnx: {
    call: 'exportVariant',
    tell: (r: ExportReply) => [`Weights: ${r.kernel}. Transformers.js dtype: "${r.dtype}".`],
  },
  gguf: { call: 'exportGguf', tell: (r: ExportReply) => r.notes ?? [] },
} as const;

interface ExportReply {
  kernel?: string;
  dtype?: string;
  notes?: readonly string[];
  files: { path: string; bytes: number }[];
}

export async function exportModel(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, { ...MODEL_FLAGS, out: 'text', format: 'text' });
  const engine = engineOf(a);
  const recipe = recipeOf(a.text('variant') ?? 'fp32');
  const name = a.text('format') ?? 'onnx';
  const format = Object.hasOwn(EXPORT_FORMATS, name) ? EXPORT_FORMATS[name as keyof typeof EXPORT_FORMATS] : null;
  if (!format)
    throw new JoulewiseError(
      'option.unknown',
      `Format ${quote(name)} is not known. Formats: ${Object.keys(EXPORT_FORMATS).join(', ')}.`,
    );
  const out = fromHere(a.need('out'));
  mkdirSync(out, { recursive: true });
  const checkpoint = a.text('checkpoint') ?? 'builtin';
  const report = await withDriver({}, async (d) =>
    d.call(format.call, {
      checkpoint: await checkpointOf(d, checkpoint, { adapter: a.text('adapter') }),
      recipe,
      engine,
      threads: null,
      calibration: await calibrationTexts(d, a.text('calib')),
      name: exportId(basename(checkpoint).replace(/\.gguf$/i, ''), recipe),
      upload: d.server.receive(out),
    }),
  );
  for (const f of report.files) say(`${f.path}  ${f.bytes} bytes`);
  for (const line of format.tell(report)) say(line);
  print(JSON.stringify({ out, variant: recipe, format: name, ...report }));
}

export async function compress(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, { ...MODEL_FLAGS, out: 'text' });
  const recipe = recipeOf(a.need('variant'));
  const out = fromHere(a.need('out'));
  mkdirSync(out, { recursive: true });
  const { layers, files, ...report } = await withDriver({}, async (d) =>
    d.call('compress', {
      checkpoint: await checkpointOf(d, a.text('checkpoint') ?? 'builtin', { adapter: a.text('adapter') }),
      recipe,
      threads: threadsOf(a),
      calibration: await calibrationTexts(d, a.text('calib')),
      upload: d.server.receive(out),
    }),
  );
  for (const l of layers)
    say(
      `${l.layer} ${l.linear}: ${l.error === null ? '' : `error ${(l.error * 100).toFixed(3)} %, `}${(l.sparsity * 100).toFixed(1)} % zeros${l.deadInputs ? `, ${l.deadInputs} dead inputs` : ''}${l.damping !== null && l.damping > 0.01 ? `, damped by ${l.damping}` : ''}`,
    );
  const packed = (rows: typeof layers) => rows.reduce((sum, l) => sum + (l.footprint?.bytes ?? 0), 0);
  const sparse = layers.filter((l) => l.footprint?.title.includes('2:4'));
  const linear = { packedBytes: packed(layers), sparse: sparse.length, of: layers.length };
  say(
    `Linear layers: ${linear.packedBytes} bytes as the engine "cpu" packs them${sparse.length ? `, ${sparse.length} of ${layers.length} as 2:4 values and places` : ''}.`,
  );
  print(JSON.stringify({ out, variant: recipe, ...report, linear, files: files.length }));
}

export async function device(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, { swiftshader: 'flag' });
  print(JSON.stringify(await withDriver({ webgpu: webgpuOf(a, 'ort-gpu') }, (d) => d.call('probe', null)), null, 2));
}
