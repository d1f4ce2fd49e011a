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

/** Options of PEFT that change what is computed in ways that are not done here. */
const REFUSED: readonly [key: string, is: (value: unknown) => boolean, why: string][] = [
  ['peft_type', (v) => v !== 'LORA', 'it is no LoRA adapter'],
  ['use_dora', Boolean, 'it is a DoRA adapter, which also changes norms; merge it first'],
  ['bias', (v) => v !== undefined && v !== 'none', 'it trains biases; merge it first'],
  ['modules_to_save', (v) => Array.isArray(v) && v.length > 0, 'it replaces whole layers; merge it first'],
  ['fan_in_fan_out', Boolean, 'its weights are transposed'],
  ['rank_pattern', (v) => Object.keys(v ?? {}).length > 0, 'its rank differs by layer'],
  ['alpha_pattern', (v) => Object.keys(v ?? {}).length > 0, 'its factor differs by layer'],
];

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

/** The adapter in a set of files, or null where there is none. `shape`: [outputs, inputs] of a linear layer. */
export async function readAdapter(
  files: FileSet,
  layers: number,
  shape: (layer: number, linear: LinearName) => readonly number[],
): Promise<Adapter | null> {
  const [configName, weightsName] = ADAPTER_FILES;
  const config = await files.open(configName);
  const weights = await files.open(weightsName);
  if (!config && !weights) return null;
  if (!config || !weights)
    throw fault(`${config ? weightsName : configName} is missing. Give both files of the adapter`, 'checkpoint.format');
  const said = await readJson(config);
  for (const [key, is, why] of REFUSED) if (is(said[key])) throw fault(why);
  const { r, lora_alpha: alpha, use_rslora: stabilised } = said;
  if (typeof r !== 'number' || !Number.isInteger(r) || r < 1 || typeof alpha !== 'number')
    throw fault(`${configName} names no rank "r" and factor "lora_alpha"`, 'checkpoint.format');
  const factor = alpha / (stabilised ? Math.sqrt(r) : r);

  const entries = new Map((await readSafetensors(weights)).map((t) => [t.name, t]));
  const isChosen = chosenBy(said);
  const parts = new Map<string, [down: TensorEntry, up: TensorEntry]>();
  for (let layer = 0; layer < layers; layer++)
    for (const linear of LINEARS) {
      const pair = (['A', 'B'] as const).map((part) => entries.get(partName(layer, linear, part)));
      const [down, up] = pair;
      const name = names.linear(layer, linear).replace(/\.weight$/, '');
      if (isChosen && isChosen(name) !== Boolean(down ?? up))
        throw fault(
          (down ?? up)
            ? `its tensors change ${quote(name)}, which "target_modules" and "layers_to_transform" leave alone`
            : `"target_modules" and "layers_to_transform" choose ${quote(name)}, of which it has no tensors`,
        );
      if (!down && !up) continue;
      const [outputs, inputs] = shape(layer, linear);
      if (!down || !up || down.shape.join() !== `${r},${inputs}` || up.shape.join() !== `${outputs},${r}`)
        throw fault(`its tensors of ${quote(names.linear(layer, linear))} do not fit this checkpoint`);
      parts.set(names.linear(layer, linear), [down, up]);
    }
  const strange = [...entries.keys()].length - 2 * parts.size;
  if (strange > 0 || parts.size === 0)
    throw fault(
      parts.size === 0
        ? 'none of its tensors belongs to a linear layer of this checkpoint'
        : `${strange} of its tensors belong to no linear layer of this checkpoint`,
    );
  return {
    rank: r,
    count: parts.size,
    async read(layer, linear) {
      const pair = parts.get(names.linear(layer, linear));
      if (!pair) return null;
      const [a, b] = await Promise.all(pair.map(readTensor) as [Promise<LowRank['a']>, Promise<LowRank['b']>]);
      return { rank: r, a, b: b.map((v) => v * factor) };
    },
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
