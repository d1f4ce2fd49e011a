import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { PUBLIC_DATASETS, publicAddress } from './catalogue';
import { importDataset, previewTable } from './import';
import { TEMPLATES } from './tasks';
import type { ImportSource } from './text-stream';
import { isUsage } from '../core/testing';

const source = (buffer: ArrayBuffer, name = 'tickets.parquet'): ImportSource => {
  const blob = new Blob([buffer]);
  return {
    name,
    size: blob.size,
    stream: () => blob.stream(),
    slice: (start, end) => blob.slice(start, end).arrayBuffer(),
  };
};

const COUNT = 4500;
const parquet = () =>
  parquetWriteBuffer({
    rowGroupSize: 1000,
    columnData: [
      {
        name: 'text',
        data: Array.from({ length: COUNT }, (_, i) => `Headline ${i}: prices of item ${i * 7919} move`),
        type: 'STRING',
      },
      { name: 'label', data: Array.from({ length: COUNT }, (_, i) => BigInt(i % 3)), type: 'INT64' },
      {
        name: 'when',
        data: Array.from({ length: COUNT }, (_, i) => new Date(Date.UTC(2026, 0, 1) + i * 60_000)),
        type: 'TIMESTAMP',
      },
    ],
  });

describe('Parquet', () => {
  it('is read across row groups and batches, with numbers as names and dates as text', async () => {
    const preview = await previewTable(source(parquet()));
    expect(preview).toMatchObject({ format: 'parquet', columns: ['text', 'label', 'when'] });
    expect(preview.sampleRows[1]).toMatchObject({ label: '1', when: '2026-01-01T00:01:00.000Z' });
    const seen: number[] = [];
    const { dataset, report } = await importDataset(source(parquet()), {
      mapping: { text: ['text'], cause: 'label' },
      causeNames: { 0: 'Energy', 1: 'Banks' },
      licence: 'MIT',
      redact: false,
      seed: 1,
      onProgress: (rows) => seen.push(rows),
    });
    expect(report.rows).toBe(COUNT);
    expect(seen.length).toBeGreaterThan(2);
    expect(dataset.source).toEqual({ kind: 'parquet', origin: 'tickets.parquet', licence: 'MIT' });
    expect(dataset.causes.toSorted()).toEqual(['2', 'Banks', 'Energy']);
  });

  it('that is cut off or damaged is refused in a sentence', async () => {
    const whole = parquet();
    const broken = new Uint8Array(whole.slice(0));
    broken.fill(255, 100, 4000);
    for (const bad of [whole.slice(0, 5000), broken.buffer])
      await expect(importDataset(source(bad), { seed: 1 })).rejects.toSatisfy(isUsage);
  });
});

describe('public datasets', () => {
  it('map columns that they have, and name prompts that exist', () => {
    for (const d of PUBLIC_DATASETS) {
      const { text, cause, response } = d.mapping;
      for (const column of [...text, cause, response]) if (column !== null) expect(d.columns).toContain(column);
      for (const id of d.templates) expect(TEMPLATES.map((t) => t.id)).toContain(id);
      const { host, protocol, pathname } = new URL(publicAddress(d, 'https://huggingface.co'));
      expect([protocol, host]).toEqual(['https:', d.file ? 'raw.githubusercontent.com' : 'huggingface.co']);
      // A file of one commit: what is mapped here is what comes.
      if (d.file) expect(pathname).toMatch(new RegExp(`^/${d.repo}/[0-9a-f]{40}/`));
    }
  });
});
