import { JoulewiseError, quote } from '../core/errors';
import { LINEARS, names, type LinearName } from './block';
import { readSafetensors } from './safetensors';
import { readJson, type FileSet } from './source';
import { readTensor, type TensorEntry } from './tensors';

/** y += b (a x): a [rank, inputs], b [outputs, rank] with the adapter's factor multiplied in. */
export interface LowRank {
  rank: number;
  a: Float32Array<ArrayBuffer>;
  b: Float32Array<ArrayBuffer>;
}

/** A LoRA adapter as PEFT saves it, beside the checkpoint that it was trained on. */
export interface Adapter {
  /** Largest rank of any layer. */
  rank: number;
  /** Linear layers that it changes. */
  count: number;
  /** Null where it leaves a linear layer alone. */
  read(layer: number, linear: LinearName): Promise<LowRank | null>;
  /** What it changes besides, which cannot stand beside the weights; unset = nothing. */
  more?: MoreThanLowRank;
}

/** Changes of an adapter that are made in the weights themselves; all by transformers' names. */
export interface MoreThanLowRank {
  /** What it is, for the record: "a DoRA adapter". */
  what: string;
  /** Tensors that it puts in the place of the checkpoint's (`modules_to_save`, trained biases). */
  replaced: ReadonlyMap<string, TensorEntry>;
  /** DoRA: the length of each row of a linear layer's weights once the low-rank part is added. */
  lengths: ReadonlyMap<string, TensorEntry>;
  /** Added to biases, with the factor multiplied in (`lora_bias`). */
  biases: ReadonlyMap<string, { entry: TensorEntry; factor: number }>;
  /** The low-rank part of the head. */
  head: (() => Promise<LowRank>) | null;
}

export const ADAPTER_FILES = ['adapter_config.json', 'adapter_model.safetensors'] as const;

/** A file of an adapter by its name, of several that lie beside one checkpoint: `rca.adapter_config.json`. */
export const namedFile = (name: string, file: (typeof ADAPTER_FILES)[number]) => `${name}.${file}`;
const NAMED = /^([a-z][\w-]{0,63})\.adapter_(?:config\.json|model\.safetensors)$/;

/** What PEFT puts before and behind a linear layer's name. */
const PREFIX = 'base_model.model.';
/** PEFT's name of one of the two matrices of a linear layer. */
export const partName = (layer: number, linear: LinearName, part: 'A' | 'B') =>
  `${PREFIX}${names.linear(layer, linear).replace(/weight$/, `lora_${part}.weight`)}`;

const fault = (why: string, code: 'checkpoint.format' | 'checkpoint.unsupported' = 'checkpoint.unsupported') =>
  new JoulewiseError(code, `The adapter cannot be used: ${why}.`);

const any = () => true;
const empty = (v: unknown) => v === null || v === false || (typeof v === 'object' && Object.keys(v ?? {}).length === 0);
const MERGE = 'Merge it into its model with PEFT first, or save it without';

/**
 * Keys of adapter_config.json (PEFT 0.21: tuners/lora/config.py): whether a value is understood or changes nothing of what
 * is computed, and why it is refused elsewhere. A closed list: what a newer PEFT adds is refused by its name.
 */
const KEYS: Readonly<Record<string, readonly [ok: (value: unknown) => boolean, why: string]>> = {
  ...Object.fromEntries(
    `task_type base_model_name_or_path revision inference_mode auto_mapping peft_version lora_dropout megatron_core
    runtime_config r lora_alpha use_rslora target_modules exclude_modules layers_to_transform layers_pattern rank_pattern
    alpha_pattern modules_to_save use_dora lora_bias qalora_group_size unsloth_fixed`
      .split(/\s+/)
      .map((key) => [key, [any, '']] as const),
  ),
  peft_type: [(v) => v === 'LORA', 'it is no LoRA adapter'],
  bias: [(v) => v === 'none' || v === 'all' || v === 'lora_only', 'what it trains of biases is not known here'],
  fan_in_fan_out: [empty, 'its weights are transposed'],
  // Others change the base when they begin, and PEFT repeats that when it loads them.
  init_lora_weights: [
    (v) => v === null || v === true || v === false || ['gaussian', 'eva', 'orthogonal'].includes(v as string),
    `it was begun in a way that also changes the base's weights. Convert it to plain LoRA when saving (path_initial_model_for_weight_conversion)`,
  ],
  // How EVA chose its beginning; what came of it lies in the tensors.
  eva_config: [any, ''],
  layer_replication: [empty, `it repeats layers of its base. ${MERGE}`],
  alora_invocation_tokens: [empty, 'it acts behind its invocation tokens alone, and adapters act on all tokens here'],
  trainable_token_indices: [empty, `it replaces rows of the embedding. ${MERGE}`],
  target_parameters: [empty, `it changes parameters that are no linear layers. ${MERGE}`],
  loftq_config: [empty, 'its base is quantized anew with it (LoftQ)'],
  ensure_weight_tying: [empty, `it ties weights in its own way. ${MERGE}`],
};

/** Throws `checkpoint.unsupported` for the first key of adapter_config.json that is not known at its value. */
function checkKeys(said: Readonly<Record<string, unknown>>): void {
  if (said['peft_type'] === undefined) throw fault('it is no LoRA adapter: adapter_config.json has no "peft_type"');
  for (const [key, value] of Object.entries(said)) {
    const row = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    // A variant that is switched off says nothing; PEFT writes all that it knows.
    if (row ? value === null || row[0](value) : empty(value)) continue;
    throw fault(
      `${quote(key)} is ${quote(typeof value === 'string' ? value : JSON.stringify(value))}: ${row?.[1] ?? `that is not known here and may change what is computed. ${MERGE}`}`,
    );
  }
}

/** A number of `rank_pattern` or `alpha_pattern`: the first pattern that matches a layer's name to its end (peft: get_pattern_key). */
function byPattern(said: Readonly<Record<string, unknown>>, key: string, otherwise: number): (name: string) => number {
  const patterns = said[key] ?? {};
  if (typeof patterns !== 'object') throw fault(`"${key}" is no object`, 'checkpoint.format');
  const rows = Object.entries(patterns).map(([pattern, value]) => {
    if (typeof value !== 'number' || !(value > 0))
      throw fault(`"${key}" gives ${quote(pattern)} no number`, 'checkpoint.format');
    try {
      return [new RegExp(`^(?:.*\\.)?(?:${pattern})$`), value] as const;
    } catch {
      throw fault(`"${key}" chooses by ${quote(pattern)}, which is not read here; save it with names`);
    }
  });
  return (name) => rows.find(([pattern]) => pattern.test(name))?.[1] ?? otherwise;
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

/** Whether a linear layer's name is one of those that `said[key]` gives: names, ends of names, or one pattern. Null = it gives none. */
function namedIn(said: Readonly<Record<string, unknown>>, key: string): ((name: string) => boolean) | null {
  const value = said[key] ?? null;
  if (value === null || value === '') return null;
  if (value === 'all-linear') return () => true;
  if (isNames(value)) return (name) => value.some((end) => name === end || name.endsWith(`.${end}`));
  try {
    if (typeof value !== 'string') throw new TypeError('neither names nor a pattern');
    const pattern = new RegExp(`^(?:${value})$`);
    return (name) => pattern.test(name);
  } catch {
    throw fault(`"${key}" chooses by ${quote(JSON.stringify(value))}, which is not read here; save it with names`);
  }
}

/**
 * Whether PEFT changes a linear layer of that name, by what its config says (peft/tuners/tuners_utils.py:
 * check_target_module_exists): it leaves tensors of others unread. Null = the config does not say. Throws
 * `checkpoint.unsupported` for patterns that cannot be read here.
 */
function chosenBy(said: Readonly<Record<string, unknown>>): ((name: string) => boolean) | null {
  const [targets, excluded] = [namedIn(said, 'target_modules'), namedIn(said, 'exclude_modules')];
  if (!targets) return null;
  const { layers_to_transform: layers = null, layers_pattern: pattern = null } = said;
  const lists = pattern === null || pattern === '' ? [] : [pattern].flat();
  // What layers are called in the families that are read here.
  if (layers !== null && lists.length > 0 && !lists.includes('layers'))
    throw fault(
      `it chooses layers by "layers_pattern" ${quote(JSON.stringify(pattern))}, and those of this checkpoint are called "layers"`,
    );
  const chosen = layers === null ? null : [layers].flat();
  const layerOf = (name: string) => Number(/\.layers\.(\d+)\./.exec(name)?.[1]);
  return (name) => targets(name) && !excluded?.(name) && (!chosen || chosen.includes(layerOf(name)));
}

/** The parts of a checkpoint that an adapter may replace whole, with their shapes, and the head's where it may have a low-rank part. */
export interface Replaceable {
  tensors: ReadonlyMap<string, readonly number[]>;
  headShape: readonly number[] | null;
}

/**
 * The adapter in a set of files, or null where there is none. `shape`: [outputs, inputs] of a linear layer. Throws
 * `checkpoint.unsupported` for a key or a tensor that is not known, by its name.
 */
export async function readAdapter(
  files: FileSet,
  layers: number,
  shape: (layer: number, linear: LinearName) => readonly number[],
  whole: Replaceable = { tensors: new Map(), headShape: null },
): Promise<Adapter | null> {
  const [configName, weightsName] = ADAPTER_FILES;
  const config = await files.open(configName);
  const weights = await files.open(weightsName);
  if (!config && !weights) return null;
  if (!config || !weights)
    throw fault(`${config ? weightsName : configName} is missing. Give both files of the adapter`, 'checkpoint.format');
  const said = await readJson(config);
  checkKeys(said);
  const { r, lora_alpha: alpha, use_rslora: stabilised } = said;
  if (typeof r !== 'number' || !Number.isInteger(r) || r < 1 || typeof alpha !== 'number')
    throw fault(`${configName} names no rank "r" and factor "lora_alpha"`, 'checkpoint.format');
  const [rankOf, alphaOf] = [byPattern(said, 'rank_pattern', r), byPattern(said, 'alpha_pattern', alpha)];
  const factorOf = (name: string) => alphaOf(name) / (stabilised === true ? Math.sqrt(rankOf(name)) : rankOf(name));

  const found = sorted(await readSafetensors(weights));
  const isChosen = chosenBy(said);
  const parts = new Map<string, [down: TensorEntry, up: TensorEntry]>();
  const pairOf = (module: string, [outputs, inputs]: readonly number[]) => {
    const [down, up] = [found.take(module, 'lora_A.weight'), found.take(module, 'lora_B.weight')];
    if (!down && !up) return null;
    const rank = rankOf(module);
    if (!down || !up || down.shape.join() !== `${rank},${inputs}` || up.shape.join() !== `${outputs},${rank}`)
      throw fault(`its tensors of ${quote(`${module}.weight`)} do not fit this checkpoint`);
    return [down, up] as [TensorEntry, TensorEntry];
  };
  const modules = Array.from({ length: layers }, (_, layer) =>
    LINEARS.map((linear) => [names.linear(layer, linear), shape(layer, linear)] as const),
  ).flat();
  const more = {
    replaced: new Map<string, TensorEntry>(),
    lengths: new Map<string, TensorEntry>(),
    biases: new Map<string, { entry: TensorEntry; factor: number }>(),
  };
  const without: string[] = [];
  for (const [name, dims] of modules) {
    const module = name.replace(/\.weight$/, '');
    const pair = pairOf(module, dims);
    if (isChosen && pair && !isChosen(module))
      throw fault(`its tensors change ${quote(module)}, which "target_modules" and "layers_to_transform" leave alone`);
    if (!pair) {
      if (isChosen?.(module)) without.push(module);
      continue;
    }
    parts.set(name, pair);
    const length = said['use_dora'] === true ? found.take(module, 'lora_magnitude_vector') : null;
    if (said['use_dora'] === true && length?.shape.join() !== String(dims[0]))
      throw fault(`it is a DoRA adapter without the lengths of ${quote(module)}`, 'checkpoint.format');
    if (length) more.lengths.set(name, length);
    const bias = said['lora_bias'] === true ? found.take(module, 'lora_B.bias') : null;
    if (bias) {
      if (!/\.[qkv]_proj$/.test(module) || bias.shape.join() !== String(dims[0]))
        throw fault(`its bias of ${quote(module)} ("lora_bias") has no place in this kind of model. ${MERGE}`);
      more.biases.set(`${module}.bias`, { entry: bias, factor: factorOf(module) });
    }
  }
  const headPair = whole.headShape ? pairOf('lm_head', whole.headShape) : null;
  for (const [name, dims] of whole.tensors) {
    const entry = found.take(name.replace(/\.(?:weight|bias)$/, ''), /\.bias$/.test(name) ? 'bias' : 'weight');
    if (!entry) continue;
    if (entry.shape.join() !== dims.join())
      throw fault(`its ${quote(entry.name)} is ${entry.shape.join('x')}, and this checkpoint's is ${dims.join('x')}`);
    more.replaced.set(name, entry);
  }
  const [strange] = found.rest();
  if (strange !== undefined)
    throw fault(
      `its tensor ${quote(strange)} changes nothing of this checkpoint that is known here; one of a linear layer is called ${quote(partName(0, 'q_proj', 'A'))}. ${MERGE}`,
    );
  if (without.length > 0)
    throw fault(
      `"target_modules" and "layers_to_transform" choose ${quote(without[0] as string)}, of which it has no tensors`,
    );
  if (parts.size === 0 && !headPair && more.replaced.size === 0) throw fault('it has no tensors');
  const lowOf = async (module: string, pair: [TensorEntry, TensorEntry]): Promise<LowRank> => {
    const [a, b] = await Promise.all(pair.map(readTensor) as [Promise<LowRank['a']>, Promise<LowRank['b']>]);
    const factor = factorOf(module);
    return { rank: rankOf(module), a, b: b.map((v) => v * factor) };
  };
  const kinds = [
    ...(more.lengths.size > 0 ? ['lengths of rows (DoRA)'] : []),
    ...(more.biases.size > 0 || [...more.replaced.keys()].some((name) => name.endsWith('.bias')) ? ['biases'] : []),
    ...(headPair ? ['the head'] : []),
    ...([...more.replaced.keys()].some((name) => !name.endsWith('.bias')) ? ['whole tensors'] : []),
  ];
  return {
    rank: Math.max(r, ...[...parts.keys()].map((name) => rankOf(name.replace(/\.weight$/, '')))),
    count: parts.size,
    async read(layer, linear) {
      const name = names.linear(layer, linear);
      const pair = parts.get(name);
      return pair ? lowOf(name.replace(/\.weight$/, ''), pair) : null;
    },
    ...(kinds.length > 0
      ? { more: { ...more, what: kinds.join(', '), head: headPair && (() => lowOf('lm_head', headPair)) } }
      : {}),
  };
}

/** The tensors of an adapter by what they belong to: each is taken once, and who is left at the end belongs to nobody. */
function sorted(entries: readonly TensorEntry[]) {
  const left = new Map<string, TensorEntry>();
  for (const entry of entries) {
    // As state_dict() has them where another tool saved them: with the adapter's name, and PEFT's wrappers.
    const plain = entry.name
      .replace(/\.(lora_[AB]|lora_magnitude_vector)\.default(?=\.|$)/, '.$1')
      .replace(/\.lora_magnitude_vector\.weight$/, '.lora_magnitude_vector')
      .replace(/\.modules_to_save(?:\.default)?\./, '.')
      .replace(/\.base_layer\.bias$/, '.bias');
    if (left.has(plain)) throw fault(`it holds ${quote(plain)} twice`, 'checkpoint.format');
    left.set(plain, entry);
  }
  return {
    take(module: string, part: string): TensorEntry | null {
      const name = `${PREFIX}${module}.${part}`;
      const entry = left.get(name) ?? null;
      left.delete(name);
      return entry;
    },
    rest: () => [...left.values()].map(({ name }) => name),
  };
}

/** All adapters that lie beside a checkpoint by a name; what of `readAdapter` throws is thrown. */
export async function readNamed(
  files: FileSet,
  layers: number,
  shape: Parameters<typeof readAdapter>[2],
): Promise<Record<string, Adapter>> {
  const names = new Set(((await files.list()) ?? []).flatMap((file) => NAMED.exec(file)?.[1] ?? []));
  const out: Record<string, Adapter> = {};
  for (const name of [...names].sort()) {
    const own: FileSet = { ...files, open: (file) => files.open(`${name}.${file}`) };
    const adapter = await readAdapter(own, layers, shape);
    if (adapter?.more)
      throw fault(`${quote(name)} changes ${adapter.more.what}, so it cannot take turns with others. ${MERGE}`);
    if (adapter) out[name] = adapter;
  }
  return out;
}

/** w[outputs, inputs] + b a, in place. */
export function mergeInto(w: Float32Array, { rank, a, b }: LowRank): void {
  const inputs = a.length / rank;
  for (let o = 0, at = 0; o < b.length / rank; o++, at += inputs)
    for (let r = 0; r < rank; r++) {
      const f = b[o * rank + r] as number;
      for (let i = 0; i < inputs; i++) w[at + i] = (w[at + i] as number) + f * (a[r * inputs + i] as number);
    }
}

/** Rows of w[outputs, inputs] scaled to these lengths, in place (DoRA: Liu et al., arXiv 2402.09353, equation 5). */
export function setRowLengths(w: Float32Array, lengths: Float32Array): void {
  const inputs = w.length / lengths.length;
  lengths.forEach((length, o) => {
    const row = w.subarray(o * inputs, (o + 1) * inputs);
    const by = length / Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    row.forEach((x, i) => (row[i] = x * by));
  });
}
