import { writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { REDACTION_TITLES } from '../../../src/lib/data/redact';
import { fromHere } from '../../shared/context';
import { say } from '../../shared/print';
import { demand, type BenchRow } from '../../shared/rows';
import type { Label } from './labelled';
import { KINDS, measureHalf, precision, recall, sentencesOf, type Fared } from './measure';

/** What is demanded of names, and of all else: shares. */
const DEMANDED = { person: 0.9, others: 0.99 } as const;
/** Kinds that are found by a word before them as much as by their form. */
const TOLD_BARE: readonly Label[] = ['phone', 'street'];
const FILE = 'src/lib/texts/redaction-measured.ts';

/**
 * Recall and precision of each kind on the half of the labelled sentences that no rule was made by. @param rounds times
 * that each template is filled in each language; @param write whether the page's figures are written anew
 */
export async function redactionRows(rounds: number, write: boolean): Promise<BenchRow[]> {
  say('Redacting labelled sentences ...');
  const fared = measureHalf('unseen', rounds);
  if (write) {
    const told = ({ label, n, hidden, spans, right }: Fared, how = '') => ({
      title: `${KINDS[label].map((kind) => REDACTION_TITLES[kind]).join(', ')}${how}`,
      n,
      hidden,
      spans,
      right,
    });
    const kinds = [
      ...fared.map((row) => told(row)),
      ...measureHalf('bare', rounds)
        .filter(({ label }) => TOLD_BARE.includes(label))
        .map((row) => told(row, ', with no word before it that says so')),
    ];
    const record = {
      date: new Date().toISOString().slice(0, 10),
      sentences: rounds * (sentencesOf('unseen') + sentencesOf('bare')),
      kinds,
    };
    const path = fromHere(FILE);
    const text = `/**
 * What redaction hid of labelled sentences: of \`n\` things \`hidden\` to the last letter, and of \`spans\` that it hid
 * \`right\`. Written by \`npm run bench -- --part redaction\`; never by hand.
 */
export const MEASURED: {
  date: string;
  sentences: number;
  kinds: readonly { title: string; n: number; hidden: number; spans: number; right: number }[];
} = ${JSON.stringify(record)};
`;
    writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
  }
  return fared.flatMap((row) => {
    const least = row.label === 'person' || row.label === 'uncased' ? DEMANDED.person : DEMANDED.others;
    const right = precision(row);
    return [
      demand(`redaction: ${row.label}, hidden of ${row.n}`, recall(row), 'share', 'least', least),
      ...(right === null
        ? []
        : [demand(`redaction: ${row.label}, right of ${row.spans}`, right, 'share', 'least', least)]),
    ];
  });
}
