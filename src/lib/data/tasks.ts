import type { Ticket } from '../schema/dataset';
import type { Template, Templates } from '../schema/plan';
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

/** What a classical answer reads of a ticket: as much as a model does, so that the two compare. */
export const readBy = (task: TaskName, text: string) => (task === 'summary' ? text : cutText(text));

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
  summary: {
    name: 'summary',
    title: 'Summary',
    // A written answer is one column, whatever was asked for: a file with responses and summaries is imported twice.
    target: (ticket) => ticket.response,
    messages: (ticket, _causes, budget) => [
      { role: 'system', content: 'You summarise reports. Write what matters in one to three sentences.' },
      { role: 'user', content: `Report: ${cutText(ticket.text, budget)}\nSummary?` },
    ],
    maxNewTokens: 96,
    scored: 'text',
  },
};

/** Ready-made prompts for other work of the same two forms: choosing one of the values of a column, or writing a text. */
export const TEMPLATES: readonly (Template & { id: string; task: TaskName })[] = [
  {
    id: 'sector',
    task: 'rca',
    title: 'Headline to sector',
    system: 'You sort headlines by sector. Answer with one sector from the list only.',
    user: 'Sectors: {causes}\nHeadline: {text}\nWhich sector?',
  },
  {
    id: 'route',
    task: 'rca',
    title: 'Message to team',
    system: 'You pass messages on to the team that can help. Answer with one team from the list only.',
    user: 'Teams: {causes}\nMessage: {text}\nWhich team?',
  },
  {
    id: 'title',
    task: 'response',
    title: 'Headline',
    system: 'You write headlines. Answer with one line.',
    user: 'Text: {text}\nHeadline?',
  },
];

/** Tokens of a text that a user's own prompt asks for: the plan's own ceiling holds. */
const OWN_MAX_TOKENS = 2048;

/** A task, with the user's words where a plan has any. */
export function taskOf(name: TaskName, templates: Templates | undefined): Task {
  const task = TASK_TABLE[name];
  const own = templates?.[name];
  if (!own) return task;
  return {
    ...task,
    title: own.title,
    maxNewTokens: task.scored === 'text' ? OWN_MAX_TOKENS : task.maxNewTokens,
    messages: (ticket, causes, budget) => {
      const values: Readonly<Record<string, string>> = {
        text: cutText(ticket.text, budget),
        causes: causes.join('; '),
      };
      // One pass: what a ticket says in braces is not filled in again.
      const fill = (words: string) => words.replace(/\{(text|causes)\}/g, (_, key: string) => values[key] ?? '');
      return [
        ...(own.system.trim() === '' ? [] : [{ role: 'system' as const, content: fill(own.system) }]),
        { role: 'user', content: fill(own.user) },
      ];
    },
  };
}
