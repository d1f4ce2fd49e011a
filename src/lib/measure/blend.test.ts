import { describe, expect, it } from 'vitest';
import { generateDataset } from '../data/generator';
import { TASK_TABLE } from '../data/tasks';
import { createMeter } from '../meter/meter';
import type { WriteOutput } from './answer';
import { blendNote, openBlend } from './blend';

const { tickets, causes, split } = await generateDataset({ count: 200, seed: 9 });
const of = (part: string) => tickets.filter((t, i) => split[i] === part && t.cause !== null);
const given = { train: of('train'), validation: of('validation'), causes };
const meter = () => createMeter({ clock: () => performance.now(), fence: () => undefined, sources: [] });
const o = { signal: new AbortController().signal, onProgress: () => undefined };

/** A model that gives the right cause so much more than the others. */
const knowing =
  (nats: number): WriteOutput =>
  (ticket) =>
    Promise.resolve({
      promptIds: [],
      shared: 0,
      newTokens: 0,
      prefillMs: 0,
      decodeMs: 0,
      output: '',
      scores: causes.map((cause) => (cause === ticket.cause ? nats : 0)),
    });

describe('an open blend', () => {
  it('takes a model that knows, leaves one that does not to the baseline, and says so', async () => {
    const all = await openBlend(TASK_TABLE.rca, given, knowing(9), meter(), o);
    expect(all.weight).toBeGreaterThan(0.5);
    const none = await openBlend(TASK_TABLE.rca, given, knowing(0), meter(), o);
    expect(none.nll.blend).toBeLessThanOrEqual(none.nll.baseline);
    expect(none.nll.model).toBeCloseTo(Math.log(causes.length), 6);
    expect(blendNote(none)).toMatch(/mixing gains nothing there\.$|less than either alone\.$/);
    const mixed = await none.mix(
      (given.validation[0] as { text: string }).text,
      causes.map(() => 0),
      meter(),
      'prefill',
    );
    expect(mixed).toHaveLength(causes.length);
    expect(mixed.reduce((n, s) => n + Math.exp(s), 0)).toBeCloseTo(1, 3);
  });

  it('never sees a test ticket, and books what it does as training', async () => {
    const own = meter();
    const seen: string[] = [];
    const asked: WriteOutput = (ticket, options) => {
      seen.push(ticket.id);
      return knowing(2)(ticket, options);
    };
    await openBlend(TASK_TABLE.rca, given, asked, own, o);
    expect(seen.every((id) => given.validation.some((ticket) => ticket.id === id))).toBe(true);
    expect((await own.read()).map(({ phase }) => phase).every((phase) => phase === 'train')).toBe(true);
  });

  it('is refused without tickets to weigh both by', async () => {
    await expect(openBlend(TASK_TABLE.rca, { ...given, validation: [] }, knowing(1), meter(), o)).rejects.toThrow(
      /leave out "blend"/,
    );
  });
});
