import { existsSync, readFileSync } from 'node:fs';
import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { predict, scoresOf, trainBaseline } from './baseline';
import { minimise } from './lbfgs';
import { fitTfidf, tfidfVector } from './tfidf';

interface Case {
  ngrams: 1 | 2;
  minDf: number;
  c: number;
  train: string[];
  targets: string[];
  test: string[];
  vocabulary: number;
  classes: string[];
  predicted: string[];
  probabilities: number[][];
  nearest: number[];
  norms: number[];
}
const { cases } = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/score/baseline.json', import.meta.url), 'utf8'),
) as { cases: Case[] };

describe.each(cases.map((example, i) => ({ ...example, i })))('scikit-learn, case $i', (example) => {
  const { train, targets, test, ngrams, minDf, c } = example;
  it('learns the same vocabulary and vectors', () => {
    const tfidf = fitTfidf(train, { ngrams, minDf });
    expect(tfidf.vocabulary.size).toBe(example.vocabulary);
    test.forEach((text, i) => {
      expect(Math.hypot(...tfidfVector(tfidf, text).values)).toBeCloseTo(example.norms[i] as number, 12);
    });
  });
  it('gives the same causes with the same probabilities', () => {
    const model = trainBaseline({ task: 'rca', texts: train, targets, ngrams, minDf, c });
    expect(model.logistic.converged).toBe(true);
    expect(model.logistic.classes).toEqual(example.classes);
    test.forEach((text, i) => {
      const { output, scores } = predict(model, text);
      expect(output).toBe(example.predicted[i]);
      scores?.forEach((score, k) => expect(Math.exp(score)).toBeCloseTo(example.probabilities[i]?.[k] as number, 4));
    });
  });
  it('finds the nearest ticket', () => {
    const model = trainBaseline({ task: 'response', texts: train, targets, ngrams, minDf });
    test.forEach((text, i) => expect(predict(model, text).similarity).toBeCloseTo(example.nearest[i] as number, 9));
  });
});

describe('baseline', () => {
  it('answers with the response of the same ticket, and with nothing where no word is known', () => {
    const model = trainBaseline({
      task: 'response',
      texts: ['link down on port', 'fan failure in rack'],
      targets: ['Reset.', 'Replace.'],
      minDf: 1,
    });
    expect(predict(model, 'FAN failure')).toMatchObject({ output: 'Replace.' });
    expect(predict(model, '???')).toMatchObject({ output: '', similarity: 0 });
  });
  it('summarises by the first sentence or line', () => {
    const model = trainBaseline({ task: 'summary', texts: ['a'], targets: ['b'] });
    const said = (text: string) => predict(model, text).output;
    expect(said(' Link 1.5 Gbit/s down at A. Crew sent. ')).toBe('Link 1.5 Gbit/s down at A.');
    expect(said('Subject: outage\nDear team')).toBe('Subject: outage');
    expect(said('no end of a sentence')).toBe('no end of a sentence');
  });

  it('orders scores by the causes of the run, finite also for a cause never seen', () => {
    const model = trainBaseline({ task: 'rca', texts: ['aa', 'bb'], targets: ['A', 'B'], minDf: 1 });
    const scores = scoresOf(model, predict(model, 'bb').scores ?? [], ['C', 'B', 'A']);
    expect(scores.map((s) => Math.round(s * 10) / 10)[0]).toBeLessThan(-700);
    expect(scores[1]).toBeGreaterThan(scores[2] as number);
  });
  it('copes with one class, and refuses no tickets', () => {
    const model = trainBaseline({ task: 'rca', texts: ['aa', 'bb'], targets: ['A', 'A'] });
    expect(predict(model, 'cc')).toMatchObject({ output: 'A', scores: [0] });
    expect(() => trainBaseline({ task: 'rca', texts: [], targets: [] })).toThrow(/needs training tickets/);
  });
  it('counts more work for longer texts', () => {
    const model = trainBaseline({ task: 'rca', texts: ['aa bb', 'bb cc'], targets: ['A', 'B'], minDf: 1 });
    const [short, long] = ['aa', 'aa bb cc '.repeat(50)].map((text) => predict(model, text).work);
    expect(long?.operations).toBeGreaterThan(short?.operations as number);
    expect(long?.bytes).toBeGreaterThan(short?.bytes as number);
  });
});

describe('minimise', () => {
  it('finds the minimum of the Rosenbrock function', () => {
    const { x, converged } = minimise(
      ([a = 0, b = 0], gradient) => {
        gradient.set([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)]);
        return (1 - a) ** 2 + 100 * (b - a * a) ** 2;
      },
      Float64Array.of(-1.2, 1),
    );
    expect(converged).toBe(true);
    expect(x[0]).toBeCloseTo(1, 5);
    expect(x[1]).toBeCloseTo(1, 5);
  });
});

const real = new URL('../../../../shared/data/it_tickets_8x1000.csv', import.meta.url);
describe('8,000 IT tickets, 8 topics', () => {
  it.skipIf(!existsSync(real))(`trains on 1,600 of them (skipped where ${real.pathname} is absent)`, () => {
    const rows = Papa.parse<{ Document: string; Topic_group: string }>(readFileSync(real, 'utf8'), {
      header: true,
      skipEmptyLines: true,
    }).data;
    const shuffled = createRandom(1).shuffle(rows);
    const [train, test] = [shuffled.slice(0, 1600), shuffled.slice(1600)];
    const model = trainBaseline({
      task: 'rca',
      texts: train.map((row) => row.Document),
      targets: train.map((row) => row.Topic_group),
    });
    const hits = test.filter((row) => predict(model, row.Document).output === row.Topic_group).length;
    const share = hits / test.length;
    console.info(`baseline: accuracy ${share.toFixed(3)} on ${test.length}, ${model.logistic.iterations} iterations`);
    expect(Math.abs(share - 0.81)).toBeLessThan(0.03);
  });
});
