import { describe, expect, it } from 'vitest';
import { exampleReading, exampleRun } from '../../rank/example';
import { emptySeries, enter, extend, Recorder, wattsBetween } from './series';

describe('series', () => {
  it('stays bounded, in order, and keeps its first point', () => {
    let series = emptySeries();
    for (let t = 0; t < 5000; t++) series = extend(series, [{ t, watts: t, joules: null }], []);
    expect(series.t.length).toBeLessThanOrEqual(2000);
    expect(series.t[0]).toBe(0);
    expect(series.t.at(-1)).toBe(4999);
    expect(series.t).toEqual(series.t.toSorted((a, b) => a - b));
    expect(series.watts).toEqual(series.t);
  });

  it('takes the mean power between readings, and unknown where energy is', () => {
    const at = (seconds: number, joules: number | null) => ({ seconds, joules, tokens: 1 });
    expect(wattsBetween(null, at(2, 10))).toBe(5);
    expect(wattsBetween(at(2, 10), at(3, 40))).toBe(30);
    expect(wattsBetween(at(2, 10), at(2, 10))).toBeNull();
    expect(wattsBetween(at(2, null), at(3, 10))).toBeNull();
    expect(wattsBetween(null, at(2, null))).toBeNull();
  });

  it('joins what was done one after the other into bands without gaps', () => {
    const steps = [['load', 1], ['load', 2], ['rca', 3], ['rca', 4], ['load', 6]] as const; // prettier-ignore
    const bands = steps.reduce((all, [phase, t]) => enter(all, phase, t), emptySeries().bands);
    expect(bands).toEqual([
      { phase: 'load', from: 1, to: 3 },
      { phase: 'rca', from: 3, to: 6 },
      { phase: 'load', from: 6, to: 6 },
    ]);
  });

  it('records a run with corners where something new began, whenever it is drawn', () => {
    let t = 0;
    const recorder = new Recorder(() => t);
    const at = (seconds: number, joules: number | null) => ({ seconds, joules, tokens: 10 * seconds });
    recorder.begin();
    t = 2;
    recorder.progress('rca', null);
    expect(recorder.tokensPerSecond).toBeNull();
    t = 3;
    recorder.progress('rca', at(1, 5));
    expect(recorder.tokensPerSecond).toBe(10);
    expect(recorder.draw('rca')).toMatchObject({ t: [0, 2, 3], watts: [null, null, 5], joules: [0, 0, 5] });
    t = 4;
    recorder.progress('rca', at(2, 12));
    recorder.finish(exampleRun({ phases: [exampleReading('prefill', 12)] }));
    recorder.begin();
    t = 6;
    const series = recorder.draw('load');
    expect(series).toMatchObject({
      t: [0, 2, 3, 4, 4, 6],
      watts: [null, null, 5, 7, null, null],
      joules: [0, 0, 5, 12, 12, 12],
    });
    expect(series.bands.map(({ phase, from, to }) => [phase, from, to])).toEqual([
      ['load', 0, 2],
      ['rca', 2, 4],
      ['load', 4, 6],
    ]);
  });

  it('knows no joules after a run that could not say', () => {
    const recorder = new Recorder(() => 1);
    recorder.begin();
    recorder.finish(exampleRun({ phases: [{ ...exampleReading('prefill', 1), joules: null }] }));
    recorder.begin();
    expect(recorder.draw('load').joules.at(-1)).toBeNull();
  });
});
