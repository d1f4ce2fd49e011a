import { JoulewiseError, quote } from '../core/errors';
import { type LinearName, LINEARS, modelTensors, names } from './block';
import { configFromJson, type ModelConfig } from './config';
import { mergeInto, readAdapter, readNamed, setRowLengths, type Adapter, type Replaceable } from './adapter';
import { openGguf } from './gguf';
import type { GgufField } from './gguf-write';
import { quantizationOf } from './quantized';
import { placeTensor, readSafetensorsSet } from './safetensors';
import { readJson, readText, type FileSet } from './source';
import { elementsOf, readTensor, type TensorEntry } from './tensors';
import { tokenizerFromGguf, type TokenizerFiles } from './tokenizer';
import { largestId } from './tokenizer-exact';

/** Weights, config and tokenizer as they came; weights stay where they are until `read`. */
export interface Checkpoint {
  name: string;
  config: ModelConfig;
  tokenizer: TokenizerFiles;
  tensors: ReadonlyMap<string, TensorEntry>;
  /** The config.json that it came with, for a writer that keeps what this reader does not need; null where there was none. */
  source: Readonly<Record<string, unknown>> | null;
  /** What was read otherwise than it stands in the files, in sentences for the record. */
  notes: readonly string[];
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
      const tensors = new Map(found.tensors);
      await checkTensors(found.config, tensors);
      checkTokens(found.config, found.tokenizer);
      const { layers } = found.config;
      const shape = (layer: number, linear: LinearName) => tensors.get(names.linear(layer, linear))?.shape ?? [];
      const base: Checkpoint = {
        name: files.name,
        ...found,
        tensors,
        adapted: null,
        named: await readNamed(files, layers, shape),
        read(tensor) {
          const entry = tensors.get(tensor);
          if (!entry)
            throw new JoulewiseError('internal', `Tensor ${quote(tensor)} was asked for but is not in the checkpoint.`);
          return readTensor(entry);
        },
      };
      const adapter = await readAdapter(files, layers, shape, replaceable(base));
      return adapter ? withAdapter(base, adapter) : base;
    }
  }
  throw new JoulewiseError(
    'checkpoint.format',
    `No weights were found in ${quote(files.name)}. Give a .gguf file, or a folder with model.safetensors, config.json and tokenizer.json.`,
  );
}

/** What an adapter may replace whole: every tensor outside of the linear layers' weights, and those too. */
function replaceable({ config }: Checkpoint): Replaceable {
  const head = [config.vocabSize, config.hiddenSize];
  const all = new Map<string, readonly number[]>(modelTensors({ ...config, tiedEmbeddings: false, qkvBias: true }));
  return { tensors: all, headShape: head };
}

/**
 * The checkpoint with an adapter: merged in where its weights are read, and beside it for those who keep both apart. One
 * that changes more than low-rank parts is merged for all, and `notes` says so.
 */
export function withAdapter(base: Checkpoint, adapter: Adapter): Checkpoint {
  const places = new Map<string, [layer: number, linear: LinearName]>();
  for (let layer = 0; layer < base.config.layers; layer++)
    for (const linear of LINEARS) places.set(names.linear(layer, linear), [layer, linear]);
  const merged = async (tensor: string, read: (tensor: string) => Promise<Float32Array<ArrayBuffer>>) => {
    const data = await read(tensor);
    const place = places.get(tensor);
    const low = place ? await adapter.read(...place) : null;
    if (low) mergeInto(data, low);
    return data;
  };
  if (!adapter.more)
    return { ...base, adapted: { adapter, base }, read: (tensor) => merged(tensor, (name) => base.read(name)) };

  const { replaced, lengths, biases, head, what } = adapter.more;
  // Its input side alone changes where the head was the embedding and is not named itself.
  const apart =
    base.config.tiedEmbeddings && (head !== null || replaced.has(names.head) || replaced.has(names.embedding));
  const config: ModelConfig = {
    ...base.config,
    tiedEmbeddings: base.config.tiedEmbeddings && !apart,
    qkvBias: base.config.qkvBias || biases.size > 0 || [...replaced.keys()].some((name) => name.endsWith('_proj.bias')),
  };
  const own = (tensor: string): TensorEntry | undefined =>
    replaced.get(tensor) ??
    base.tensors.get(tensor) ??
    (tensor === names.head ? base.tensors.get(names.embedding) : undefined);
  const shapes = new Map(modelTensors(config));
  const tensors = new Map<string, TensorEntry>();
  for (const [name, shape] of shapes) {
    const entry = own(name) ?? base.tensors.get(names.finalNorm);
    if (entry) tensors.set(name, { ...entry, name, shape });
  }
  const plain = async (tensor: string) => {
    const entry = own(tensor);
    // A bias that the base lacks is zero.
    return entry ? readTensor(entry) : new Float32Array(elementsOf(shapes.get(tensor) ?? []));
  };
  return {
    ...base,
    config,
    tensors,
    adapted: null,
    notes: [
      ...base.notes,
      `The adapter changes more than low-rank parts (${what}), so it is merged into the weights before they are compressed.`,
    ],
    async read(tensor) {
      const data = await merged(tensor, plain);
      if (tensor === names.head && head) mergeInto(data, await head());
      const length = lengths.get(tensor);
      if (length) setRowLengths(data, await readTensor(length));
      const bias = biases.get(tensor);
      if (bias) (await readTensor(bias.entry)).forEach((x, i) => (data[i] = (data[i] as number) + bias.factor * x));
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
    source: null,
    notes: [],
    async ggufTokenizer() {
      const fields = new Map<string, GgufField>();
      for (const [key, { start, end }] of opened.gguf.tokenizer)
        fields.set(key, { type: 'raw', value: await source.slice(start, end) });
      return fields;
    },
  };
}

async function readFolder(files: FileSet) {
  const raw = await readSafetensorsSet(files);
  if (!raw) return null;
  const need = async (name: string) => {
    const source = await files.open(name);
    if (!source)
      throw new JoulewiseError('checkpoint.format', `${name} is missing beside the weights. Add it and try again.`);
    return readJson(source);
  };
  const source = await need('config.json');
  const config = configFromJson(source);
  const quantized = quantizationOf(source);
  const entries = named(quantized ? quantized.tensors(raw) : raw.map(placeTensor));
  const tokenizer = await need('tokenizer.json');
  const tokenizerConfigSource = await files.open('tokenizer_config.json');
  const tokenizerConfig = tokenizerConfigSource ? await readJson(tokenizerConfigSource) : {};
  // Newer transformers keep the chat template in a file of its own.
  const template = tokenizerConfig['chat_template'] === undefined ? await files.open('chat_template.jinja') : null;
  if (template) tokenizerConfig['chat_template'] = await readText(template);
  const generation = await files.open('generation_config.json');
  const eos = generation ? (await readJson(generation))['eos_token_id'] : undefined;
  const more = (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === 'number');
  const tensors = new Map(entries.map((t) => [t.name, t]));
  const tied = config.tiedEmbeddings && (await headIsEmbedding(tensors));
  if (tied) tensors.delete(names.head);
  return {
    config: {
      ...config,
      tiedEmbeddings: tied,
      eosTokenIds: [...new Set([...config.eosTokenIds, ...more])],
    },
    tokenizer: { tokenizer, config: tokenizerConfig },
    ggufTokenizer: null,
    tensors,
    source,
    notes: quantized
      ? [
          `The checkpoint's own weights were already quantized (${quantized.title}); every variant is made from what they give.`,
        ]
      : [],
  };
}

/** Tensors by transformers' names: what was saved without its head lacks "model." (AutoModel). */
function named(entries: readonly TensorEntry[]): TensorEntry[] {
  const bare = names.embedding.replace(/^model\./, '');
  if (!entries.some((t) => t.name === bare)) return [...entries];
  return entries.map((t) => (t.name === names.head ? t : { ...t, name: `model.${t.name}` }));
}

/** Whether the head is the embedding: the file holds none of its own, or one of the same bytes (transformers 5 ties only these). */
async function headIsEmbedding(tensors: ReadonlyMap<string, TensorEntry>): Promise<boolean> {
  const [head, embedding] = [tensors.get(names.head), tensors.get(names.embedding)];
  if (!head || !embedding) return true;
  if (head.unpack || embedding.unpack || head.storage !== embedding.storage || head.byteLength !== embedding.byteLength)
    return false;
  const step = 4 * 2 ** 20;
  for (let at = 0; at < head.byteLength; at += step) {
    const [a, b] = await Promise.all(
      [head, embedding].map((t) => t.source.slice(t.offset + at, t.offset + Math.min(at + step, t.byteLength))),
    );
    if (!a?.every((byte, i) => byte === b?.[i])) return false;
  }
  return true;
}

/** Every id that the tokenizer can give has a row in the embedding. */
export function checkTokens({ vocabSize }: Pick<ModelConfig, 'vocabSize'>, { tokenizer }: TokenizerFiles): void {
  const largest = largestId(tokenizer);
  if (largest >= vocabSize)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `The tokenizer has id ${largest} (of ${largest + 1} tokens), and the embedding has only ${vocabSize} rows: tokens were added without resizing it. Use a checkpoint whose embedding was resized, or the tokenizer that it was trained with.`,
    );
}

/** Buffers that old checkpoints hold beside the weights, and that every reader computes anew. */
const COMPUTED_ANEW = /\.rotary_emb\.(?:inv_freq|cos_cached|sin_cached)$|\.self_attn\.(?:masked_bias|attn\.bias)$/;

/**
 * Every tensor the decoder will read is there and has the shape the config promises, and none is left that nobody reads,
 * before any work starts. A bias of nothing but zeros is dropped: it adds nothing (what llamafied checkpoints hold).
 */
async function checkTensors(config: ModelConfig, tensors: Map<string, TensorEntry>): Promise<void> {
  const wanted = new Set<string>();
  for (const [name, shape] of modelTensors(config)) {
    wanted.add(name);
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
  }
  for (const [name, entry] of tensors) {
    if (wanted.has(name)) continue;
    const zeros = /_proj\.bias$/.test(name) && (await readTensor(entry)).every((x) => x === 0);
    if (!zeros && !COMPUTED_ANEW.test(name))
      throw new JoulewiseError(
        'checkpoint.unsupported',
        `Tensor ${quote(entry.from ?? name)} is read by nothing in a ${config.family} model as computed here${/\.bias$/.test(name) ? ', which adds no such biases' : ''}, and without it the answers would be another model's. Use another checkpoint.`,
      );
    tensors.delete(name);
  }
}
