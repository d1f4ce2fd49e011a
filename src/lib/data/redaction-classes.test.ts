import { describe, expect, it } from 'vitest';
import { importDataset } from './import';
import { textSource } from './testing';

/** Twelve tickets, their causes in turn. */
const csv = (causes: readonly string[]) =>
  'text,cause\n' +
  Array.from({ length: 12 }, (_, i) => `"no light on span ${i} of route ${i * 7}","${causes[i % causes.length]}"`).join(
    '\n',
  );

const imported = async (causes: readonly string[]) =>
  (await importDataset(textSource(csv(causes)), { seed: 1 })).report;

/** Two causes of each kind that differ only in what is hidden; the first becomes the placeholder. */
const APART = [
  ['Switch 10.0.0.1 down', 'Switch 10.0.0.2 down', 'Switch [ipv4 1] down'],
  ['fe80::1ff:fe23:4567:890a', 'fe80::1ff:fe23:4567:890b', '[ipv6 1]'],
  ['call +49 89 123456', 'call +49 89 123457', 'call [phone 1]'],
  ['Circuit ID: 23/KXFN/123456/ABC', 'Circuit ID: 23/KXFN/123457/ABC', 'Circuit ID: [circuit 1]'],
  ['IMSI 262011234567890', 'IMSI 262011234567891', 'IMSI [subscriber 1]'],
  ['kb.example.com/1', 'kb.example.com/2', '[url 1]'],
  ['Cabinet Hauptstraße 12', 'Cabinet Hauptstraße 13', '[street 1]'],
  ['Assigned to Aylin Demir', 'Assigned to Aylin Öz', 'Assigned to [name 1]'],
  // The same name in two cases, and a first name alone: classes are told apart by their spelling.
  ['Assigned to Aylin', 'Assigned to Aylin Demir', 'Assigned to [name 1]'],
  ['core1.lan', 'CORE1.lan', '[host 1]'],
] as const;

describe('classes that name what is hidden', () => {
  it.each(APART)('%s | %s', async (first, second, placeholder) => {
    const { classes, warnings } = await imported([first, second, 'Power failure']);
    expect(classes.map(({ count }) => count)).toEqual([4, 4, 4]);
    expect(classes.map(({ cause }) => cause)).toContain(placeholder);
    expect(classes.map(({ cause }) => cause)).not.toContain(first);
    expect(warnings.join('\n')).not.toMatch(/Redaction made/);
  });

  it.each([
    ['core1.lan', '[host 1]'],
    ['queue a@example.com', 'queue [email 1]'],
    ['Card 00:1A:2B:00:00:01', 'Card [mac 1]'],
  ])('says when two became one: %s | %s', async (first, placeholder) => {
    const { classes, warnings } = await imported([first, placeholder]);
    expect(classes).toEqual([{ cause: placeholder, count: 12 }]);
    expect(warnings.join('\n')).toContain(`Redaction made 2 causes one, "${placeholder}"`);
  });
});
