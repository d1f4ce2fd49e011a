import { describe, expect, it } from 'vitest';
import { between, exact, exampleResult } from '../../rank/example';
import { csvCell, resultsCsv } from './csv';

describe('csv', () => {
  it('quotes what needs it and disarms formulas', () => {
    expect(csvCell('a,"b"')).toBe('"a,""b"""');
    expect(csvCell('=HYPERLINK("x")')).toBe(`"'=HYPERLINK(""x"")"`);
    expect(csvCell(-1.5)).toBe('-1.5');
    expect(csvCell(null)).toBe('');
  });

  it('writes ranked and unranked variants with their metrics', () => {
    const csv = resultsCsv(
      [
        exampleResult({ variant: 'int8', energy: between(0.4, 0.5, 0.6), metrics: { 'rca.accuracy': exact(0.7) } }),
        exampleResult({ variant: 'odd, name', energy: null }),
        exampleResult({ variant: 'tf-idf', engine: 'classical' }),
      ],
      0.5,
    );
    const lines = csv.trimEnd().split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^rank,variant,.*notes,rca\.accuracy$/);
    expect(lines[1]).toMatch(/^1,int8,.*,0\.7$/);
    expect(lines[2]).toMatch(/^,"odd, name",.*not ranked/);
    expect(lines[3]).toMatch(/^,tf-idf,.*,beside,/);
  });
});
