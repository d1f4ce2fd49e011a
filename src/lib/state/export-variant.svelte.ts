import { JoulewiseError } from '../core/errors';
import { examplePage, exportId, modelCard, readme, type ExportFacts } from '../report/export';
import { ASSISTANT } from '../texts/assistant';
import { exportFiles, removeExport } from '../store/exports';
import type { Chosen } from './assistant.svelte';
import { localCheckpoint } from './checkpoint';
import { sentence } from './sentence';
import { trainingTickets } from './tickets';
import { VERSIONS } from './versions';
import { callEngine } from './workers';

const T = ASSISTANT.export;

/** Where a zip goes: a file that the user chose, written piece by piece, or a download. */
export type Sink = { name: string; take(zip: ReadableStream<Uint8Array>): Promise<void> };

/** Writes a variant's ONNX folder with its card, README and a page that runs it, as one zip. */
class VariantExport {
  busy = $state(false);
  /** Share that is written, 0 to 1. */
  done = $state<number | null>(null);
  error = $state<string | null>(null);
  saved = $state<string | null>(null);
  #abort: AbortController | null = null;

  /** @param sink asked for first, while the click still counts: browsers open no file dialog later */
  async save({ plan, set }: Chosen, variant: string, openSink: (name: string) => Promise<Sink | null>) {
    if (this.busy) return;
    this.busy = true;
    this.error = null;
    this.saved = null;
    const abort = (this.#abort = new AbortController());
    let folder: string | null = null;
    try {
      const result = set.results.find((r) => r.variant === variant);
      if (!result) throw new JoulewiseError('internal', T.noResult);
      if (plan.engine === 'hub') throw new JoulewiseError('option.invalid', T.readyMade);
      const id = exportId(set.checkpoint, variant);
      const sink = await openSink(`${id}.zip`);
      if (!sink) return;
      const given = await trainingTickets(plan, variant);
      const report = await callEngine(
        'exportVariant',
        {
          checkpoint: await localCheckpoint(plan.checkpoint, plan.engine, [variant]),
          recipe: variant,
          engine: plan.engine,
          threads: plan.threads,
          calibration: given && { task: plan.tasks[0] ?? 'rca', given, templates: plan.templates },
        },
        {
          signal: abort.signal,
          transfer: given ? [given] : [],
          onEvent: ({ done, of }) => (this.done = of > 0 ? done / of : null),
        },
      );
      folder = report.id;
      const facts: ExportFacts = {
        id,
        result,
        checkpoint: set.checkpoint,
        dataset: set.dataset,
        device: set.device,
        measuredAt: set.createdAt,
        kernel: report.kernel,
        dtype: report.dtype,
        dataBytes: report.dataBytes,
        versions: VERSIONS,
      };
      const [files, { makeZip }] = await Promise.all([exportFiles(folder), import('client-zip')]);
      const texts = { 'README.md': readme(facts), 'MODEL_CARD.md': modelCard(facts), 'index.html': examplePage(facts) };
      await sink.take(
        makeZip([
          ...Object.entries(texts).map(([name, input]) => ({ name: `${id}/${name}`, input })),
          ...files.map(({ path, file }) => ({ name: `${id}/model/${path}`, input: file })),
        ]),
      );
      this.saved = sink.name;
    } catch (error) {
      if (!abort.signal.aborted) this.error = sentence(error);
    } finally {
      if (folder) await removeExport(folder).catch(() => undefined);
      this.busy = false;
      this.done = null;
    }
  }

  stop(): void {
    this.#abort?.abort();
  }
}

export const variantExport = new VariantExport();
