import type { PlanRecord } from './plan';
import type { RunRecord } from './run';

/** What a saved file says instead of a text of a ticket: its length, in characters. */
const gone = (text: string) => `(${text.length} characters, left out)`;

/**
 * A run without what tickets say: answers and references are left out, causes are numbered in their order, and all
 * numbers stay. Redaction may miss a name, and files are passed on.
 */
export function runWithoutTexts(run: RunRecord): RunRecord {
  const numbers = new Map(run.causes?.map((cause, i) => [cause, `cause ${i + 1}`]));
  const said = (text: string) => numbers.get(text) ?? gone(text);
  return {
    ...run,
    ...(run.causes && { causes: run.causes.map((cause) => said(cause)) }),
    tickets: run.tickets.map((ticket) => ({
      ...ticket,
      output: said(ticket.output),
      reference: said(ticket.reference),
    })),
  };
}

/** A plan without prompts of the user's own, which may name people and customers as well. */
export function planWithoutTexts(plan: PlanRecord): PlanRecord {
  const { templates: _, ...rest } = plan;
  return rest;
}
