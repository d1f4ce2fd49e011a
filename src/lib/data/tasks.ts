import type { Ticket } from '../schema/dataset';
import type { TaskName } from '../schema/run';

export interface ChatMessage {
  role: 'system' | 'user';
  content: string;
}

export interface Task {
  name: TaskName;
  title: string;
  /** The reference answer; null where the ticket has none, and so is no example of this task. */
  target(ticket: Ticket): string | null;
  /**
   * What the model reads. `budget` caps the ticket's text in characters (default `TEXT_BUDGET`), so that one long
   * ticket does not outgrow the context.
   */
  messages(ticket: Ticket, causes: readonly string[], budget?: number): ChatMessage[];
  /** Ceiling of a generated answer, in tokens. */
  maxNewTokens: number;
  /** `labels`: the most likely of the allowed causes is the answer. `text`: the generated text is. */
  scored: 'labels' | 'text';
}

/** Characters of ticket text in a prompt; some 300 tokens of English. */
export const TEXT_BUDGET = 1200;

/**
 * A ticket's text on one line, cut at a word within `budget` UTF-16 units; "..." marks the cut.
 * A surrogate pair is never halved.
 */
export function cutText(text: string, budget: number = TEXT_BUDGET): string {
  // Only a little more than the budget is normalised: a text may be a megabyte.
  const line = text
    .slice(0, 4 * budget)
    .replace(/\s+/g, ' ')
    .trim();
  if (line.length <= budget && text.length <= 4 * budget) return line;
  const room = Math.max(0, budget - 4);
  const head = line.slice(0, room).replace(/[\uD800-\uDBFF]$/, '');
  const space = head.lastIndexOf(' ');
  return `${(space > room / 2 ? head.slice(0, space) : head).trimEnd()} ...`;
}

export const TASK_TABLE: Readonly<Record<TaskName, Task>> = {
  rca: {
    name: 'rca',
    title: 'Root cause analysis',
    target: (ticket) => ticket.cause,
    messages: (ticket, causes, budget) => [
      {
        role: 'system',
        content: 'You find the root cause of fault tickets. Answer with one cause from the list only.',
      },
      { role: 'user', content: `Causes: ${causes.join('; ')}\nTicket: ${cutText(ticket.text, budget)}\nWhich cause?` },
    ],
    maxNewTokens: 16,
    scored: 'labels',
  },
  response: {
    name: 'response',
    title: 'Response',
    target: (ticket) => ticket.response,
    messages: (ticket, _causes, budget) => [
      { role: 'system', content: 'You answer fault tickets. Write what was done and what to do next, in short.' },
      { role: 'user', content: `Ticket: ${cutText(ticket.text, budget)}\nResponse?` },
    ],
    maxNewTokens: 64,
    scored: 'text',
  },
};
