import { describe, expect, it } from 'vitest';
import { METRICS } from '../score/metrics';
import { METHOD } from './method';

describe('the method page', () => {
  it('explains every metric that a result can show', () => {
    for (const { name } of METRICS) expect(METHOD.metrics[name], name).toMatch(/\.$/);
    expect(Object.keys(METHOD.metrics).sort()).toEqual([...new Set(METRICS.map(({ name }) => name))].sort());
  });

  it('gives each number a source, and its own place', () => {
    for (const { source, says } of METHOD.sections) {
      expect(source).toMatch(/\.$/);
      expect(says.length).toBeGreaterThan(0);
    }
    const ids = METHOD.sections.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
