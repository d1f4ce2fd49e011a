import { describe, expect, it } from 'vitest';
import { Dataset } from '../schema/dataset';
import { parseRecord } from '../schema/record';
import { findDuplicates } from './duplicates';
import { CAUSES, posterior } from './faults';
import { generateDataset, generateFaults, generateTickets } from './generator';
import { redact } from './redact';

const words = (text: string) => text.split(/\s+/).length;

describe('generateTickets', () => {
  it('gives the same tickets for the same seed, and only appends for a larger count', () => {
    const some = generateTickets({ count: 50, seed: 3 });
    expect(generateTickets({ count: 50, seed: 3 })).toEqual(some);
    expect(generateTickets({ count: 80, seed: 3 }).slice(0, 50)).toEqual(some);
    expect(generateTickets({ count: 50, seed: 4 })).not.toEqual(some);
  });

  it('writes texts of 25 to 90 words, with every place filled', () => {
    for (const { text, response } of generateTickets({ count: 2000, seed: 5 })) {
      expect(words(text)).toBeGreaterThanOrEqual(25);
      expect(words(text)).toBeLessThanOrEqual(90);
      expect(text + (response ?? '')).not.toMatch(/[{}]|undefined|null/);
    }
  });

  it('holds nothing that redaction would hide', () => {
    for (const { text, response } of generateTickets({ count: 2000, seed: 6 }))
      expect(redact(`${text}\n${response ?? ''}`).spans).toEqual([]);
  });

  it('seldom repeats itself, within a seed or across seeds', () => {
    const texts = [1, 2, 3, 4].flatMap((seed) => generateTickets({ count: 500, seed }).map(({ text }) => text));
    const { exact, near } = findDuplicates(texts);
    expect(exact + near).toBeLessThan(10);
  });

  it('has a best possible accuracy of 0.85 to 0.92', () => {
    const faults = generateFaults({ count: 20_000, seed: 7 });
    const right = faults.filter(({ fault }) => {
      const chances = posterior(fault.evidence);
      return CAUSES[chances.indexOf(Math.max(...chances))] === fault.cause;
    });
    expect(right.length / faults.length).toBeGreaterThan(0.85);
    expect(right.length / faults.length).toBeLessThan(0.92);
  });

  it('names the site in most responses', () => {
    const faults = generateFaults({ count: 500, seed: 8 });
    const naming = faults.filter(({ ticket, fault }) => ticket.response?.includes(fault.places['site'] ?? '-'));
    expect(naming.length / faults.length).toBeGreaterThan(0.8);
  });
});

describe('generateDataset', () => {
  it('is a valid record with all causes and three splits', async () => {
    const dataset = await generateDataset({ count: 400, seed: 1 });
    expect(parseRecord(Dataset, dataset)).toEqual(dataset);
    expect(new Set(dataset.causes)).toEqual(new Set(CAUSES.map(({ label }) => label)));
    const share = (split: string) => dataset.split.filter((s) => s === split).length / 400;
    expect(share('train')).toBeCloseTo(0.7, 1);
    expect(share('test')).toBeCloseTo(0.2, 1);
    expect((await generateDataset({ count: 400, seed: 1 })).hash).toBe(dataset.hash);
  });

  it('keeps two reports of one incident on one side', async () => {
    const { tickets, split } = await generateDataset({ count: 1000, seed: 1 });
    const sides = new Map<string, Set<string>>();
    tickets.forEach(({ group }, i) => {
      if (group !== null) sides.set(group, (sides.get(group) ?? new Set()).add(split[i] ?? ''));
    });
    expect(sides.size).toBeGreaterThan(10);
    for (const side of sides.values()) expect(side.size).toBe(1);
  });

  it("writes about the same faults in another operator's words", () => {
    const options = { count: 400, seed: 5, noise: 0 };
    const usual = generateFaults(options);
    const other = generateFaults({ ...options, vocabulary: 'other' });
    expect(other.map(({ fault }) => fault)).toEqual(usual.map(({ fault }) => fault));
    expect(generateTickets({ ...options, vocabulary: 'usual' })).toEqual(usual.map(({ ticket }) => ticket));
    // As many causes as before, none of them called the same.
    const causes = (made: typeof usual) => new Set(made.map(({ ticket }) => ticket.cause));
    expect(causes(other).size).toBe(CAUSES.length);
    for (const cause of causes(other)) expect(causes(usual).has(cause)).toBe(false);
    // Places and times stay; most technical words do not.
    const words = (text: string) => new Set(text.toLowerCase().match(/[a-z]{4,}/g));
    const technical = new Set(
      [...words(usual.map(({ ticket }) => ticket.text).join(' '))].filter((w) =>
        /batter|rectif|fibre|antenn|clock|fan|mains|alarm|link|cell|site/.test(w),
      ),
    );
    const kept = [...technical].filter((w) => words(other.map(({ ticket }) => ticket.text).join(' ')).has(w));
    expect(kept.length).toBeLessThan(technical.size / 3);
    const named = (made: typeof usual) =>
      made.map(({ ticket, fault }) => ticket.text.split(fault.places['site'] as string).length);
    expect(named(other)).toEqual(named(usual));
  });

  it('writes cleaner or rougher, fuller or poorer tickets as asked, and as ever where nothing is asked', () => {
    const options = { count: 60, seed: 3 };
    const texts = (more: object) => generateTickets({ ...options, ...more }).map(({ text }) => text);
    expect(texts({ noise: 1, gaps: 1 })).toEqual(texts({}));
    expect(texts({ noise: 0 }).join()).not.toMatch(/\bbatt\b|\bpls\b|\bvolt\b/);
    const words = (list: string[]) => list.join(' ').split(' ').length;
    expect(texts({ noise: 3 })).not.toEqual(texts({}));
    const missing = (gaps: number) =>
      generateFaults({ ...options, gaps }).filter(({ fault }) => fault.evidence.alarm === null).length;
    expect([missing(0), missing(1) < missing(3)]).toEqual([0, true]);
    expect(words(texts({ gaps: 0 }))).toBeGreaterThan(words(texts({ gaps: 3 })));
  });
});
