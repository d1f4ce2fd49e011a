import { expect, it, vi } from 'vitest';
import { JoulewiseError } from '../../core/errors';
import type { UnitProgress } from '../../plan/execute';
import type { Unit } from '../../plan/units';
import { openVariant, type PlanAtHand } from './open-variant';

/** Of each thread in turn: whether it stands still while it starts another. */
let still: boolean[] = [];
let ended = 0;

vi.mock('../threads/workers', () => ({
  keepEngine: () => {
    const stands = still.shift();
    return {
      call(method: string, _: unknown, { onEvent }: { onEvent: (p: Partial<UnitProgress>) => void }) {
        if (method === 'slice') return Promise.resolve({ fallbacks: ['before'] });
        onEvent({ phase: 'threads', done: 0, of: 2 });
        return stands
          ? Promise.reject(new JoulewiseError('engine.hung', 'Silent.'))
          : Promise.resolve({ memoryBytes: 1 });
      },
      end: () => void ended++,
    };
  },
}));

const at = {
  plan: { engine: 'cpu', tasks: ['rca'], variants: ['fp32'], limit: 1, seed: 1 },
  tickets: { give: () => Promise.resolve({}) },
  calibrationTexts: null,
} as unknown as PlanAtHand;
const open = () => openVariant(at, 'fp32', null, () => undefined, new AbortController().signal);
const unit = { variant: 'fp32' } as Unit;
const options = { patience: 0, tries: 0, onProgress: () => undefined, signal: new AbortController().signal };
const fallbacksOf = async () => (await (await open()).slice(unit, options)).fallbacks;

it('opens a variant again whose thread stood still as it started another, and its records say so', async () => {
  still = [false];
  expect(await fallbacksOf()).toEqual(['before']);
  still = [true, false];
  ended = 0;
  expect(await fallbacksOf()).toEqual(['before', expect.stringMatching(/^A thread .* was ended; .* opened again/)]);
  expect(ended).toBe(1);
  still = [true, true, false];
  expect((await fallbacksOf())[1]).toMatch(/^2 threads .* were ended/);
});

it('gives up after four', async () => {
  still = [true, true, true, true];
  ended = 0;
  await expect(open()).rejects.toMatchObject({ code: 'engine.hung' });
  expect(ended).toBe(4);
});
