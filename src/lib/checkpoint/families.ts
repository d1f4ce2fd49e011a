/** Model families: one row each. What they share is `block.ts`: names follow transformers, and GGUF's are mapped onto them. */
export interface Family {
  name: 'Llama' | 'Mistral' | 'Qwen2' | 'Qwen3';
  /** `model_type` and `architectures[0]` of config.json. */
  modelType: string;
  architecture: string;
  /** `general.architecture` of GGUF, or null where GGUF files call themselves by another row's name. */
  gguf: string | null;
  qkvBias: boolean;
  qkNorm: boolean;
  /** Whether a token sees a window of those before it: never, whenever the config has one, or where it is switched on. */
  window: 'none' | 'always' | 'switched';
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
    window: 'none',
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
    window: 'always',
    ggufPermutesQK: true,
  },
  {
    name: 'Qwen2',
    modelType: 'qwen2',
    architecture: 'Qwen2ForCausalLM',
    gguf: 'qwen2',
    qkvBias: true,
    qkNorm: false,
    window: 'switched',
    ggufPermutesQK: false,
  },
  {
    name: 'Qwen3',
    modelType: 'qwen3',
    architecture: 'Qwen3ForCausalLM',
    gguf: 'qwen3',
    qkvBias: false,
    qkNorm: true,
    window: 'switched',
    ggufPermutesQK: false,
  },
];
