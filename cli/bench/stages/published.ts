import { publishedFigures } from '../../../src/lib/meter/published';
import { demand, plain, type BenchRow } from '../../shared/rows';

/** The profile table beside published measurements of named products: the part that it was fitted to, and the part that it never was. */
export const publishedRows = (): BenchRow[] =>
  (['fit', 'test'] as const).flatMap((part) => {
    const { rows, inside, off, width, order, pairs } = publishedFigures(part);
    const name = `published: part ${part}`;
    return [
      plain(`${name}, rows`, rows, ''),
      demand(`${name}, joules a token within low and high`, inside, '', 'least', 0.95),
      demand(`${name}, mid off by, median`, off, '', 'most', 0.15),
      demand(`${name}, high over low, median`, width, '', 'most', 3),
      demand(`${name}, pairs over 5 % apart in the right order, of ${pairs}`, order, '', 'least', 0.9),
    ];
  });
