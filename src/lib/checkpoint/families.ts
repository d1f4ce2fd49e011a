/** Model families: one row each. Weight names follow transformers; GGUF names are mapped onto them. */
export interface Family {
  name: 'Llama' | 'Mistral' | 'Qwen2' | 'Qwen3';
  /** `model_type` and `architectures[0]` of config.json. */
  modelType: string;
  architecture: string;
  /** `general.architecture` of GGUF, or null where GGUF files call themselves by another row's name. */
  gguf: string | null;
  qkvBias: boolean;
  qkNorm: boolean;
  /** llama.cpp's converter interleaves the rows of q and k for these; the reader undoes it. */
  ggufPermutesQK: boolean;
}

export const FAMILIES: readonly Family[] = [
  {
    name: 'Llama',
    modelType: 'llama',
    architecture: 'LlamaForCausalLM',
    gguf: 'llama',
    qkvBias: false,
    qkNorm: false,
    ggufPermutesQK: true,
  },
  // GGUF files of Mistral say "llama".
  {
    name: 'Mistral',
    modelType: 'mistral',
    architecture: 'MistralForCausalLM',
    gguf: null,
    qkvBias: false,
    qkNorm: false,
    ggufPermutesQK: true,
  },
  {
    name: 'Qwen2',
    modelType: 'qwen2',
    architecture: 'Qwen2ForCausalLM',
    gguf: 'qwen2',
    qkvBias: true,
    qkNorm: false,
    ggufPermutesQK: false,
  },
  {
    name: 'Qwen3',
    modelType: 'qwen3',
    architecture: 'Qwen3ForCausalLM',
    gguf: 'qwen3',
    qkvBias: false,
    qkNorm: true,
    ggufPermutesQK: false,
  },
];

/** The linear layers of a decoder block, by their transformers name. */
export const LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type LinearName = (typeof LINEARS)[number];

const block = (layer: number) => `model.layers.${layer}.`;
/** Transformers' names of the tensors of a Llama-family model. */
export const names = {
  embedding: 'model.embed_tokens.weight',
  finalNorm: 'model.norm.weight',
  head: 'lm_head.weight',
  inputNorm: (layer: number) => `${block(layer)}input_layernorm.weight`,
  postNorm: (layer: number) => `${block(layer)}post_attention_layernorm.weight`,
  qNorm: (layer: number) => `${block(layer)}self_attn.q_norm.weight`,
  kNorm: (layer: number) => `${block(layer)}self_attn.k_norm.weight`,
  linear: (layer: number, name: LinearName, part: 'weight' | 'bias' = 'weight') =>
    `${block(layer)}${/gate|up|down/.test(name) ? 'mlp' : 'self_attn'}.${name}.${part}`,
};
