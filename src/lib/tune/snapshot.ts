import { JoulewiseError } from '../core/errors';
import type { TuneState } from './trainer';

/** What a training is between two steps, as plain data and one vector of numbers: it goes on from there bit for bit. */
export interface Snapshot {
  head: Omit<TuneState, 'numbers' | 'optimizer' | 'best'> & {
    taken: number;
    /** Null before the first evaluation. */
    best: { loss: number; step: number } | null;
  };
  /** What is trained, both moments of the optimizer, then the best of what is trained where there is one: each of the same size. */
  numbers: Float32Array<ArrayBuffer>;
}

export function toSnapshot({ numbers: own, optimizer, best, ...rest }: TuneState): Snapshot {
  const parts = [own, optimizer.first, optimizer.second, ...(best ? [best.numbers] : [])];
  const numbers = new Float32Array(parts.length * own.length);
  parts.forEach((part, i) => numbers.set(part, i * own.length));
  return {
    head: { ...rest, taken: optimizer.taken, best: best && { loss: best.loss, step: best.step } },
    numbers,
  };
}

/** Throws `record.invalid` where it is of another size. */
export function fromSnapshot({ head, numbers }: Snapshot, size: number): TuneState {
  const { taken, best, ...rest } = head;
  if (numbers.length !== size * (best ? 4 : 3))
    throw new JoulewiseError(
      'record.invalid',
      'What was kept of this training is of an adapter of another size. Delete trained adapters under Storage, and train anew.',
    );
  const part = (i: number) => numbers.slice(i * size, (i + 1) * size);
  return {
    ...rest,
    numbers: part(0),
    optimizer: { first: part(1), second: part(2), taken },
    best: best && { ...best, numbers: part(3) },
  };
}

/** What a trainer may call between steps to have its state saved, at most once in so many milliseconds. */
export function savesEvery(milliseconds: number, save: (state: TuneState) => Promise<void>) {
  let last = performance.now();
  return async (state: () => Promise<TuneState>): Promise<void> => {
    if (performance.now() - last < milliseconds) return;
    await save(await state());
    last = performance.now();
  };
}
