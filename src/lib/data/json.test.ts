import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatten } from './json';
import { type Element, JsonScanner } from './json-scan';

function split(text: string, size: number, place = 'list []') {
  const scanner = new JsonScanner(({ id }) => (id === place ? 'text' : false));
  const out: Element[] = [];
  for (let i = 0; i < text.length; i += size) out.push(...scanner.push(text.slice(i, i + size)));
  return { out: out.map((element) => element.text), elements: out, scanner };
}

describe('JsonScanner', () => {
  it('gives back every object, however the text is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        (list, size, wrapped) => {
          const text = JSON.stringify(
            wrapped ? { count: list.length, 'a"]}': '[{', data: { items: list } } : list,
            null,
            size % 3,
          );
          const { out, scanner } = split(text, size, wrapped ? 'list ["data","items"]' : 'list []');
          expect(out.map((part) => JSON.parse(part) as unknown)).toEqual(JSON.parse(JSON.stringify(list)));
          expect(scanner.unfinished).toBe(false);
        },
      ),
    );
  });

  it('tells objects, texts, lists and other values apart, and looks into no list inside a list', () => {
    const { elements } = split(
      '{"tags":["a","b"],"tickets":[{"a":1},2,"x,y",[{"b":1}],{"a":3}],"more":[{"c":1}]}',
      7,
      'list ["tickets"]',
    );
    expect(elements.map(({ kind, text }) => [kind, text])).toEqual([
      ['object', '{"a":1}'],
      ['other', ''],
      ['text', '"x,y"'],
      ['list', '[{"b":1}]'],
      ['object', '{"a":3}'],
    ]);
  });

  it('refuses deep nesting', () => expect(() => split('['.repeat(1000), 100)).toThrow(/levels deep/));
});

describe('flatten', () => {
  it('names cells by path and joins lists by lines', () => {
    const ticket = {
      id: 7,
      fields: { summary: 's' },
      note: [{ text: 'a' }, { text: 'b', date: null }],
      tags: ['x', 'y'],
    };
    expect(Object.fromEntries(flatten(ticket))).toEqual({
      id: '7',
      'fields.summary': 's',
      'note.text': 'a\nb',
      'note.date': '',
      tags: 'x\ny',
    });
  });

  it('takes the shown value of ServiceNow, and the text of a Jira document', () => {
    const cells = flatten({
      number: { display_value: 'INC0001', value: 'INC0001' },
      assignment_group: { display_value: 'Transport', link: 'https://x.test/api/1' },
      fields: {
        description: {
          type: 'doc',
          version: 1,
          content: [
            {
              type: 'paragraph',
              content: [
                { type: 'text', text: 'Link down' },
                { type: 'text', text: ' at site 7' },
              ],
            },
            {
              type: 'bulletList',
              content: [
                {
                  type: 'listItem',
                  content: [{ type: 'paragraph', content: [{ type: 'text', text: 'since 03:00' }] }],
                },
              ],
            },
          ],
        },
      },
    });
    expect(Object.fromEntries(cells)).toEqual({
      number: 'INC0001',
      assignment_group: 'Transport',
      'fields.description': 'Link down at site 7\nsince 03:00',
    });
  });
});
