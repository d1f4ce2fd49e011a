import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint';
import { fileSet } from '../checkpoint/testing';
import { createTokenizer } from '../checkpoint/tokenizer';
import { JoulewiseError } from '../core/errors';
import { openFp32 } from './testing';

const folder = new URL('../../../../shared/cases/', import.meta.url);
const missing = !existsSync(folder);
if (missing)
  console.warn('Skipped: ../shared/cases is absent, so 40 checkpoints and adapters of others are not tried.');

interface Right {
  /** Nats a token; unset = as the reference beside the files says. */
  nll?: number;
  /** How many ids the text has, and the first of them. */
  ids?: readonly [count: number, first: number];
  /** What the sentence of a refusal says; such a case is right where it is refused. */
  refused?: RegExp;
  /** What must be said of what was read. */
  says?: RegExp;
}

/** What is right for each case that the reference beside its files does not say. */
const RIGHT: Readonly<Record<string, Right>> = {
  'a01-pissa': { refused: /"init_lora_weights" is "pissa"/ },
  'a08-layer-replication': { refused: /"layer_replication"/ },
  'a11-alora': { refused: /"alora_invocation_tokens"/ },
  'a18-base-prefix': { refused: /base_model\.model\.layers\.0\.self_attn\.q_proj\.lora_A\.weight/ },
  'g01-llama-qkv-bias': { refused: /"blk\.0\.attn_output\.bias"/ },
  'g02-qwen3-bias': { refused: /"blk\.0\.attn_output\.bias"/ },
  'g03-llama-mlp-bias': { refused: /"blk\.0\.ffn_\w+\.bias"/ },
  'g07-rope-dims-half': { refused: /"llama\.rope\.dimension_count"/ },
  'g08-llama-bpe-no-add-bos': { ids: [50, 0] },
  'g09-tekken-no-add-bos': { ids: [51, 0] },
  'g17-no-pre': { refused: /"tokenizer\.ggml\.pre"/ },
  'g18-pre-default': { refused: /"tokenizer\.ggml\.pre"/ },
  'g31-tokens-beyond-embedding': { refused: /402 tokens.* 400 rows/ },
  'llama-all-biases': { refused: /biases/ },
  'm05-qwen2-window': { refused: /sliding window/ },
  'm06-mistral-window': { refused: /sliding window/ },
  'm20-qwen2-layer-types': { refused: /sliding window/ },
  'mistral-window16': { refused: /sliding window/ },
  'm30-chatml-beyond-vocab': { refused: /id 401.* 400 rows/ },
  'm31-inf-weight': { nll: NaN },
  'rope-dynamic': { refused: /dynamic rope/ },
  'untied-head-missing': { refused: /lm_head\.weight/ },
  'peft-base-and-adapters/alora': { refused: /"alora_invocation_tokens"/ },
  'peft-base-and-adapters/pissa': { refused: /"init_lora_weights" is "pissa"/ },
  'peft-base-and-adapters/embed-lora-tied': { refused: /embed_tokens/ },
  'peft-base-and-adapters/token-rows-tied': { refused: /"trainable_token_indices"/ },
  'quantized-bnb-mlx/bnb-nf4': { refused: /bitsandbytes/ },
  'quantized-bnb-mlx/mlx-mxfp4': { refused: /mxfp4/ },
};

const isFolder = (path: string) => statSync(new URL(path, folder), { throwIfNoEntry: false })?.isDirectory() ?? false;
const below = (path: string) => (isFolder(path) ? readdirSync(new URL(`${path}/`, folder)) : []);
const json = (path: string): Record<string, unknown> | null =>
  existsSync(new URL(path, folder))
    ? (JSON.parse(readFileSync(new URL(path, folder), 'utf8').replaceAll('NaN', 'null')) as Record<string, unknown>)
    : null;

/** Folders that hold a checkpoint, or an adapter whose base lies beside it. */
const cases = missing
  ? []
  : readdirSync(folder).flatMap((name) => {
      if (!isFolder(name)) return [];
      const inner = below(name).filter((sub) => isFolder(`${name}/${sub}`));
      const holds = (path: string) =>
        below(path).some((file) =>
          /^(?:model(?:-00001-of-\d+)?\.safetensors|.*\.gguf|adapter_model\.safetensors)$/.test(file),
        );
      if (inner.includes('adapter')) return [{ name, folders: [`${name}/base`, `${name}/adapter`] }];
      return [
        ...(holds(name) ? [{ name, folders: [name] }] : []),
        ...inner
          .map((sub) => `${name}/${sub}`)
          .filter(holds)
          .map((path) => ({
            name: path,
            // Quantized folders come without a tokenizer: they are asked for ids.
            folders:
              inner.includes('base') && !path.endsWith('/base')
                ? [`${name}/base`, path]
                : name.startsWith('quantized')
                  ? ['rope-linear', path]
                  : [path],
          })),
      ];
    });

function filesOf(folders: readonly string[]) {
  const all: Record<string, Uint8Array> = {};
  for (const path of folders)
    for (const file of below(path))
      if (/\.(?:json|safetensors|gguf|jinja)$/.test(file) && file !== 'expected.json' && file !== 'ref.json')
        all[file] = new Uint8Array(readFileSync(new URL(`${path}/${file}`, folder)));
  return fileSet(all);
}

/** Text and reference: `ref.json` with `text.txt`, or an `expected.json` here or above. */
function askedOf(name: string) {
  const [parent = '', sub] = name.split('/');
  const text = existsSync(new URL(`${name}/text.txt`, folder))
    ? // As the command line reads it: a last line break is the editor's.
      readFileSync(new URL(`${name}/text.txt`, folder), 'utf8').replace(/\n$/, '')
    : null;
  const ref = json(`${name}/ref.json`);
  const own = json(`${name}/expected.json`);
  const shared = json(`${parent}/expected.json`);
  const listed =
    sub === undefined ? null : (shared?.['decoded_nll_mean'] as Record<string, unknown> | undefined)?.[sub];
  const nll = ref?.['nll'] ?? own?.['nll_mean'] ?? listed ?? (sub === 'base' ? shared?.['base_nll_mean'] : null);
  return {
    text,
    first: (ref?.['ids'] ?? null) as number[] | null,
    ids: (text === null ? (own?.['ids'] ?? shared?.['ids'] ?? null) : null) as number[] | null,
    nll: typeof nll === 'number' ? nll : null,
  };
}

interface Found {
  refused: string | null;
  nll: number | null;
  ids: readonly number[];
  notes: readonly string[];
}

async function read(name: string, folders: readonly string[]): Promise<Found> {
  const asked = askedOf(name);
  try {
    const checkpoint: Checkpoint = await openCheckpoint(filesOf(folders));
    const tokenizer = createTokenizer(checkpoint.tokenizer);
    const ids = asked.ids ?? tokenizer.encode(asked.text ?? '');
    const session = await openFp32(checkpoint);
    const { logProbs } = await session.evaluate(ids);
    await session.close();
    return {
      refused: null,
      ids,
      nll: -logProbs.reduce((a, x) => a + x, 0) / logProbs.length,
      notes: session.fallbacks,
    };
  } catch (error) {
    if (!(error instanceof JoulewiseError)) throw error;
    return { refused: error.message, nll: null, ids: [], notes: [] };
  }
}

describe.skipIf(missing)('checkpoints and adapters of others', () => {
  it.each(cases)('$name', async ({ name, folders }) => {
    const right = RIGHT[name] ?? {};
    const asked = askedOf(name);
    const nll = right.nll ?? asked.nll;
    const found = await read(name, folders);
    // JOULEWISE_CASES=1 lists what is right beside what is said now.
    if (process.env['JOULEWISE_CASES']) {
      const near =
        nll === null || found.nll === null
          ? null
          : Math.abs(found.nll - nll) < 1e-4 || (Number.isNaN(nll) && Number.isNaN(found.nll));
      const verdict = found.refused !== null ? 'refused' : right.refused || near === false ? 'WRONG' : 'right';
      console.log(
        `${verdict}\t${name}\tright: ${String(right.refused ?? right.ids ?? nll)}\tnow: ${found.refused ?? `${found.nll} ${found.ids.length} ${found.notes.join(' ')}`}`,
      );
    }
    if (right.refused) {
      expect(found.refused).toMatch(right.refused);
      return;
    }
    expect(found.refused).toBeNull();
    if (right.ids) expect([found.ids.length, found.ids[0]]).toEqual(right.ids);
    if (asked.first) expect(found.ids.slice(0, asked.first.length)).toEqual(asked.first);
    if (nll !== null) {
      if (Number.isNaN(nll)) expect(found.nll).toBeNaN();
      else expect(Math.abs((found.nll ?? NaN) - nll)).toBeLessThan(1e-4);
    } else if (!right.ids) throw new Error('nothing says what is right');
    if (right.says) expect(found.notes.join('\n')).toMatch(right.says);
  });
});
