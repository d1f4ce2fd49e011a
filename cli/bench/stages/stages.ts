import Papa from 'papaparse';
import { findDuplicates } from '../../../src/lib/data/duplicates';
import { generateTickets } from '../../../src/lib/data/generator';
import { importDataset } from '../../../src/lib/data/import';
import { redact } from '../../../src/lib/data/redact';
import { textSource } from '../../../src/lib/data/testing';
import { experimentRow } from '../../../src/lib/state/kept/testing';
import { searchExperiments } from '../../../src/lib/state/kept/search';
import { say } from '../../shared/print';
import { demand, plain, type BenchRow } from '../../shared/rows';

/**
 * What the page does beside models, as ratios of two times of this run: a busy machine slows both. How it grows with the
 * work (1 = as the work does), and import beside the parser that it is built on.
 */
const DEMANDED = { growth: 2, importOverParsing: 60, hostileOverText: 5 } as const;

async function milliseconds(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The least of some tries: what disturbs a machine only adds. */
async function least(tries: number, work: () => unknown): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < tries; i++) best = Math.min(best, await milliseconds(work));
  return best;
}

/** Time of `n` items over `parts` times that of the `parts`-th of them. */
const growth = (whole: number, part: number, parts: number) => whole / (parts * part);

function largeCsv(rows: number): string {
  const lines = ['Number,Short description,Description,Cause,Close notes'];
  for (let i = 0; i < rows; i++)
    lines.push(
      `INC${i},Site ${i % 997} link ${i} down,"Since ${i % 24}:00 the link of site ${i % 997} to hub ${i % 31} has ${i} errors; port ${i % 48} of rack ${i % 13} shows alarm ${i * 7}",cause ${i % 8},"Replaced part ${i % 61} in rack ${i % 13}, ticket ${i}"`,
    );
  return lines.join('\n');
}

/** Texts on which a careless pattern takes quadratic time. */
const HOSTILE = ['a@', '1.', '+1', 'a-', 'http://', '1::', '123456789012345 '];

export async function stageRows(tries: number): Promise<BenchRow[]> {
  say('Importing, comparing, redacting and searching ...');
  const [large, small] = [largeCsv(100_000), largeCsv(10_000)];
  const take = (text: string) => importDataset(textSource(text), { seed: 1 });
  const [imported, tenth] = [await least(tries, () => take(large)), await least(tries, () => take(small))];
  const parsed = await least(tries, () => Papa.parse(large, { header: true }));

  const texts = generateTickets({ count: 100_000, seed: 11 }).map(({ text }) => text);
  const compared = await least(tries, () => findDuplicates(texts));
  const comparedTenth = await least(tries, () => findDuplicates(texts.slice(0, 10_000)));

  const length = 500_000;
  const filled = (unit: string) => unit.repeat(Math.ceil(length / unit.length));
  const ordinary = await least(tries, () => redact(texts.slice(0, 2000).join('\n').slice(0, length)));
  let hostile = 0;
  for (const unit of HOSTILE) hostile = Math.max(hostile, await least(tries, () => redact(filled(unit))));

  const rows = Array.from({ length: 10_000 }, (_, i) => experimentRow(i));
  const search = (list: ReturnType<typeof experimentRow>[]) => searchExperiments(list, 'battery northern 7');
  search(rows);
  const searched = await least(5 * tries, () => search(rows));
  const searchedTenth = await least(5 * tries, () => search(rows.slice(0, 1000)));

  const seconds = (ms: number) => ms / 1000;
  return [
    plain('import: 100,000 rows of CSV, in Node', seconds(imported), 's'),
    demand('import over parsing alone', imported / parsed, 'times', 'most', DEMANDED.importOverParsing),
    demand('import: 100,000 rows over ten times 10,000', growth(imported, tenth, 10), 'times', 'most', DEMANDED.growth),
    plain('near duplicates: 100,000 tickets', seconds(compared), 's'),
    demand(
      'near duplicates: 100,000 over ten times 10,000',
      growth(compared, comparedTenth, 10),
      'times',
      'most',
      DEMANDED.growth,
    ),
    demand('redaction: hostile text over tickets', hostile / ordinary, 'times', 'most', DEMANDED.hostileOverText),
    plain('search over 10,000 experiments', searched, 'ms'),
    demand(
      'search: 10,000 over ten times 1,000',
      growth(searched, searchedTenth, 10),
      'times',
      'most',
      DEMANDED.growth,
    ),
  ];
}
