import { JoulewiseError, quote } from '../core/errors';
import { type LinearName, LINEARS, modelTensors, names } from './block';
import { configFromJson, type ModelConfig } from './config';
import { mergeInto, readAdapter, readNamed, type Adapter } from './adapter';
import { openGguf } from './gguf';
import type { GgufField } from './gguf-write';
import { readSafetensorsSet } from './safetensors';
import { readJson, readText, type FileSet } from './source';
import { readTensor, type TensorEntry } from './tensors';
import { tokenizerFromGguf, type TokenizerFiles } from './tokenizer';

/** Weights, config and tokenizer as they came; weights stay where they are until `read`. */
export interface Checkpoint {
  name: string;
  config: ModelConfig;
  tokenizer: TokenizerFiles;
  tensors: ReadonlyMap<string, TensorEntry>;
  /** The tokenizer's values as a GGUF file has them (type and value, by key); null where weights came otherwise. */
  ggufTokenizer: (() => Promise<ReadonlyMap<string, GgufField>>) | null;
  /** float32, row-major; linear weights are [out, in]. What an adapter adds is merged in. */
  read(tensor: string): Promise<Float32Array<ArrayBuffer>>;
  /** The adapter beside the weights, and the checkpoint without it, for engines that keep them apart. */
  adapted: { adapter: Adapter; base: Checkpoint } | null;
  /** Adapters that take turns beside the weights, by the name of their task; `read` knows nothing of them. */
  named: Readonly<Record<string, Adapter>>;
}

/** Readers in the order they are tried; each gives null where the files are not its kind. */
const READERS: readonly ((
  files: FileSet,
) => Promise<Omit<Checkpoint, 'read' | 'name' | 'adapted' | 'named'> | null>)[] = [readGgufSet, readFolder];

export async function openCheckpoint(files: FileSet): Promise<Checkpoint> {
  for (const reader of READERS) {
    const found = await reader(files);
    if (found) {
      checkTensors(found.config, found.tensors);
      const { layers } = found.config;
      const shape = (layer: number, linear: LinearName) => found.tensors.get(names.linear(layer, linear))?.shape ?? [];
      const base: Checkpoint = {
        name: files.name,
        ...found,
        adapted: null,
        named: await readNamed(files, layers, shape),
        read(tensor) {
          const entry = found.tensors.get(tensor);
          if (!entry)
            throw new JoulewiseError('internal', `Tensor ${quote(tensor)} was asked for but is not in the checkpoint.`);
          return readTensor(entry);
        },
      };
      const adapter = await readAdapter(files, layers, shape);
      return adapter ? withAdapter(base, adapter) : base;
    }
  }
  throw new JoulewiseError(
    'checkpoint.format',
    `No weights were found in ${quote(files.name)}. Give a .gguf file, or a folder with model.safetensors, config.json and tokenizer.json.`,
  );
}

/** The checkpoint with an adapter: merged in where its weights are read, and beside it for those who keep both apart. */
export function withAdapter(base: Checkpoint, adapter: Adapter): Checkpoint {
  const places = new Map<string, [layer: number, linear: LinearName]>();
  for (let layer = 0; layer < base.config.layers; layer++)
    for (const linear of LINEARS) places.set(names.linear(layer, linear), [layer, linear]);
  return {
    ...base,
    adapted: { adapter, base },
    async read(tensor) {
      const data = await base.read(tensor);
      const place = places.get(tensor);
      const low = place ? await adapter.read(...place) : null;
      if (low) mergeInto(data, low);
      return data;
    },
  };
}

async function readGgufSet(files: FileSet) {
  const gguf = (await files.list())?.filter((f) => f.toLowerCase().endsWith('.gguf')) ?? [];
  if (gguf.length === 0) return null;
  if (gguf.length > 1)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      'Several GGUF files were given; split GGUF is not read. Give one file.',
    );
  const source = await files.open(gguf[0] as string);
  if (!source) return null;
  const opened = await openGguf(source);
  return {
    config: opened.config,
    tokenizer: tokenizerFromGguf(opened.gguf.metadata),
    tensors: new Map(opened.tensors.map((t) => [t.name, t])),
    async ggufTokenizer() {
      const fields = new Map<string, GgufField>();
      for (const [key, { start, end }] of opened.gguf.tokenizer)
        fields.set(key, { type: 'raw', value: await source.slice(start, end) });
      return fields;
    },
  };
}

async function readFolder(files: FileSet) {
  const entries = await readSafetensorsSet(files);
  if (!entries) return null;
  const need = async (name: string) => {
    const source = await files.open(name);
    if (!source)
      throw new JoulewiseError('checkpoint.format', `${name} is missing beside the weights. Add it and try again.`);
    return readJson(source);
  };
  const config = configFromJson(await need('config.json'));
  const tokenizer = await need('tokenizer.json');
  const tokenizerConfigSource = await files.open('tokenizer_config.json');
  const tokenizerConfig = tokenizerConfigSource ? await readJson(tokenizerConfigSource) : {};
  // Newer transformers keep the chat template in a file of its own.
  const template = tokenizerConfig['chat_template'] === undefined ? await files.open('chat_template.jinja') : null;
  if (template) tokenizerConfig['chat_template'] = await readText(template);
  const generation = await files.open('generation_config.json');
  const eos = generation ? (await readJson(generation))['eos_token_id'] : undefined;
  const more = (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === 'number');
  return {
    config: { ...config, eosTokenIds: [...new Set([...config.eosTokenIds, ...more])] },
    tokenizer: { tokenizer, config: tokenizerConfig },
    ggufTokenizer: null,
    tensors: new Map(entries.map((t) => [t.name, t])),
  };
}

/** Every tensor the decoder will read is there and has the shape the config promises, before any work starts. */
function checkTensors(config: ModelConfig, tensors: ReadonlyMap<string, TensorEntry>): void {
  const need = (name: string, shape: readonly number[]) => {
    const entry = tensors.get(name);
    if (!entry)
      throw new JoulewiseError(
        'checkpoint.format',
        `The checkpoint lacks tensor ${quote(name)}: files are missing, or it is another kind of model.`,
      );
    if (entry.shape.join() !== shape.join())
      throw new JoulewiseError(
        'checkpoint.format',
        `Tensor ${quote(name)} has shape ${entry.shape.join('x')}; the config says ${shape.join('x')}.`,
      );
  };
  for (const [name, shape] of modelTensors(config)) need(name, shape);
}
