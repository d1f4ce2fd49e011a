import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax, logProbability, topK, type EngineSession } from './session';
import { generate } from './generate';
import { batchCandidates } from './candidates';

const ids = (min: number, max: number) => fc.array(fc.nat(99), { minLength: min, maxLength: max });

describe('packed candidates', () => {
  it('see what each candidate alone would see', () => {
    fc.assert(
      fc.property(ids(1, 12), fc.array(ids(1, 5), { minLength: 1, maxLength: 5 }), (prompt, candidates) => {
        const p = batchCandidates(prompt, candidates);
        const size = p.ids.length;
        expect(p.positions.length).toBe(size);
        expect(p.bias.length).toBe(size * size);
        expect(p.lookups.length).toBe(candidates.length);
        /** Tokens that a row looks at, with their positions: allowed by the mask, and not in the future. */
        const seen = (row: number) =>
          Array.from({ length: row + 1 }, (_, c) => c)
            .filter((c) => p.bias[row * size + c] === 0)
            .map((c) => [p.ids[c], p.positions[c]]);
        candidates.forEach((candidate, k) => {
          const alone = [...prompt, ...candidate];
          const lookups = p.lookups[k] ?? [];
          expect(lookups.length).toBe(candidate.length);
          lookups.forEach(([row, id], i) => {
            expect(id).toBe(candidate[i]);
            const at = p.logitPositions[row] as number;
            // The row that predicts token i has read exactly what comes before it, at the same positions.
            expect(seen(at)).toEqual(alone.slice(0, prompt.length + i).map((t, position) => [t, position]));
          });
        });
        expect(Math.min(...p.bias)).toBeGreaterThan(-Infinity);
      }),
    );
  });

  it('cost one row of logits a token that is predicted, the prompt computed once', () => {
    const p = batchCandidates([1, 2, 3], [[4, 5], [6], [7, 8, 9]]);
    expect(p.ids).toEqual([1, 2, 3, 4, 7, 8]);
    expect(p.positions).toEqual([0, 1, 2, 3, 3, 4]);
    expect(p.logitPositions).toEqual([2, 3, 4, 5]);
    expect(p.lookups).toEqual([
      [
        [0, 4],
        [1, 5],
      ],
      [[0, 6]],
      [
        [0, 7],
        [2, 8],
        [3, 9],
      ],
    ]);
  });
});

describe('logits', () => {
  const logits = fc
    .array(fc.oneof(fc.float({ min: -80, max: 80, noNaN: true }), fc.integer({ min: -3, max: 3 })), {
      minLength: 1,
      maxLength: 60,
    })
    .map((xs) => Float32Array.from(xs));

  it('argmax and topK equal a stable sort', () => {
    fc.assert(
      fc.property(logits, fc.integer({ min: 1, max: 70 }), (x, k) => {
        const order = [...x.keys()].sort((a, b) => (x[b] as number) - (x[a] as number) || a - b);
        expect(argmax(x)).toBe(order[0]);
        expect(topK(x, k)).toEqual(order.slice(0, k));
      }),
      { numRuns: 300 },
    );
  });

  it('log-probabilities make a distribution, also far from zero', () => {
    fc.assert(
      fc.property(logits, fc.constantFrom(0, 1e4, -1e4), (x, shift) => {
        const moved = x.map((v) => v + shift);
        const total = [...moved.keys()].reduce((s, i) => s + Math.exp(logProbability(moved, i)), 0);
        expect(total).toBeCloseTo(1, 9);
      }),
    );
    expect(logProbability(Float32Array.of(0, Math.log(3)), 1)).toBeCloseTo(Math.log(0.75), 6);
  });
});

describe('generation', () => {
  /** A model that continues n with n + 1, over ten ids. */
  const counting = (maxPositions = 100) => {
    const passes: number[] = [];
    const after = (id: number) => {
      passes.push(id);
      const logits = new Float32Array(10);
      logits[(id + 1) % 10] = 1;
      return Promise.resolve(logits);
    };
    const session = {
      maxPositions,
      prefill: (prompt: readonly number[]) => after(prompt.at(-1) as number),
      decode: after,
    } as unknown as EngineSession;
    return { session, passes };
  };
  const run = async (o: { max: number; stop?: number[]; session: EngineSession; prompt?: number[] }) => {
    const phases: string[] = [];
    const made = await generate(o.session, o.prompt ?? [3], {
      maxNewTokens: o.max,
      stopIds: o.stop ?? [],
      inPhase: (phase, work) => {
        phases.push(phase);
        return work();
      },
    });
    return { ids: made.ids, phases };
  };

  it('stops at the limit without a pass too many', async () => {
    const { session, passes } = counting();
    expect(await run({ session, max: 3 })).toEqual({ ids: [4, 5, 6], phases: ['prefill', 'decode'] });
    expect(passes).toEqual([3, 4, 5]);
  });

  it('stops at a stop id, which is not part of the answer', async () => {
    expect((await run({ session: counting().session, max: 9, stop: [7] })).ids).toEqual([4, 5, 6]);
    expect(await run({ session: counting().session, max: 9, stop: [4] })).toEqual({ ids: [], phases: ['prefill'] });
    expect(await run({ session: counting().session, max: 0 })).toEqual({ ids: [], phases: ['prefill'] });
  });

  it('stops at the end of the context', async () => {
    expect((await run({ session: counting(6).session, max: 9, prompt: [1, 2, 3, 4] })).ids).toEqual([5, 6]);
  });
});
