import { readFileSync } from 'node:fs';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { fileSet, makeSafetensors } from '../checkpoint/testing';

/** Tiny models of each family, and what PyTorch saw their linear layers read (tests/oracle/compress.py). */
export const fixture = JSON.parse(readFileSync('tests/fixtures/calibration.json', 'utf8')) as Record<
  string,
  {
    config: Record<string, unknown>;
    ids: number[][];
    cosines: number[];
    weights: Record<string, { shape: number[]; data: string }>;
    grams: Record<string, string>;
    outputSquares: Record<string, number>;
  }
>;
export const families = Object.keys(fixture);

/** Opens one of them as a safetensors checkpoint. */
export function open(family: string) {
  const f = fixture[family] as (typeof fixture)[string];
  const weights = Object.fromEntries(
    Object.entries(f.weights).map(([name, { shape, data }]) => [
      name,
      { dtype: 'F16', shape, data: new Uint8Array(Buffer.from(data, 'base64')) },
    ]),
  );
  return openCheckpoint(
    fileSet({
      'model.safetensors': makeSafetensors(weights),
      'config.json': JSON.stringify(f.config),
      'tokenizer.json': '{}',
    }),
  );
}

export type Opened = Awaited<ReturnType<typeof open>>;
