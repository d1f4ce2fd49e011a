import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { fileSet, survives } from '../checkpoint/testing';
import { nllOf } from './testing';

// Made by tests/oracle/quantized.py.
const folder = 'tests/fixtures/quantized';
const { ids, losses } = JSON.parse(readFileSync(`${folder}/losses.json`, 'utf8')) as {
  ids: number[];
  losses: Record<string, number>;
};
const filesOf = (name: string) => ({
  ...Object.fromEntries(
    readdirSync(`${folder}/${name}`).map((f) => [f, new Uint8Array(readFileSync(`${folder}/${name}/${f}`))]),
  ),
  'tokenizer.json': '{"model":{"type":"BPE"}}',
});

describe('checkpoints that others quantized', () => {
  it.each(Object.keys(losses).filter((name) => name !== 'plain'))(
    '%s gives the loss of its reference',
    async (name) => {
      const checkpoint = await openCheckpoint(fileSet(filesOf(name)));
      const want = losses[name] as number;
      expect(Math.abs((await nllOf(checkpoint, ids)) - want)).toBeLessThan(1e-4);
      expect(Math.abs(want - (losses['plain'] as number))).toBeGreaterThan(5e-4);
      expect(checkpoint.notes.join()).toMatch(/already quantized \((?:GPTQ|AWQ|compressed-tensors|MLX), \d bits\)/);
    },
  );

  it.each(Object.keys(losses).filter((name) => name !== 'plain'))(
    '%s without one of its tensors is refused',
    async (name) => {
      const files = filesOf(name) as Record<string, Uint8Array | string>;
      const text = Buffer.from(files['model.safetensors'] as Uint8Array);
      // The header alone changes: a part goes by another name of the same length.
      const part = /scales|weight_scale/.exec(text.toString('latin1'))?.[0] ?? '';
      const at = text.indexOf(`q_proj.${part}"`);
      text.write('x'.repeat(part.length), at + 'q_proj.'.length);
      const files2 = { ...files, 'model.safetensors': new Uint8Array(text) };
      expect(await survives(() => openCheckpoint(fileSet(files2)))).toBe('refused');
    },
  );
});
