import { trainBpe } from '../../checkpoint/bpe';
import { answerIds, type Tokenizer, type TokenizerFiles } from '../../checkpoint/tokenizer';
import { createRandom } from '../../core/random';
import { CAUSES } from '../../data/faults';
import { generateDataset, generateTickets } from '../../data/generator';
import { TASK_TABLE } from '../../data/tasks';
import { joinPasses, packExamples, type Example } from '../../tune/examples';
import { TUNE, type TuneOptions } from '../../tune/trainer';

/** What the built-in checkpoint is made of: its form, its tokenizer, its tickets, its two stages. Nothing is read from a file. */

type Ticket = ReturnType<typeof generateTickets>[number];
type Pass = ReturnType<typeof packExamples>;

export const SEED = 20250101;
const SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] as const;
const END = SPECIAL.indexOf('<|im_end|>');
const VOCABULARY = 2048;
/** Of new matrices (transformers: initializer_range). */
export const SPREAD = 0.02;
const CHAT_TEMPLATE =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** config.json. */
export const CONFIG_FILE = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: VOCABULARY,
  hidden_size: 256,
  intermediate_size: 768,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  head_dim: 32,
  hidden_act: 'silu',
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
  attention_bias: false,
  mlp_bias: false,
  initializer_range: SPREAD,
  bos_token_id: null,
  eos_token_id: END,
  pad_token_id: 0,
  torch_dtype: 'float16',
};

export const GENERATION_FILE = { eos_token_id: END, pad_token_id: 0, do_sample: false };

const TOKENIZER_FILE = {
  add_prefix_space: false,
  added_tokens_decoder: Object.fromEntries(
    SPECIAL.map((content, id) => [
      String(id),
      { content, lstrip: false, normalized: false, rstrip: false, single_word: false, special: true },
    ]),
  ),
  additional_special_tokens: SPECIAL.slice(1),
  bos_token: null,
  chat_template: CHAT_TEMPLATE,
  clean_up_tokenization_spaces: false,
  eos_token: SPECIAL[END],
  model_max_length: CONFIG_FILE.max_position_embeddings,
  pad_token: SPECIAL[0],
  tokenizer_class: 'GPT2Tokenizer',
  unk_token: null,
};

/** Tickets of a stage, steps, and what a step reads. */
export interface Stage {
  /** Networks of 500 tickets, of seeds from `seed` on. */
  seed: number;
  networks: number;
  steps: number;
  /** Peak of the rate. */
  lr: number;
  /** What a token of a prompt counts; an answer's counts 1, a cause's 4. */
  prompt: number;
  /**
   * Passes of a step: how many tickets each asks for their cause, and how many for a response. Causes come in one order a
   * step, so that the model does not learn their places, and prompts share their beginning all the same.
   */
  passes: readonly { causes: number; responses: number }[];
}

const NETWORK = 500;

/** The second stage teaches to copy the site's name: more responses, and prompts that count more. */
export const STAGES: readonly Stage[] = [
  {
    seed: 1000,
    networks: 80,
    steps: 2600,
    lr: 2e-3,
    prompt: 0.1,
    passes: [
      { causes: 8, responses: 0 },
      { causes: 0, responses: 8 },
    ],
  },
  {
    seed: 2000,
    networks: 48,
    steps: 1300,
    lr: 1.5e-3,
    prompt: 0.3,
    passes: [
      { causes: 4, responses: 4 },
      { causes: 0, responses: 8 },
    ],
  },
];

/** Seed 1 is the demo's: looked at on its validation split while training, scored on its test split. */
const HELD_OUT = { count: 2000, seed: 1 } as const;

/** What is built: its stages, and how many validation tickets judge it. */
export interface Recipe {
  /** config.json. */
  config: typeof CONFIG_FILE;
  stages: readonly Stage[];
  validation: number;
}

export const RECIPE: Recipe = { config: CONFIG_FILE, stages: STAGES, validation: 32 };

/** How a stage is trained. */
export const optionsOf = ({ steps, lr, passes }: Stage): TuneOptions => ({
  ...TUNE,
  steps,
  lr,
  warmup: Math.min(100, steps),
  floor: 0.03,
  decay: 0.05,
  beta2: 0.95,
  clip: 1,
  batch: passes.reduce((n, { causes, responses }) => n + causes + responses, 0),
  seed: SEED,
  evaluateEvery: 500,
});

const ticketsOf = ({ seed, networks }: Pick<Stage, 'seed' | 'networks'>): Ticket[] =>
  Array.from({ length: networks }, (_, i) => generateTickets({ count: NETWORK, seed: seed + i })).flat();

const LABELS = CAUSES.map(({ label }) => label);

/** The tokenizer of `size` tokens that a stage's prompts and answers give, in SmolLM2's form. */
export async function builtinTokenizer(
  { seed, networks }: Pick<Stage, 'seed' | 'networks'>,
  size: number,
): Promise<TokenizerFiles> {
  const texts: string[] = [];
  for (let i = 0; i < networks; i++) {
    const { tickets, causes } = await generateDataset({ count: NETWORK, seed: seed + i });
    const random = createRandom(seed + i).fork('order of causes');
    for (const ticket of tickets) {
      const shuffled = random.shuffle(causes);
      for (const task of [TASK_TABLE.rca, TASK_TABLE.response]) {
        for (const { role, content } of task.messages(ticket, shuffled)) texts.push(`${role}\n${content}`);
        texts.push(task.target(ticket) ?? '');
      }
    }
  }
  return { tokenizer: trainBpe(texts, { size, special: SPECIAL }), config: TOKENIZER_FILE };
}

/** A cause has three tokens where a response has twenty: it counts more, so that both are learned. */
const ANSWER = { rca: 4, response: 1 } as const;

function exampleOf(
  tokenizer: Tokenizer,
  name: keyof typeof ANSWER,
  ticket: Ticket,
  causes: readonly string[],
  prompt: number | null,
): Example {
  const task = TASK_TABLE[name];
  const own = tokenizer.chat(task.messages(ticket, causes));
  const ids = [...own, ...answerIds(tokenizer, [END], task.target(ticket) ?? '')];
  return { ids, answer: own.length, ...(prompt === null ? {} : { counts: { prompt, answer: ANSWER[name] } }) };
}

/** Passes of a stage's steps: tickets in an order that the seed gives, one for causes, one for responses. */
export function builtinPasses(tokenizer: Tokenizer, stage: Stage): (step: number) => Pass[] {
  const tickets = ticketsOf(stage);
  const random = createRandom(SEED).fork(`tickets from ${stage.seed}`);
  const order = { rca: random.fork('rca').shuffle(tickets), response: random.fork('response').shuffle(tickets) };
  const sum = (of: 'causes' | 'responses') => stage.passes.reduce((n, pass) => n + pass[of], 0);
  const each = { rca: sum('causes'), response: sum('responses') };
  return (step) => {
    const causes = random.fork(`step ${step}`).shuffle(LABELS);
    const next = { rca: step * each.rca, response: step * each.response };
    const group = (name: keyof typeof order, n: number) =>
      Array.from({ length: n }, () => {
        const ticket = order[name][next[name]++ % tickets.length] as Ticket;
        return exampleOf(tokenizer, name, ticket, causes, stage.prompt);
      });
    return stage.passes.map((pass) =>
      joinPasses([packExamples(group('rca', pass.causes)), packExamples(group('response', pass.responses))]),
    );
  };
}

/** Answers of the demo's validation tickets, of which none is trained on, each token counting 1. */
export async function heldOut(tokenizer: Tokenizer, tickets: number): Promise<Example[]> {
  const { tickets: all, split, causes } = await generateDataset(HELD_OUT);
  const own = all.filter((_, i) => split[i] === 'validation').slice(0, tickets);
  return (['rca', 'response'] as const).flatMap((name) =>
    own.map((ticket) => exampleOf(tokenizer, name, ticket, causes, null)),
  );
}
