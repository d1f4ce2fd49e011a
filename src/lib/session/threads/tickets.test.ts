import { describe, expect, it } from 'vitest';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import { Tickets } from './tickets';

/** A thread whose calls end when they are told to, and fail where it is ended before, as those of a real one do. */
function thread() {
  const calls: { method: string; done: () => void }[] = [];
  const failing = new Set<(error: Error) => void>();
  let ended = false;
  const connection = {
    call: (method: string) =>
      new Promise<void>((resolve, reject) => {
        failing.add(reject);
        calls.push({
          method,
          done: () => {
            failing.delete(reject);
            resolve();
          },
        });
      }),
    end: () => {
      ended = true;
      for (const fail of failing) fail(new Error('ended'));
    },
  };
  return {
    calls,
    isEnded: () => ended,
    tickets: new Tickets(connection, { hash: 'h' } as DatasetSummaryRecord),
  };
}

const settled = () => new Promise<void>((done) => setTimeout(done));

describe('tickets in a thread of their own', () => {
  it('are stored once where a run asks for it while an import still stores them', async () => {
    const { tickets, calls } = thread();
    const both = Promise.all([tickets.keep(), tickets.keep()]);
    expect(calls.map(({ method }) => method)).toEqual(['keep']);
    calls[0]?.done();
    await both;
    void tickets.keep();
    expect(calls).toHaveLength(2);
  });

  it('stay until what works with them is done, also where they are let go meanwhile', async () => {
    const { tickets, calls, isEnded } = thread();
    const work = tickets.use(async (own) => {
      await own.keep();
      await own.give({ tasks: [], limit: 0, seed: 1, train: false });
      return own.summary.hash;
    });
    tickets.end();
    calls[0]?.done();
    await settled();
    expect(isEnded()).toBe(false);
    calls[1]?.done();
    expect(await work).toBe('h');
    expect(isEnded()).toBe(true);
  });

  it('end at once where nothing works with them', () => {
    const { tickets, isEnded } = thread();
    tickets.end();
    expect(isEnded()).toBe(true);
  });
});
