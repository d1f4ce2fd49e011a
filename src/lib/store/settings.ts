/** Small things kept in this browser. Where storage is blocked nothing is kept, and the page works all the same. */
function kept<T>(ask: (storage: Storage) => T, otherwise: T): T {
  try {
    return ask(localStorage);
  } catch {
    return otherwise;
  }
}

export const readSetting = (key: string): string | null => kept((storage) => storage.getItem(key), null);

export const keepSetting = (key: string, value: string): void =>
  kept((storage) => storage.setItem(key, value), undefined);

export const settingNames = (): string[] => kept((storage) => Object.keys(storage), []);
