import { beforeEach, describe, expect, it, vi } from 'vitest';
import { JoulewiseError } from '../core/errors';
import { NOTHING_KNOWN } from '../schema/known';
import { getKept, putKept } from './db';
import { keepKnown, knownDevice } from './known';

vi.mock('./db', () => ({ getKept: vi.fn(), putKept: vi.fn() }));
const kept = vi.mocked(getKept);
const put = vi.mocked(putKept);

const speed = { bytesPerSecond: 3e10, operationsPerSecond: 1e11 };
const known = { ...NOTHING_KNOWN, gpu: { model: null, speed } };

beforeEach(() => {
  vi.resetAllMocks();
  put.mockResolvedValue(undefined as never);
});

describe('what is known of this device', () => {
  it.each([
    undefined,
    null,
    7,
    'text',
    [],
    {},
    { cpu: NOTHING_KNOWN.cpu },
    { ...known, cpu: { model: { v: 9 }, speed: null } },
    { ...known, cpu: { model: null, speed: { bytesPerSecond: -1, operationsPerSecond: 1 } } },
    { ...known, cpu: { model: null, speed: { bytesPerSecond: NaN, operationsPerSecond: 1 } } },
  ])('is nothing where %j was kept', async (value) => {
    kept.mockResolvedValue(value);
    expect(await knownDevice()).toEqual(NOTHING_KNOWN);
  });
  it('is nothing where a window keeps nothing, and other failures are told', async () => {
    kept.mockRejectedValue(new JoulewiseError('store.unavailable', 'This window keeps nothing.'));
    expect(await knownDevice()).toEqual(NOTHING_KNOWN);
    kept.mockRejectedValue(new JoulewiseError('store.blocked' as never, 'Another tab is in the way.'));
    await expect(knownDevice()).rejects.toThrow('Another tab is in the way.');
  });
  it('keeps a change and loses nothing of the rest', async () => {
    kept.mockResolvedValue(known);
    const after = await keepKnown('cpu', { speed });
    expect(after).toEqual({ cpu: { model: null, speed }, gpu: { model: null, speed } });
    expect(put).toHaveBeenCalledWith(expect.any(String), after);
    kept.mockResolvedValue(after);
    expect(await keepKnown('cpu', { model: null, speed: null })).toEqual(known);
  });
  it('says so where it cannot be kept', async () => {
    kept.mockResolvedValue(known);
    put.mockRejectedValue(new JoulewiseError('store.full' as never, 'The disk is full.'));
    await expect(keepKnown('cpu', { speed })).rejects.toThrow('The disk is full.');
  });
});
