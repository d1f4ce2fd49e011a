import { describe, expect, it } from 'vitest';
import { JoulewiseError } from '../core/errors';
import { finiteScores } from './answer';

describe('log-probabilities', () => {
  it('pass as they are', () => {
    expect(finiteScores([-0.1, -700])).toEqual([-0.1, -700]);
  });

  it.each([NaN, -Infinity, Infinity])('fail the variant where one is %d', (broken) => {
    const scored = () => finiteScores([-1, broken]);
    expect(scored).toThrow(JoulewiseError);
    expect(scored).toThrow(/Choose another precision/);
  });
});
