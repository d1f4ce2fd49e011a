import { quote } from '../core/errors';

/** What keeps an experiment from being run. */
export const PROBLEMS = {
  running: 'An experiment is running. Stop it, or wait for its end.',
  pending: (name: string) => `${quote(name)} is not imported yet: press Import under "Tickets", or Cancel.`,
  noAnswers: (name: string, task: string) =>
    `None of the test tickets of ${quote(name)} has an answer for ${task}. Choose another task under "Tickets", or a file with such a column.`,
  noTask: 'Choose at least one task under "Tickets".',
  noPrecision: 'Choose at least one precision under "Variants".',
  prompt: (lacks: string) => `A prompt under "Tickets" lacks ${lacks}, which is filled in.`,
  limit: 'Tickets per task must be a whole number from 1 on.',
  slices: 'Slices must be a whole number from 1 to 100.',
  margin: 'The margin of quality must be a number from 0 to 1.',
  percent: 'The bound of joules must be a number from 0.1 to 50 %, or empty.',
  tokens: 'Tokens per response must be a whole number from 1 to 2048.',
  threads: 'Threads must be a whole number from 1 to 64, or empty.',
  best: 'The number of best variants must be a whole number from 1 to 50.',
  importing: 'The tickets are still being imported.',
  storing: 'The checkpoint is still being stored.',
  downloading: (bytes: number, of: number | null) =>
    `The model is being downloaded${of === null ? '' : `: ${Math.floor((100 * bytes) / of)} %`}. What has come is kept.`,
  exportsOnly: 'Ready-made exports are of Hub models: choose one, or another engine.',
  exportsPruned: 'Ready-made exports cannot be pruned: take the prunings out.',
  count: 'The number of generated tickets must be a whole number from 10 to 20000.',
  seed: 'The seed must be a whole number.',
  noise: 'Noise and gaps of generated tickets go from 0 to 3.',
  repository: 'A Hub repository is written owner/name, for example HuggingFaceTB/SmolLM2-135M-Instruct.',
} as const;

/** What keeps an experiment from being run: the name of its sentence, and what that says. The first page loads no sentence before there is one to say. */
export type Problem = {
  [K in keyof typeof PROBLEMS]: (typeof PROBLEMS)[K] extends (...args: infer A) => string ? [K, ...A] : [K];
}[keyof typeof PROBLEMS];

export function problemSentence([name, ...values]: Problem): string {
  const text = PROBLEMS[name];
  return typeof text === 'string' ? text : (text as (...values: unknown[]) => string)(...values);
}
