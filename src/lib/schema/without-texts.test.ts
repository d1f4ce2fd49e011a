import { describe, expect, it } from 'vitest';
import type { RunRecord } from './run';
import { runWithoutTexts } from './without-texts';

describe('runWithoutTexts', () => {
  it('keeps numbers and which cause was chosen, and no word of a ticket', () => {
    const run = {
      id: 'r',
      causes: ['Fibre of Aylin', 'Power'],
      tickets: [
        { id: 'row 1', output: 'Power', reference: 'Fibre of Aylin', newTokens: 3 },
        { id: 'row 2', output: 'called Aylin', reference: 'Power', newTokens: 4 },
      ],
    } as unknown as RunRecord;
    const saved = runWithoutTexts(run);
    expect(JSON.stringify(saved)).not.toMatch(/Aylin|Power|Fibre/);
    expect(saved.tickets.map(({ output, reference, newTokens }) => [output, reference, newTokens])).toEqual([
      ['cause 2', 'cause 1', 3],
      ['(12 characters, left out)', 'cause 2', 4],
    ]);
  });
});
