import { safeParse } from 'valibot';
import { SamplerAccess } from '../schema/sampler';
import { keepSetting, readSetting } from './settings';

const KEY = 'sampler';

/** The sampler that this browser is paired with; null where there is none. */
export function pairedSampler(): SamplerAccess | null {
  const text = readSetting(KEY);
  if (text === null) return null;
  try {
    const { success, output } = safeParse(SamplerAccess, JSON.parse(text));
    return success ? output : null;
  } catch {
    return null;
  }
}

/** Keeps how a sampler is reached; null forgets it. */
export const keepSampler = (access: SamplerAccess | null): void => keepSetting(KEY, JSON.stringify(access));
