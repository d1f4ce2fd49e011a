import { describe, expect, it } from 'vitest';
import type { Row } from './formats';
import { counterColumns, guessMapping, parseMapping, wordsOf } from './mapping';

const PROSE = 'The link between the two sites is down since this morning and users complain';
const rowsOf = (columns: Readonly<Record<string, (i: number) => string>>, count = 40): Row[] =>
  Array.from({ length: count }, (_, i) => new Map(Object.entries(columns).map(([name, cell]) => [name, cell(i)])));
const guess = (columns: Readonly<Record<string, (i: number) => string>>) =>
  guessMapping(Object.keys(columns), rowsOf(columns));

const title = (i: number) => `Link ${i} down`;
const prose = (i: number) => `${PROSE} ${i}`;
const label = (i: number) => ['fibre cut', 'power', 'software'][i % 3] ?? '';
const date = (i: number) => `2025-01-01 10:${String(i % 60).padStart(2, '0')}`;

describe('guessMapping', () => {
  it('knows ServiceNow', () => {
    expect(guess({ number: title, opened_at: date, short_description: title, description: prose, close_code: label, close_notes: prose })).toEqual({
      text: ['short_description', 'description'], cause: 'close_code', response: 'close_notes', group: null, time: 'opened_at',
    }); // prettier-ignore
  });

  it('knows Jira, where "Resolution" may be a status', () => {
    expect(guess({ Summary: title, Description: prose, Resolution: () => 'Done', Created: date })).toMatchObject({
      text: ['Summary', 'Description'],
      response: null,
    });
    expect(guess({ 'fields.summary': title, 'fields.description': prose, 'fields.resolution': prose })).toMatchObject({
      text: ['fields.summary', 'fields.description'],
      response: 'fields.resolution',
    });
  });

  it('knows TMF621', () => {
    expect(
      guess({ id: title, name: title, description: prose, ticketType: label, creationDate: date, 'note.text': prose }),
    ).toMatchObject({
      text: ['name', 'description'],
      cause: 'ticketType',
      time: 'creationDate',
    });
  });

  it('knows the public sets', () => {
    expect(guess({ Document: prose, Topic_group: label })).toMatchObject({
      text: ['Document'],
      cause: 'Topic_group',
      response: null,
    });
    expect(guess({ title, summary: prose, 'root cause': prose, mitigation: prose })).toMatchObject({
      text: ['title', 'summary'],
      cause: 'root cause',
      response: 'mitigation',
    });
  });

  it('falls back to content', () => {
    expect(guess({ a: String, b: prose, c: label })).toMatchObject({ text: ['b'], cause: 'c', response: null });
    expect(guess({ a: String, b: (i) => String(i % 3) })).toEqual({
      text: [],
      cause: null,
      response: null,
      group: null,
      time: null,
    });
  });
});

describe('columns of numbers', () => {
  const counters = Object.fromEntries(
    [0, 1, 2, 3].map((n) => [`alarm_${n}`, (i: number) => String((i * n) % 7)] as const),
  );
  const found = (columns: Readonly<Record<string, (i: number) => string>>) =>
    counterColumns(Object.keys(columns), rowsOf(columns));

  it('are found where there are enough of them', () => {
    expect(found({ ...counters, title, label })).toEqual(Object.keys(counters));
    expect(found({ id: String, priority: (i) => String(i % 4), title, label })).toEqual([]);
    expect(found({ ...counters, empty: () => '' })).toEqual(Object.keys(counters));
  });

  it('say their name with the number, and nothing where they are 0', () => {
    expect(wordsOf('alarm_3', '900', 2)).toBe('alarm_3 900');
    expect(wordsOf('alarm_3', '0', 2)).toBeNull();
    expect(wordsOf('alarm_3', null, 2)).toBeNull();
    expect(wordsOf('code', '900', 1)).toBe('900');
    expect(wordsOf('title', 'Link down', 2)).toBe('Link down');
  });
});

describe('parseMapping', () => {
  it('reads keys, several text columns and quoted names', () => {
    expect(parseMapping('text=title|summary,target=root cause')).toEqual({
      text: ['title', 'summary'],
      cause: 'root cause',
    });
    expect(parseMapping('target=fix', 'response')).toEqual({ response: 'fix' });
    expect(parseMapping('text="a,b"|"c|d", group = site ')).toEqual({ text: ['a,b', 'c|d'], group: 'site' });
  });

  it.each([
    ['text', 'option.invalid'],
    ['', 'option.invalid'],
    ['text=', 'option.invalid'],
    ['label=x', 'option.unknown'],
    ['cause=a|b', 'option.invalid'],
  ])('refuses %s', (option, code) =>
    expect(() => parseMapping(option)).toThrow(expect.objectContaining({ code }) as Error),
  );
});
