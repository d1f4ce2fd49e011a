import { describe, expect, it } from 'vitest';
import type { Ticket } from '../schema/dataset';
import { cutText, TASK_TABLE, TEXT_BUDGET, taskOf, TEMPLATES } from './tasks';

const ticket: Ticket = {
  id: '1',
  text: 'link  down\nsince noon',
  cause: 'fibre cut',
  response: null,
  group: null,
  time: null,
};

describe('TASK_TABLE', () => {
  it('lists the causes in the RCA prompt and answers with one', () => {
    const [system, user] = TASK_TABLE.rca.messages(ticket, ['fibre cut', 'software error']);
    expect(system?.role).toBe('system');
    expect(user?.content).toBe('Causes: fibre cut; software error\nTicket: link down since noon\nWhich cause?');
    expect(TASK_TABLE.rca.target(ticket)).toBe('fibre cut');
    expect(TASK_TABLE.response.target(ticket)).toBeNull();
  });

  it('bounds the prompt', () => {
    const long = { ...ticket, text: 'word '.repeat(300_000) };
    expect(TASK_TABLE.response.messages(long, [])[1]?.content.length).toBeLessThan(TEXT_BUDGET + 40);
    expect(TASK_TABLE.response.messages(long, [], 100)[1]?.content.length).toBeLessThan(140);
  });
});

describe('cutText', () => {
  it('cuts at a word and marks the cut', () => {
    expect(cutText('one two three four', 14)).toBe('one two ...');
    expect(cutText('one two', 14)).toBe('one two');
    expect(cutText('x'.repeat(50), 10)).toBe('xxxxxx ...');
  });

  it('does not halve a surrogate pair', () => {
    for (let budget = 5; budget < 20; budget++) expect(cutText('😀'.repeat(30), budget).isWellFormed()).toBe(true);
  });
});

describe('a user’s own prompt', () => {
  const ticket = { id: '1', text: 'Oil {causes} rises', cause: 'Energy', response: null, group: null, time: null };
  const sector = TEMPLATES.find(({ id }) => id === 'sector');
  if (!sector) throw new Error('sector');

  it('takes the place of the task’s own words, filled in once', () => {
    const task = taskOf('rca', { rca: sector });
    expect(task.title).toBe('Headline to sector');
    expect(task.messages(ticket, ['Energy', 'Banks']).map(({ content }) => content)).toEqual([
      'You sort headlines by sector. Answer with one sector from the list only.',
      'Sectors: Energy; Banks\nHeadline: Oil {causes} rises\nWhich sector?',
    ]);
    expect(taskOf('response', { rca: sector })).toBe(TASK_TABLE.response);
    expect(taskOf('rca', undefined)).toBe(TASK_TABLE.rca);
    expect(
      taskOf('rca', { rca: { ...sector, system: ' ' } })
        .messages(ticket, [])
        .map(({ role }) => role),
    ).toEqual(['user']);
  });
});
