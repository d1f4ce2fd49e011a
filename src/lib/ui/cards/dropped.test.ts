import { describe, expect, it } from 'vitest';
import { droppedFiles } from './dropped';

const file = (name: string) => new File(['x'], name);
const fileEntry = (name: string) => ({ isFile: true, file: (done: (f: File) => void) => done(file(name)) });
const folder = (...parts: object[][]) => ({
  isFile: false,
  createReader: () => {
    const left = parts.slice();
    return { readEntries: (done: (entries: object[]) => void) => done(left.shift() ?? []) };
  },
});
const transfer = (entries: readonly (object | null)[], files: File[] = []) =>
  ({ files, items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) }) as unknown as DataTransfer;

describe('what was dropped', () => {
  it('is found within folders, whose listings come in parts', async () => {
    const inner = folder([fileEntry('tokenizer.json')]);
    const dropped = [folder([fileEntry('config.json')], [fileEntry('model.safetensors'), inner])];
    const names = (await droppedFiles(transfer(dropped))).map((f) => f.name);
    expect(names).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  });

  it('is taken as it is where the browser tells no entries', async () => {
    const files = [file('model.gguf')];
    expect(await droppedFiles(transfer([null], files))).toEqual(files);
    expect(await droppedFiles(transfer([], files))).toEqual(files);
  });
});
