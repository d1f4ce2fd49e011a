import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskName, TicketOutcome } from '../schema/run';
import { METRICS, pointValue, qualityStatistic, scoreRun } from './metrics';
import { bleuCharacterCounts, bleuCounts, bleuScore } from './bleu';
import { rougeL, rougeN } from './rouge';
import { rougeTokens, tokens13a, unicodeTokens } from './text';

type Scores = Record<string, number>;
interface TextFixture {
  tokens: { text: string; rouge: string[]; unicode: string[]; bleu: string[] }[];
  sets: { name: string; pairs: [reference: string, output: string][]; scores: Scores }[];
}
interface RcaFixture {
  sets: {
    causes: string[];
    truth: string[];
    predicted: string[];
    scores: number[][];
    accuracy: number;
    macroF1: number;
    causeNll: number;
  }[];
}
const fixture = <T>(name: string) =>
  JSON.parse(readFileSync(new URL(`../../../tests/fixtures/score/${name}.json`, import.meta.url), 'utf8')) as T;

const outcome = (reference: string, output: string, more: Partial<TicketOutcome> = {}): TicketOutcome => ({
  id: `${reference}/${output}`,
  promptTokens: 1,
  newTokens: 1,
  prefillMs: 1,
  decodeMs: 1,
  output,
  reference,
  scores: null,
  referenceLogProb: null,
  referenceTokens: null,
  ...more,
});

const point = (task: TaskName, name: string, outcomes: TicketOutcome[], causes: string[] = []) => {
  const metric = METRICS.find((m) => m.task === task && m.name === name);
  const statistic = metric?.compute(outcomes, causes);
  return statistic ? pointValue(statistic) : null;
};

describe('text metrics equal rouge-score and sacrebleu', () => {
  const { tokens, sets } = fixture<TextFixture>('text');
  it.each(tokens)('tokens of $text', ({ text, rouge, unicode, bleu }) => {
    expect(rougeTokens(text)).toEqual(rouge);
    expect(unicodeTokens(text)).toEqual(unicode);
    expect(tokens13a(text)).toEqual(bleu);
  });
  it.each(sets)('$name', ({ pairs, scores }) => {
    const of = (score: (reference: string, output: string) => number) =>
      pairs.reduce((sum, [reference, output]) => sum + score(reference, output), 0) / pairs.length;
    const corpus = (counts: typeof bleuCounts) => {
      const rows = pairs.map(([reference, output]) => counts(reference, output));
      return bleuScore((rows[0] ?? []).map((_, k) => rows.reduce((sum, row) => sum + (row[k] as number), 0)));
    };
    const ours: Scores = {
      rouge1: of((a, b) => rougeN(a, b, 1)),
      rouge2: of((a, b) => rougeN(a, b, 2)),
      rougeL: of((a, b) => rougeL(a, b)),
      rouge1Unicode: of((a, b) => rougeN(a, b, 1, 'unicode')),
      rouge2Unicode: of((a, b) => rougeN(a, b, 2, 'unicode')),
      rougeLUnicode: of((a, b) => rougeL(a, b, 'unicode')),
      bleu: corpus(bleuCounts),
      bleuCharacters: corpus(bleuCharacterCounts),
    };
    const outcomes = pairs.map(([reference, output]) => outcome(reference, output));
    for (const [name, expected] of Object.entries(scores)) {
      if (name !== 'chrf') expect(ours[name], name).toBeCloseTo(expected, 9);
      const stated = point('response', name, outcomes);
      if (stated !== null) expect(stated, name).toBeCloseTo(expected, 9);
    }
    // Of metrics that stand for each other one is stated.
    for (const name of ['rouge1', 'rouge2', 'rougeL'])
      expect([name, `${name}Unicode`].filter((n) => point('response', n, outcomes) !== null)).toHaveLength(1);
    expect(['bleu', 'bleuCharacters'].filter((n) => point('response', n, outcomes) !== null)).toHaveLength(1);
  });
});

describe('classification metrics equal scikit-learn', () => {
  const { sets } = fixture<RcaFixture>('rca');
  it.each(sets.map((set, i) => ({ ...set, i })))('set $i', (set) => {
    const outcomes = set.truth.map((t, i) => outcome(t, set.predicted[i] ?? '', { scores: set.scores[i] ?? null }));
    for (const name of ['accuracy', 'macroF1', 'causeNll'] as const)
      expect(point('rca', name, outcomes, set.causes), name).toBeCloseTo(set[name], 9);
  });
});

describe('answers in other scripts', () => {
  const perfect = (...texts: string[]) => texts.map((text) => outcome(text, text));
  it.each([
    ['Russian', 'Обрыв кабеля на участке.'],
    ['Japanese', '電源ユニットを交換した。'],
    ['Greek', 'Βλάβη τροφοδοσίας στο δίκτυο.'],
    ['Arabic', 'عطل في الطاقة'],
    ['Korean', '전원 장애, 라우터 재시작'],
    ['Thai', 'เปลี่ยนเราเตอร์'],
  ])('%s: the very answer scores 1, by words of its script', (_, text) => {
    const scores = scoreRun('response', perfect(text, text), []);
    expect(scores['rougeLUnicode']?.mid).toBe(1);
    expect(scores).not.toHaveProperty('rougeL');
    expect(qualityStatistic('response', perfect(text), [])?.value(Int32Array.of(0))).toBeCloseTo(1, 12);
  });

  it('among Latin ones: no text is lost to a tokenizer of a-z', () => {
    const mixed = [...perfect(...Array<string>(9).fill('Replace the fibre patch.')), ...perfect('電源を交換')];
    expect(scoreRun('response', mixed, [])['rougeLUnicode']?.mid).toBe(1);
  });

  it('with accents are scored as rouge-score does', () => {
    const scores = scoreRun('response', perfect('Gerät größer prüfen', 'Émetteur remplacé à Nîmes'), []);
    expect(scores).toHaveProperty('rougeL');
    expect(scores).not.toHaveProperty('rougeLUnicode');
    expect(scores).toHaveProperty('bleu');
  });
});

describe('scoreRun', () => {
  it('weights the reference NLL by tokens and skips tickets without it', () => {
    const outcomes = [
      outcome('a', 'a', { referenceLogProb: -6, referenceTokens: 3 }),
      outcome('b', 'b', { referenceLogProb: -1, referenceTokens: 1 }),
      outcome('c', 'c'),
    ];
    expect(scoreRun('response', outcomes, [])['nll']?.mid).toBeCloseTo(7 / 4, 12);
    expect(scoreRun('response', [outcome('c', 'c')], [])).not.toHaveProperty('nll');
  });

  it('has no interval for one ticket and no metric for none', () => {
    expect(scoreRun('rca', [], [])).toEqual({});
    expect(scoreRun('rca', [outcome('a', 'a')], ['a'])['accuracy']).toEqual({ mid: 1, low: null, high: null, n: 1 });
  });

  it('gives the interval of the normal approximation where that holds', () => {
    const outcomes = Array.from({ length: 400 }, (_, i) => outcome('a', i % 4 === 0 ? 'b' : 'a'));
    const { mid, low, high, n } = scoreRun('rca', outcomes, ['a', 'b'])['accuracy'] ?? {};
    const half = 1.96 * Math.sqrt((0.75 * 0.25) / 400);
    expect([mid, n]).toEqual([0.75, 400]);
    expect(low).toBeCloseTo(0.75 - half, 1.8);
    expect(high).toBeCloseTo(0.75 + half, 1.8);
  });

  it('stays in range, and finite, and repeats itself', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom('', 'link down', 'link up.'));
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 6 }), (pairs) => {
        const outcomes = pairs.map(([a, b]) => outcome(a, b));
        for (const task of ['rca', 'response'] as const)
          for (const metric of METRICS.filter((m) => m.task === task)) {
            const value = point(task, metric.name, outcomes);
            if (value === null) continue;
            expect(value).toBeGreaterThanOrEqual(metric.range[0]);
            expect(value).toBeLessThanOrEqual(metric.range[1] + 1e-9);
          }
      }),
      { numRuns: 200 },
    );
    const outcomes = [outcome('link down', 'link up'), outcome('restart it', 'restart')];
    expect(scoreRun('response', outcomes, [])).toEqual(scoreRun('response', outcomes, []));
  });

  it('bootstraps 200 long answers', () => {
    const long = (seed: number) => Array.from({ length: 120 }, (_, i) => `word${(i * seed) % 37}`).join(' ');
    const outcomes = Array.from({ length: 200 }, (_, i) => outcome(long(i + 1), long(i + 2)));
    for (const value of Object.values(scoreRun('response', outcomes, []))) expect(value?.n).toBe(200);
  });
});

describe('rho of a task', () => {
  it('averages the inRho metrics, each scaled into [0, 1]', () => {
    const outcomes = [outcome('link down', 'link down'), outcome('restart the node', 'replace it')];
    const rho = qualityStatistic('response', outcomes, []);
    const expected =
      ((point('response', 'rougeL', outcomes) ?? NaN) + (point('response', 'chrf', outcomes) ?? NaN) / 100) / 2;
    expect(rho && pointValue(rho)).toBeCloseTo(expected, 12);
  });
});
