import { describe, expect, it } from 'vitest';
import type { Ticket } from '../schema/dataset';
import { cutText, TASK_TABLE, TEXT_BUDGET } from './tasks';

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
