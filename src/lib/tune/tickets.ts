import { answerIds, type Tokenizer } from '../checkpoint/tokenizer';
import type { Task } from '../data/tasks';
import type { Ticket } from '../schema/dataset';
import type { Example } from './examples';

/**
 * What a model is to learn: each ticket once for each task that it has an answer for, as a run asks it, with the answer
 * and its end of turn. What is longer than the context is left out.
 */
export function examplesOf(
  tokenizer: Tokenizer,
  stopIds: readonly number[],
  tasks: readonly Task[],
  tickets: readonly Ticket[],
  causes: readonly string[],
  context: number,
): Example[] {
  return tickets.flatMap((ticket) =>
    tasks.flatMap((task) => {
      const target = task.target(ticket);
      if (target === null) return [];
      const prompt = tokenizer.chat(task.messages(ticket, causes));
      const ids = [...prompt, ...answerIds(tokenizer, stopIds, target)];
      return ids.length > context ? [] : [{ ids, answer: prompt.length }];
    }),
  );
}
