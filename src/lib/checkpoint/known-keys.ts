import { JoulewiseError, quote } from '../core/errors';
import type { Family } from './families';
import { GGUF_ROPE_KEYS } from './rope';

/**
 * What the keys of a model's configuration may say: closed lists. A key is understood (it is read), or it computes nothing
 * here, or it must stand at a value that is neutral; every other is refused by name.
 */

/** Whether a value is understood or changes nothing. */
type Rule = (value: unknown) => boolean;
const any: Rule = () => true;
const only =
  (...neutral: unknown[]): Rule =>
  (value) =>
    neutral.some((n) => JSON.stringify(n) === JSON.stringify(value));
const rows = (keys: string, rule: Rule) => Object.fromEntries(keys.split(/\s+/).map((key) => [key, rule] as const));

/** A value of a header, for a sentence. */
const shown = (value: unknown) => quote(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'));

/** Keys of config.json (transformers 5: configuration_utils.py and the families' own), and what training tools leave there. */
const CONFIG_KEYS: Readonly<Record<string, Rule>> = {
  // Read in config.ts, rope.ts and quantized.ts, where their values are judged.
  ...rows(
    `architectures model_type hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads
    head_dim vocab_size rms_norm_eps rope_theta rope_scaling rope_parameters partial_rotary_factor
    original_max_position_embeddings max_position_embeddings sliding_window use_sliding_window max_window_layers
    layer_types tie_word_embeddings hidden_act attention_bias mlp_bias bos_token_id eos_token_id quantization_config
    quantization`,
    any,
  ),
  // How it is loaded, trained or called: nothing of the decoder's arithmetic.
  ...rows(
    `_name_or_path name_or_path _commit_hash transformers_version torch_dtype dtype use_cache initializer_range
    pad_token_id unk_token_id sep_token_id decoder_start_token_id pretraining_tp attention_dropout hidden_dropout
    resid_pdrop embd_pdrop attn_pdrop hidden_dropout_prob attention_probs_dropout_prob
    tokenizer_class prefix bad_words_ids id2label label2id num_labels problem_type finetuning_task
    task_specific_params output_attentions output_hidden_states return_dict return_dict_in_generate output_scores
    torchscript use_bfloat16 tf_legacy_loss use_flash_attn use_flash_attention use_flash_attention_2
    _flash_attn_2_enabled attn_implementation _attn_implementation _attn_implementation_autoset
    _attn_implementation_internal _experts_implementation auto_map custom_pipelines
    gradient_checkpointing unsloth_fixed unsloth_version model_name model_max_length max_sequence_length
    max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p
    typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size
    num_return_sequences remove_invalid_values exponential_decay_length_penalty suppress_tokens
    begin_suppress_tokens forced_bos_token_id forced_eos_token_id transformers.js_config joulewise is_llama_config
    sentence_embedding neftune_noise_alpha`,
    any,
  ),
  // transformers reads these for other kinds of model, or computes otherwise where they are set.
  ...rows('is_encoder_decoder is_decoder add_cross_attention tie_encoder_decoder attention_out_bias', only(false)),
  ...rows('cross_attention_hidden_size', only(null)),
  ...rows('chunk_size_feed_forward', only(0)),
  ...rows('pruned_heads', only({})),
  ...rows('rope_interleaved', only(false)),
  ...rows('num_experts num_local_experts', only(0, 1)),
  ...rows('use_qk_norm', only(false)),
  ...rows('embedding_multiplier residual_multiplier logits_scaling attention_multiplier', only(1)),
  ...rows('final_logit_softcapping attn_logit_softcapping', only(null)),
};

/** Throws `checkpoint.unsupported` for the first key of a config.json that is not known; a key that is null says nothing. */
export function checkConfigKeys(json: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(json)) {
    if (value === null) continue;
    const rule = Object.hasOwn(CONFIG_KEYS, key) ? CONFIG_KEYS[key] : undefined;
    if (rule?.(value)) continue;
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `config.json says ${quote(key)}: ${shown(value)}, which is not known here and may change what the model computes. Delete the key where you know that it does not; else use another checkpoint.`,
    );
  }
}

/** Keys behind the architecture's name in GGUF (llama.cpp: llama-arch.cpp), with the values that are understood. */
const ARCHITECTURE_KEYS: Readonly<Record<string, Rule>> = {
  ...rows(
    `vocab_size context_length embedding_length block_count feed_forward_length attention.head_count
    attention.head_count_kv attention.key_length attention.value_length attention.layer_norm_rms_epsilon
    attention.sliding_window`,
    any,
  ),
  // Of embedding models: what is done with outputs behind the decoder. The other epsilon is that of another norm.
  ...rows('pooling_type attention.layer_norm_epsilon', any),
  ...rows('attention.causal', only(true)),
  ...rows('tensor_data_layout', only('Meta AI original pth', 'reference')),
  ...rows('use_parallel_residual', only(false)),
  ...rows('expert_count expert_used_count expert_shared_count leading_dense_block_count nextn_predict_layers', only(0)),
  ...rows('logit_scale residual_scale embedding_scale', only(0, 1)),
  ...rows('attention.scale attention.clamp_kqv attention.max_alibi_bias', only(0)),
};

/** Keys of the tokenizer in GGUF; their values are judged in tokenizer.ts. */
const TOKENIZER_KEYS: Readonly<Record<string, Rule>> = {
  ...rows(
    `ggml.model ggml.pre ggml.tokens ggml.token_type ggml.scores ggml.merges ggml.bos_token_id ggml.eos_token_id
    ggml.eot_token_id ggml.eom_token_id ggml.unknown_token_id ggml.padding_token_id ggml.add_bos_token
    ggml.add_eos_token ggml.add_space_prefix chat_template`,
    any,
  ),
  // Named beside the others, and read by nobody who completes text; the library's own file repeats the rest.
  ...rows(
    `ggml.seperator_token_id ggml.separator_token_id ggml.cls_token_id ggml.mask_token_id ggml.fim_pre_token_id
    ggml.fim_suf_token_id ggml.fim_mid_token_id ggml.fim_pad_token_id ggml.fim_rep_token_id ggml.fim_sep_token_id
    ggml.prefix_token_id ggml.suffix_token_id ggml.middle_token_id ggml.token_type_count ggml.add_sep_token
    huggingface.json chat_templates`,
    any,
  ),
  // llama.cpp reads it for T5's tokenizer alone.
  ...rows('ggml.remove_extra_whitespaces', any),
};

/** Keys that describe the file, by what they begin with: no reader computes with them. `split.count` says of how many it is one. */
const DESCRIPTIVE = /^(?:general|quantize|mradermacher|bartowski|unsloth|joulewise|imatrix|lmstudio|ollama)\./;
const SPLIT: Readonly<Record<string, Rule>> = rows('split.no split.count split.tensors.count', any);

/** Throws `checkpoint.unsupported` for the first key of a GGUF file that is not known. */
export function checkGgufKeys(
  metadata: ReadonlyMap<string, unknown>,
  architecture: NonNullable<Family['gguf']>,
  headDim: number,
): void {
  const own = { ...ARCHITECTURE_KEYS, ...GGUF_ROPE_KEYS };
  for (const [key, value] of metadata) {
    if (DESCRIPTIVE.test(key) || Object.hasOwn(SPLIT, key) || /^tokenizer\.chat_template\./.test(key)) continue;
    const [list, name]: [Readonly<Record<string, (value: unknown, headDim: number) => boolean>>, string] =
      key.startsWith(`${architecture}.`)
        ? [own, key.slice(architecture.length + 1)]
        : [TOKENIZER_KEYS, key.replace(/^tokenizer\./, '')];
    const rule = Object.hasOwn(list, name) && (list === own || key.startsWith('tokenizer.')) ? list[name] : undefined;
    if (rule?.(value, headDim)) continue;
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `The GGUF file says ${quote(key)}: ${shown(value instanceof Float64Array ? [...value.subarray(0, 8)] : value).slice(0, 120)}, which is not known here and may change what the model computes. Use another file.`,
    );
  }
}
