import { describe, expect, it } from 'vitest';
import { decide } from '../rank/decide';
import { exampleOutcome, exampleReading, exampleRun } from '../rank/example';
import { foldRuns } from '../rank/fold';
import { createRandom } from '../core/random';
import { answerSentence, disturbedSentence, named, whatWould } from './answer';
import { PARTS, plainName } from './names';

const CAUSES = ['A', 'B', 'C'];

/** Nine slices of eight tickets; `right` says how often a variant finds the cause, `joules` what a ticket takes. */
function decided(
  variants: readonly { variant: string; joules: number; right: number; engine?: 'cpu' | 'classical' }[],
  { truth = (i: number) => CAUSES[i % 3] as string, slices = 9 } = {},
) {
  const runs = variants.flatMap(({ variant, joules, right, engine = 'cpu' }) =>
    Array.from({ length: slices }, (_, slice) => {
      const random = createRandom(`${variant} ${slice}`);
      return exampleRun({
        variant,
        engine,
        slice,
        block: slice,
        causes: CAUSES,
        pass: variant,
        phases: [{ ...exampleReading('prefill', 8 * joules * (1 + 0.01 * random.normal())), flops: 8 }],
        tickets: Array.from({ length: 8 }, (__, i) => {
          const at = slice * 8 + i;
          const own = truth(at);
          // Which tickets a variant gets wrong is spread evenly, and the same for all: the hard ones.
          const wrong = (at * 7) % 72 >= right * 72;
          return exampleOutcome(`${at}`, own, wrong ? (CAUSES.find((c) => c !== own) as string) : own);
        }),
      });
    }),
  );
  const { results, evidence } = foldRuns(runs);
  return decide(results, evidence);
}

describe('the answer in a sentence', () => {
  it('says the leanest that is shown to do the job, against what, and how sure', () => {
    const sentence = answerSentence(
      decided([
        { variant: 'fp32', joules: 4, right: 0.95 },
        { variant: 'int8', joules: 1, right: 0.95 },
        { variant: 'int4', joules: 0.5, right: 0.3 },
      ]),
    );
    expect(sentence).toMatch(
      /^8-bit \(int8\) does the job on an estimated [\d.]+ J per ticket, 7[45] % less than 32-bit \(95 %: /,
    );
    expect(sentence).toMatch(/quality no lower than 32-bit's by more than 0\.05 \(shown on 72 tickets\)\.$/);
  });

  it('says that none does where all are at chance, and what would', () => {
    const none = decided([
      { variant: 'fp32', joules: 4, right: 0 },
      { variant: 'int8', joules: 1, right: 0 },
    ]);
    expect(none.answer).toBeNull();
    expect(answerSentence(none)).toMatch(/^None of these does the job: root cause: /);
    expect(whatWould(none)).toMatch(/larger model/);
  });

  it('does not take always giving the most frequent answer for doing the job', () => {
    const truth = (i: number) => (i % 24 === 0 ? 'B' : 'A');
    const always = decided([{ variant: 'fp32', joules: 4, right: 1 }], { truth });
    expect(always.answer?.result.variant).toBe('fp32');
    const runs = Array.from({ length: 9 }, (_, slice) =>
      exampleRun({
        variant: 'fp32',
        slice,
        block: slice,
        causes: CAUSES,
        tickets: Array.from({ length: 8 }, (__, i) => exampleOutcome(`${slice}/${i}`, truth(slice * 8 + i), 'A')),
      }),
    );
    const { results, evidence } = foldRuns(runs);
    const lazy = decide(results, evidence);
    expect(lazy.answer).toBeNull();
    expect(answerSentence(lazy)).toMatch(/None of these does the job: .*always giving the most frequent answer/);
  });

  it('puts the baseline first where it is shown as good and leaner', () => {
    const sentence = answerSentence(
      decided([
        { variant: 'fp32', joules: 4, right: 0.95 },
        { variant: 'tf-idf', joules: 0.001, right: 0.95, engine: 'classical' },
      ]),
    );
    expect(sentence).toMatch(/^The classical baseline does this job on an estimated 1 mJ per ticket, 4000 times less/);
    const poor = answerSentence(
      decided([
        { variant: 'fp32', joules: 4, right: 0 },
        { variant: 'tf-idf', joules: 0.001, right: 0.9, engine: 'classical' },
      ]),
    );
    expect(poor).toMatch(/^The classical baseline does better than any of these models \(quality 0\.\d\d against/);
    const beside = (variant: string, right: number) =>
      answerSentence(
        decided([
          { variant: 'fp32', joules: 4, right: 0 },
          { variant, joules: 3, right },
          { variant: 'tf-idf', joules: 0.001, right: 0.8, engine: 'classical' },
        ]),
      );
    // A tuned model beside one that does nothing is what the others are held against.
    const held = 'Held against 8-bit, fine-tuned (LoRA 8): 32-bit not shown above chance.';
    expect(beside('int8+lora8', 0.8)).toMatch(/^The classical baseline does this job /);
    expect(beside('int8+lora8', 0.99)).toMatch(/^8-bit, fine-tuned \(LoRA 8\) \(int8\+lora8\) does the job/);
    for (const right of [0.8, 0.99]) expect(beside('int8+lora8', right).endsWith(held)).toBe(true);
    // A pruned one is not: the best of all is what the baseline is held against then.
    expect(beside('int8+ffn25', 0.8)).toMatch(/^The classical baseline does about as well as the best of these models/);
    expect(beside('int8+ffn25', 0.99)).toMatch(/^The classical baseline does less well than the best of these models/);
  });

  it('says of few tickets that nothing is shown, not that nothing does', () => {
    const few = decided([{ variant: 'fp32', joules: 1, right: 0 }], { slices: 1 });
    expect(answerSentence(few)).toMatch(/^None of these is shown to do the job yet/);
    expect(whatWould(few)).toBeNull();
    expect(answerSentence(decided([]))).toMatch(/No variant has both/);
  });

  it('tells disturbed slices with what to do', () => {
    expect(disturbedSentence({ slices: 0, of: 18 })).toBeNull();
    expect(disturbedSentence({ slices: 9, of: 18 })).toMatch(/^50 % .*Close other programs/);
  });
});

describe('names', () => {
  it('are plain, with the code behind them', () => {
    expect(named('int4.gptq')).toBe('4-bit, calibrated (GPTQ) (int4.gptq)');
    expect(plainName('int8+ffn50+2:4')).toBe('8-bit, 50 % fewer neurons, 2 of 4 weights zero');
    expect(plainName('int8+lora8.400steps')).toBe('8-bit, fine-tuned (LoRA 8, 400 steps)');
    expect(plainName('int8+lora8.q-k-v.layers20to29')).toBe('8-bit, fine-tuned (LoRA 8, q, k and v, layers 20 to 29)');
    expect(plainName('auto@60MB')).toBe('mixed bits, at most 60 MB');
    expect(plainName('model_q4f16')).toBe('model_q4f16');
  });

  it('know every part by its example', () => {
    for (const { example, pattern } of PARTS) {
      expect(example).toMatch(pattern);
      expect(plainName(`int8+${example}`)).toMatch(/^8-bit, [\w ]/);
    }
  });
});
