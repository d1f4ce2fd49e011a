import { makeGguf } from '../../src/lib/checkpoint/testing';
import type { Checkpoint } from '../../src/lib/checkpoint/checkpoint';

const NAMES: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** `model.layers.2.mlp.up_proj.weight` -> `blk.2.ffn_up.weight`. */
function ggufName(name: string): string {
  const [, layer, part] = /^(?:model\.layers\.(\d+)\.)?(.+)\.weight$/.exec(name) ?? [];
  const short = NAMES[part ?? ''];
  if (short === undefined) throw new Error(`${name} has no GGUF name here`);
  return `${layer === undefined ? '' : `blk.${layer}.`}${short}.weight`;
}

/** A checkpoint as llama.cpp would write it: float32, its byte-level tokenizer as metadata, rows of q and k in pairs. */
export async function ggufOf(checkpoint: Checkpoint): Promise<Uint8Array> {
  const { config: c, tokenizer } = checkpoint;
  const { vocab, merges } = tokenizer.tokenizer['model'] as { vocab: Record<string, number>; merges: string[][] };
  const added = tokenizer.tokenizer['added_tokens'] as { id: number; content: string }[];
  const tokens = Object.keys(vocab).toSorted((a, b) => (vocab[a] ?? 0) - (vocab[b] ?? 0));
  const [NORMAL, CONTROL] = [1, 3];
  const metadata = {
    'general.architecture': c.family.toLowerCase(),
    ...Object.fromEntries(
      Object.entries({
        embedding_length: c.hiddenSize,
        block_count: c.layers,
        feed_forward_length: c.intermediateSize,
        'attention.head_count': c.heads,
        'attention.head_count_kv': c.kvHeads,
        'attention.layer_norm_rms_epsilon': c.normEpsilon,
        context_length: c.maxPositions,
        'rope.freq_base': Float32Array.of(c.ropeTheta)[0] ?? 0,
      }).map(([key, value]) => [`${c.family.toLowerCase()}.${key}`, value]),
    ),
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': Float32Array.from(tokens, (t) =>
      added.some((a) => a.content === t) ? CONTROL : NORMAL,
    ),
    'tokenizer.ggml.merges': merges.map((m) => m.join(' ')),
    'tokenizer.ggml.eos_token_id': c.eosTokenIds[0] ?? 0,
    'tokenizer.chat_template': String(tokenizer.config['chat_template']),
  };
  const tensors = [];
  for (const [name, { shape }] of checkpoint.tensors) {
    const data = await checkpoint.read(name);
    const width = shape.at(-1) ?? 1;
    const rows = data.length / width;
    const half = c.headDim / 2;
    const paired = Float32Array.from(data, (v, at) => {
      if (!/[qk]_proj/.test(name)) return v;
      const [row, column] = [Math.floor(at / width), at % width];
      const [head, within] = [Math.floor(row / c.headDim), row % c.headDim];
      return data[(head * c.headDim + (within % 2) * half + (within >> 1)) * width + column] ?? 0;
    });
    tensors.push({
      name: ggufName(name),
      dims: rows === 1 ? [width] : [width, rows],
      type: 0,
      data: new Uint8Array(paired.buffer),
    });
  }
  return makeGguf(metadata, tensors);
}
