import { sha256 } from '../../core/canonical';
import { JoulewiseError } from '../../core/errors';
import { publicAddress, type PublicDataset } from '../../data/catalogue';
import { TEMPLATES } from '../../data/tasks';
import type { Mapping } from '../../schema/dataset';
import type { Templates } from '../../schema/plan';
import type { TaskName } from '../../schema/run';
import { TICKETS } from '../../texts/tickets';
import { hubBase } from '../../session/threads/checkpoint';
import { experiment } from './experiment.svelte';
import { sentence } from '../../texts/sentence';
import { openFile } from './take-in.svelte';

const T = TICKETS.catalogue;

/** What is known of a file before it is read. */
export interface Preset {
  mapping: Mapping;
  causeNames: Readonly<Record<string, string>>;
  licence: string;
  templates: Templates;
  tasks: readonly TaskName[] | null;
}

const failed = (set: PublicDataset, address: string, why: string, cause?: unknown, advice: string = T.again) =>
  new JoulewiseError('network.failed', T.failed(set.title, new URL(address).host, why, advice), { cause });

/** The body of a response; null where it is not wanted any more, and then the rest is not fetched. */
async function bodyOf(response: Response, wanted: () => boolean): Promise<Blob | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!wanted()) {
      await reader.cancel();
      return null;
    }
    parts.push(value);
  }
  return new Blob(parts);
}

/** A public set from the Hub, with its mapping and the prompts that fit it. Throws `network.failed`. */
async function fetchPublic(
  set: PublicDataset,
  name: string,
  wanted: () => boolean,
): Promise<{ file: File; preset: Preset } | null> {
  const address = publicAddress(set, hubBase());
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) throw failed(set, address, response ? T.status(response.status) : T.noAnswer);
  const body = await bodyOf(response, wanted).catch((cause: unknown) => {
    throw failed(set, address, T.brokenOff, cause);
  });
  if (!body) return null;
  if (set.file && (await sha256(new Uint8Array(await body.arrayBuffer()))) !== set.file.sha256)
    throw failed(set, address, T.other, null, T.nothingKept);
  const chosen = TEMPLATES.filter(({ id }) => set.templates.includes(id));
  return {
    file: new File([body], name),
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
  const name = `${set.title}.${set.file ? 'csv' : 'parquet'}`;
  const pending = { name, preview: null, mapping: null, redact: false, rows: null, busy: true, error: null };
  experiment.pending = pending;
  // Cancel may be pressed while it comes.
  const wanted = () => experiment.pending?.name === name;
  try {
    const fetched = await fetchPublic(set, name, wanted);
    if (fetched && wanted()) await openFile(fetched.file, fetched.preset);
  } catch (error) {
    if (wanted()) experiment.pending = { ...pending, busy: false, error: sentence(error) };
  }
}
