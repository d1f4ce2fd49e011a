import { expect, it } from 'vitest';
import { generatedBy } from './tickets';

it('tickets are generated where the option says so, and in no other case', () => {
  expect(generatedBy('generated')).toBe('usual');
  expect(generatedBy('generated:other')).toBe('other');
  for (const file of ['tickets.csv', 'generated.csv', './generated', 'regenerated', 'C:\\generated', ''])
    expect(generatedBy(file), file).toBe(null);
  expect(() => generatedBy('generated:welsh')).toThrow(/Write --data generated, or generated: and one of usual, other/);
});
