import { answerIds, type Tokenizer } from '../checkpoint/tokenizer';
import type { Task } from '../data/tasks';
import type { Ticket } from '../schema/dataset';
import type { Example } from './examples';

/** What a model is to learn, and how many answers were left out because they do not fit into its context. */
export interface Learning {
  examples: Example[];
  tooLong: number;
}

/** Each ticket once for each task that it has an answer for, as a run asks it, with the answer and its end of turn. */
export function examplesOf(
  tokenizer: Tokenizer,
  stopIds: readonly number[],
  tasks: readonly Task[],
  tickets: readonly Ticket[],
  causes: readonly string[],
  context: number,
): Learning {
  const all = tickets.flatMap((ticket) =>
    tasks.flatMap((task): Example[] => {
      const target = task.target(ticket);
      if (target === null) return [];
      const prompt = tokenizer.chat(task.messages(ticket, causes));
      return [{ ids: [...prompt, ...answerIds(tokenizer, stopIds, target)], answer: prompt.length }];
    }),
  );
  const examples = all.filter(({ ids }) => ids.length <= context);
  return { examples, tooLong: all.length - examples.length };
}
