import { afterEach, expect, test, vi } from 'vitest';
import { keepSetting, readSetting, settingNames } from '../store/settings';

afterEach(() => vi.unstubAllGlobals());

test('keeps nothing where storage is blocked, and says so by null', () => {
  const blocked = () => {
    throw new Error('Access is denied for this document.');
  };
  vi.stubGlobal('localStorage', new Proxy({}, { get: blocked, ownKeys: blocked }));
  keepSetting('a', '1');
  expect(readSetting('a')).toBeNull();
  expect(settingNames()).toEqual([]);
});
