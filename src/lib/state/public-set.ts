import { JoulewiseError, quote } from '../core/errors';
import { publicAddress, type PublicDataset } from '../data/catalogue';
import { TEMPLATES } from '../data/tasks';
import type { Mapping } from '../schema/dataset';
import type { Templates } from '../schema/plan';
import type { TaskName } from '../schema/run';
import { hubBase } from './checkpoint';
import { experiment } from './experiment.svelte';
import { sentence } from './sentence';

/** What is known of a file before it is read. */
export interface Preset {
  mapping: Mapping;
  causeNames: Readonly<Record<string, string>>;
  licence: string;
  templates: Templates;
  tasks: readonly TaskName[] | null;
}

/** A public set from the Hub, with its mapping and the prompts that fit it. Throws `network.failed`. */
async function fetchPublic(set: PublicDataset, name: string): Promise<{ file: File; preset: Preset }> {
  const address = publicAddress(set, hubBase());
  const response = await fetch(address).catch(() => null);
  if (!response?.ok)
    throw new JoulewiseError(
      'network.failed',
      `${quote(set.title)} could not be fetched from ${new URL(address).host} (${response ? `status ${response.status}` : 'no answer'}). Check the connection and try again.`,
    );
  const chosen = TEMPLATES.filter(({ id }) => set.templates.includes(id));
  return {
    file: new File([await response.blob()], name),
    preset: {
      mapping: set.mapping,
      causeNames: set.causeNames,
      licence: set.licence,
      tasks: set.tasks ?? null,
      templates: Object.fromEntries(chosen.map(({ task, title, system, user }) => [task, { title, system, user }])),
    },
  };
}

/** Fetches a public set and opens it with its own mapping and prompts. */
export async function openPublic(set: PublicDataset): Promise<void> {
  const name = `${set.title}.parquet`;
  const pending = { name, preview: null, mapping: null, redact: false, rows: null, busy: true, error: null };
  experiment.pending = pending;
  try {
    const { file, preset } = await fetchPublic(set, name);
    // Cancel may have been pressed while it came.
    if (experiment.pending?.name === name) await experiment.openFile(file, preset);
  } catch (error) {
    if (experiment.pending?.name === name) experiment.pending = { ...pending, busy: false, error: sentence(error) };
  }
}
