#!/usr/bin/env -S npx tsx
/**
 * Makes the text set that recipes are compared on: incident reports built from the project's own ticket generator, some
 * told as a timeline, some as a mail, some as a summary. Calibration and evaluation come from different seeds.
 *
 *     npx tsx tests/oracle/texts.ts        (writes tests/fixtures/texts/{calibration,evaluation}.jsonl)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { generateTickets } from '../../src/lib/data/generator';
import { createRandom } from '../../src/lib/core/random';

const FOLDER = 'tests/fixtures/texts';
/** Long enough for 256 tokens of SmolLM2 each, with some to spare. */
const CHARACTERS = 1400;

const OPENINGS = [
  'Incident report. Prepared by the network operations centre for the weekly review of the regional network.',
  'Summary for the duty manager. The following faults were open during the night shift and are now closed.',
  'Post-incident review. We describe what was seen, what was tried, and what finally restored the service.',
  'Shift handover. Please read the notes below before you take over; two of the cases may come back.',
] as const;
const SEEN = [
  'The first alarm was raised automatically, and the engineer on call confirmed it within ten minutes.',
  'Customers in the area called before the alarm reached the operations centre.',
  'The fault was found during a routine check of the equipment, and nobody had complained yet.',
  'Monitoring showed a slow decline over several hours, which was at first taken for normal load.',
] as const;
const LESSONS = [
  'The team agreed to add a second measurement point, so that the same fault is located faster next time.',
  'It is not yet clear why the redundant path did not take over; the vendor has been asked for an analysis.',
  'No change was needed to the procedure, but the contact list of the site was out of date and has been corrected.',
  'The repair took longer than planned because the spare part had to be brought from another depot.',
] as const;

function texts(count: number, seed: number): string[] {
  const random = createRandom(seed);
  const tickets = generateTickets({ count: count * 8, seed });
  let next = 0;
  return Array.from({ length: count }, () => {
    let text = random.pick(OPENINGS);
    while (text.length < CHARACTERS) {
      const t = tickets[next++];
      if (!t) throw new Error('too few tickets');
      text += `\n\n${t.text} ${random.pick(SEEN)} Root cause: ${t.cause ?? 'unknown'}. ${t.response ?? ''} ${random.pick(LESSONS)}`;
    }
    return text;
  });
}

mkdirSync(FOLDER, { recursive: true });
for (const [name, count, seed] of [
  ['calibration', 52, 101],
  ['evaluation', 16, 202],
] as const)
  writeFileSync(`${FOLDER}/${name}.jsonl`, texts(count, seed).map((text) => `${JSON.stringify({ text })}\n`).join(''));
