import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import { PUBLIC_DATASETS } from './catalogue';
import { importDataset, parseMapping } from './import';
import { bytesSource } from './testing';

const folder = new URL('../../../../shared/data/', import.meta.url);
const missing = !existsSync(folder);
if (missing) console.warn('Skipped: ../shared/data is absent, so the importer is not tried on real tickets.');

const load = (name: string, mapping?: string) =>
  importDataset(bytesSource(readFileSync(new URL(name, folder)), name), {
    seed: 1,
    ...(mapping && { mapping: parseMapping(mapping) }),
  });

describe.skipIf(missing)('real tickets', () => {
  it('imports 8,000 IT tickets without being told the columns', async () => {
    const { dataset, report } = await load('it_tickets_8x1000.csv');
    expect(report).toMatchObject({
      rows: 8000,
      guessed: true,
      mapping: { text: ['Document'], cause: 'Topic_group' },
      warnings: [
        '210 of 8000 texts are longer than the 1200 characters that a model reads of each; the classical baseline reads as much.',
      ],
    });
    expect(dataset.causes).toHaveLength(8);
    expect(dataset.split.filter((s) => s === 'test').length / dataset.tickets.length).toBeCloseTo(0.2, 2);
  });

  it('maps cloud incidents by their names', async () => {
    const { dataset, report } = await load('cloudir_samples.jsonl');
    expect(report.mapping).toMatchObject({ text: ['title', 'summary'], cause: 'root cause', response: 'mitigation' });
    expect(dataset.tickets).toHaveLength(15);
    expect(report.warnings.join()).toMatch(/free text/);
  });

  it('masks carrier notices', async () => {
    const { dataset, report } = await load('circuit_maintenance.jsonl', 'text=text,cause=provider');
    expect(report.rows).toBe(126);
    expect(report.redactions?.length).toBeGreaterThan(5);
    expect(dataset.tickets.map(({ text }) => text).join('\n')).not.toMatch(/\w@\w+\.\w|https?:\/\//);
  });

  it('takes the carrier as the class of a notice, not an account', async () => {
    const { report } = await load('circuit_maintenance.jsonl');
    expect(report.mapping).toMatchObject({ text: ['parsed.summary', 'text'], cause: 'provider' });
  });

  it('reads alarm vectors as the names of alarms that were on, and keeps each vector once', async () => {
    const { dataset, report } = await load('microwave_failures.csv');
    expect(report.mapping.text).toHaveLength(164);
    expect(report.mapping.cause).toBe('label');
    expect(dataset.tickets.length).toBeGreaterThan(1000);
    expect(dataset.tickets.length).toBeLessThan(1200);
    expect(dataset.tickets[0]?.text).toMatch(/^alarm_\d+ \d+(\nalarm_\d+ \d+)*$/);
  });

  it('are what the catalogue says of them', async () => {
    const row = PUBLIC_DATASETS.find(({ title }) => title === 'Microwave link failures');
    const bytes = readFileSync(new URL('microwave_failures.csv', folder));
    expect(row).toMatchObject({
      bytes: bytes.length,
      file: { sha256: createHash('sha256').update(bytes).digest('hex') },
    });
    const { report } = await load('microwave_failures.csv');
    expect(report.rows).toBe(row?.rows);
    expect(report.mapping).toMatchObject({ text: row?.mapping.text, cause: row?.mapping.cause });
  });
});
