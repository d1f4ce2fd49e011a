import { afterEach, describe, expect, it } from 'vitest';
import { faultsOf, isFlag, isFunction, isOneOf, isText, namesMissing } from '../core/testing';
import { TASKS, type TicketOutcome } from '../schema/run';
import { METRICS, scoreRun, type Metric } from './metrics';
import { meanStatistic } from './statistic';

const COLUMNS = {
  name: isText,
  label: isText,
  task: isOneOf(...TASKS),
  range: (x: unknown) => Array.isArray(x) && x.length === 2,
  higherIsBetter: isFlag,
  inRho: isFlag,
  compute: isFunction,
};
const before = METRICS.length;
const rows = METRICS as Metric[];

afterEach(() => (rows.length = before));

describe('the table of metrics', () => {
  it('is whole, and a column that a row lacks is named', () => {
    expect(faultsOf(Object.fromEntries(METRICS.map((m) => [`${m.task}.${m.name}`, m])), COLUMNS)).toEqual([]);
    expect(namesMissing(METRICS[0] as Metric, COLUMNS)).toBe(true);
  });

  it('takes a further row: runs are scored by it', () => {
    rows.push({
      name: 'length',
      label: 'Characters',
      task: 'response',
      range: [0, Infinity],
      higherIsBetter: false,
      inRho: false,
      compute: (outcomes) => meanStatistic(outcomes.map(({ output }) => output.length)),
    });
    const outcome: TicketOutcome = {
      id: 'a',
      promptTokens: 1,
      newTokens: 1,
      prefillMs: 1,
      decodeMs: 1,
      output: 'four',
      reference: 'five',
      scores: null,
      referenceLogProb: null,
      referenceTokens: null,
    };
    expect(scoreRun('response', [outcome], [])['length']?.mid).toBe(4);
  });
});
