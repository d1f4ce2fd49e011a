import { library } from './library.svelte';
import { JoulewiseError } from '../../core/errors';
import { anyRuns } from '../../session/tab/tabs';
import { single } from '../../session/threads/workers';
import { BROWSER_PROFILE } from '../../texts/browser-profile';
import AttachWorker from '../../workers/attach/attach.worker?worker';
import type { AttachApi, Attached } from '../../workers/attach/protocol';

const callAttach = single<AttachApi>(() => new AttachWorker());

/** Puts a saved profile's joules beside those of stored runs. Throws `store.busy` while a run may be writing them. */
export async function addBrowserProfile(file: File): Promise<Attached> {
  if (await anyRuns()) throw new JoulewiseError('store.busy', BROWSER_PROFILE.busy);
  const attached = await callAttach('attach', { file });
  for (const hash of attached.plans) library.change(hash, { summary: null });
  return attached;
}
