import type { DatasetSummaryRecord } from '../../schema/dataset';
import { TASKS } from '../../schema/run';
import { DEFAULT_CHOICES } from '../choices/choices';
import type { Reading } from '../../data/import';
import { answerable } from '../../data/answerable';
import type { RedactionPreview } from '../../data/redaction-preview';
import { experiment, type PendingImport } from './experiment.svelte';
import type { Preset } from './public-set';
import { keepTickets, storedTickets } from './tickets.svelte';
import { sentence } from '../../texts/sentence';
import { importTickets } from '../../session/threads/tickets';
import { TICKETS } from '../../texts/tickets';
import { callData } from '../../session/threads/workers';

/** Files of tickets on their way into the experiment that is being set up. */

let file: File | null = null;
/** What is known of the pending file beforehand: of a public set. */
let preset: Preset | null = null;
/** What was imported last, to be read otherwise. */
let last: { file: File; preset: Preset | null; pending: PendingImport } | null = null;

/** Looks at a file; what was looked at before is forgotten. Never throws: what is wrong stands in `pending`. */
export async function openFile(opened: File, known: Preset | null = null, reading: Reading = {}): Promise<void> {
  file = opened;
  preset = known;
  const pending: PendingImport = {
    name: opened.name,
    preview: null,
    mapping: null,
    redact: true,
    reading,
    rows: null,
    busy: true,
    error: null,
  };
  experiment.pending = pending;
  try {
    const preview = await callData('preview', {
      file: { kind: 'blob', name: opened.name, blob: opened },
      ...(reading.encoding === undefined ? {} : { encoding: reading.encoding }),
    });
    if (file === opened)
      experiment.pending = { ...pending, preview, mapping: known?.mapping ?? preview.guess, busy: false };
  } catch (error) {
    if (file === opened) experiment.pending = { ...pending, busy: false, error: sentence(error) };
  }
}

/**
 * Looks at the pending file, or imports the last one again, with what a person knows better than the guesses. The set that
 * was read before stays stored: an experiment may have run on it.
 */
export async function readOtherwise(reading: Reading): Promise<void> {
  if (file && experiment.pending) {
    const known = { ...$state.snapshot(experiment.pending.reading), ...reading };
    return openFile(file, preset, known);
  }
  if (!last) return;
  ({ file, preset } = last);
  experiment.pending = { ...last.pending, reading: { ...last.pending.reading, ...reading } };
  await importPending();
}

/** Imports the pending file with the chosen mapping. */
export async function importPending(): Promise<void> {
  const [own, known, pending] = [file, preset, experiment.pending];
  if (!own || !pending?.mapping) return;
  experiment.pending = { ...pending, busy: true, error: null, rows: 0 };
  const wanted = () => file === own && experiment.pending !== null;
  try {
    const { tickets, report } = await importTickets(
      {
        file: { kind: 'blob', name: own.name, blob: own },
        mapping: $state.snapshot(pending.mapping),
        redact: pending.redact,
        ...$state.snapshot(pending.hiding ?? {}),
        ...$state.snapshot(pending.reading ?? {}),
        seed: experiment.choices.seed,
        causeNames: known?.causeNames ?? {},
        licence: known?.licence ?? null,
      },
      (rows) => {
        if (wanted() && experiment.pending) experiment.pending.rows = rows;
      },
    );
    // Cancel, or another file, was faster.
    if (!wanted()) {
      tickets.end();
      return;
    }
    const { summary } = tickets;
    last = { file: own, preset: known, pending: $state.snapshot<PendingImport>(pending) };
    experiment.useTickets({ dataset: summary, report, held: tickets });
    if (known) {
      experiment.choices.templates = known.templates;
      if (known.tasks) experiment.choices.tasks = [...known.tasks];
    }
    cancelImport();
    dropTasksWithoutAnswers(summary);
    await keepImported();
  } catch (error) {
    if (wanted() && experiment.pending)
      experiment.pending = { ...experiment.pending, busy: false, rows: null, error: sentence(error) };
  }
}

/** Imported tickets are stored at once, so that a reload finds them. Where nothing can be kept, they last as long as the page. */
async function keepImported(): Promise<void> {
  try {
    await keepTickets();
  } catch (error) {
    experiment.notes = [TICKETS.notKept(sentence(error))];
  }
}

/** What redaction would do to the pending file's first rows; null where there is no such file any more. Throws `input.*`. */
export async function lookAtRedaction(): Promise<RedactionPreview | null> {
  const [own, pending] = [file, experiment.pending];
  if (!own || !pending?.mapping) return null;
  const { mapping, hiding, reading } = $state.snapshot(pending);
  return callData('previewRedaction', {
    file: { kind: 'blob', name: own.name, blob: own },
    mapping: mapping ?? {},
    ...hiding,
    ...(reading?.encoding === undefined ? {} : { encoding: reading.encoding }),
  });
}

export function cancelImport(): void {
  file = null;
  preset = null;
  experiment.pending = null;
}

export function useGenerated(): void {
  cancelImport();
  last = null;
  experiment.useTickets(null);
  experiment.choices.tasks = DEFAULT_CHOICES.tasks.slice();
  experiment.choices.templates = {};
}

export async function useStored(hash: string): Promise<void> {
  const dataset = await storedTickets(hash);
  if (!dataset) return;
  cancelImport();
  experiment.useTickets({ dataset, report: null, held: null });
  dropTasksWithoutAnswers(dataset);
}

function dropTasksWithoutAnswers(dataset: DatasetSummaryRecord): void {
  const possible = TASKS.filter((task) => answerable(dataset, task) > 0);
  const kept = experiment.choices.tasks.filter((task) => possible.includes(task));
  experiment.choices.tasks = kept.length > 0 ? kept : [...possible];
}
