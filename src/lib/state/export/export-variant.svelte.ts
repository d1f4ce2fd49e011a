import { takesRecipes } from '../../schema/engines';
import { JoulewiseError } from '../../core/errors';
import { examplePage, pageTasks } from '../../report/example-page';
import { exportId, modelCard, readme, type ExportFacts } from '../../report/export';
import type { ExportFormat, ExportSize } from '../../export/sizes';
import type { CheckpointRef } from '../../schema/plan';
import type { VariantResult } from '../../schema/result';
import { ASSISTANT } from '../../texts/assistant';
import { takeExport } from '../../session/threads/exports';
import type { Chosen } from '../results/chosen';
import { localCheckpoint, storedHub } from '../../session/threads/checkpoint';
import { device } from '../device/device.svelte';
import { fetchRuntime, runtimeFiles } from './runtime-files';
import { sentence } from '../../texts/sentence';
import { trainingTickets } from '../../session/threads/tickets';
import { VERSIONS } from '../../session/threads/versions';
import { callEngine } from '../../session/threads/workers';

const T = ASSISTANT.export;

/** Where a file goes: one that the user chose, written piece by piece, or a download. */
export type Sink = { name: string; take(data: ReadableStream<Uint8Array>): Promise<void> };

/** Texts beside the model and what a zip says of its files take some of this. */
const TEXT_BYTES = 16_384;

const resultOf = ({ set }: Chosen, variant: string): VariantResult => {
  const result = set.results.find((r) => r.variant === variant);
  if (!result) throw new JoulewiseError('internal', T.noResult);
  return result;
};

/** Saves a variant: its ONNX folder with a runtime, its card, README and a page that runs it, as one zip; or a GGUF file. */
class VariantExport {
  busy = $state(false);
  /** Share that is written, 0 to 1. */
  done = $state<number | null>(null);
  error = $state<string | null>(null);
  saved = $state<string | null>(null);
  /** What the last file could not say, in sentences. */
  notes = $state.raw<readonly string[]>([]);
  /** Bytes of the file to come, by format; null while they are counted, or where the model is not here yet. */
  sizes = $state.raw<Record<ExportFormat, ExportSize> | null>(null);
  #measured = '';
  #abort: AbortController | null = null;

  /** Where there is no adapter to keep apart, nobody asks for one. */
  get formats() {
    return T.formats.filter(({ format }) => format !== 'peft' || this.sizes?.peft.refused === null);
  }

  /** Counts how large the files of a variant will be, from its model's header alone. */
  async measure(chosen: Chosen, variant: string): Promise<void> {
    const key = `${chosen.hash}/${variant}`;
    if (this.#measured === key) return;
    this.#measured = key;
    this.sizes = null;
    try {
      const { plan } = chosen;
      if (!takesRecipes(plan.engine)) return;
      // A model that would have to be downloaded first is not downloaded to tell a size.
      const checkpoint =
        plan.checkpoint.kind === 'hub' ? await storedHub(plan.checkpoint, plan.engine, [variant]) : plan.checkpoint;
      if (!checkpoint) return;
      const sizes = await callEngine('exportSizes', {
        checkpoint,
        recipe: variant,
        engine: plan.engine,
        storedBytes: resultOf(chosen, variant).storedBytes,
      });
      if (this.#measured !== key) return;
      const beside = runtimeFiles().reduce((sum, file) => sum + file.bytes, TEXT_BYTES);
      const { onnx } = sizes;
      this.sizes = { ...sizes, onnx: onnx.bytes === null ? onnx : { ...onnx, bytes: onnx.bytes + beside } };
    } catch (error) {
      if (this.#measured === key) this.error = sentence(error);
    }
  }

  /** @param openSink asked for first, while the click still counts: browsers open no file dialog later */
  async save(
    chosen: Chosen,
    variant: string,
    format: ExportFormat,
    openSink: (name: string) => Promise<Sink | null>,
  ): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = null;
    this.saved = null;
    this.notes = [];
    const abort = (this.#abort = new AbortController());
    try {
      const { plan, set } = chosen;
      const result = resultOf(chosen, variant);
      if (!takesRecipes(plan.engine)) throw new JoulewiseError('option.invalid', T.readyMade);
      const id = exportId(set.checkpoint.replace(/\.gguf$/i, ''), variant);
      const sink = await openSink(format === 'gguf' ? `${id}.gguf` : `${id}.zip`);
      if (!sink) return;
      const given = await trainingTickets(plan, variant);
      const request = {
        checkpoint: await localCheckpoint(plan.checkpoint, plan.engine, [variant]),
        recipe: variant,
        engine: plan.engine,
        threads: plan.threads,
        profile: plan.profile,
        calibration: given && { tasks: plan.tasks, given, templates: plan.templates },
      };
      const options = {
        signal: abort.signal,
        transfer: given ? [given] : [],
        onEvent: ({ done, of }: { done: number; of: number }) => (this.done = of > 0 ? done / of : null),
      };
      if (format === 'peft') {
        if (!given) throw new JoulewiseError('internal', T.noResult);
        const files = await callEngine('adapter', await adapterRequest(chosen, request, given), options);
        const { makeZip } = await import('client-zip');
        await sink.take(makeZip(Object.entries(files).map(([name, input]) => ({ name: `${id}/${name}`, input }))));
      } else if (format === 'gguf') {
        const report = await callEngine('exportGguf', { ...request, name: id }, options);
        await takeExport(report.id, async ([file]) => {
          if (!file) throw new JoulewiseError('internal', T.noResult);
          await sink.take(file.file.stream());
        });
        this.notes = report.notes;
      } else {
        const report = await callEngine('exportVariant', request, options);
        await takeExport(report.id, async (files) => sink.take(await zipOf(chosen, id, result, report, files)));
      }
      this.saved = sink.name;
    } catch (error) {
      if (!abort.signal.aborted) this.error = sentence(error);
    } finally {
      this.busy = false;
      this.done = null;
    }
  }

  stop(): void {
    this.#abort?.abort();
  }
}

type Given = NonNullable<Awaited<ReturnType<typeof trainingTickets>>>;

/** What brings a variant's adapter: as the plan trained it, so that it is found and not trained again. */
async function adapterRequest(
  { plan, causes }: Chosen,
  { checkpoint, recipe }: { checkpoint: CheckpointRef; recipe: string },
  given: Given,
) {
  await device.load();
  if (!device.found) throw new JoulewiseError('internal', device.error ?? ASSISTANT.noDevice);
  const { engine, threads, tasks, templates, seed, profile } = plan;
  return {
    ...{ checkpoint, engine, threads, templates, seed, profile, given },
    variant: recipe,
    tasks: [...tasks],
    causes: [...causes],
    device: device.found,
  };
}

/** The folder as a zip: model, runtime, card, README and page. */
async function zipOf(
  { plan, set, causes }: Chosen,
  id: string,
  result: VariantResult,
  report: { kernel: string; dtype: string; dataBytes: number },
  files: readonly { path: string; file: File }[],
): Promise<ReadableStream<Uint8Array>> {
  const tasks = pageTasks(plan.tasks, plan.templates, causes, plan.maxNewTokens);
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
    tasks,
  };
  const [runtime, { makeZip }] = await Promise.all([fetchRuntime(), import('client-zip')]);
  const texts = {
    'README.md': readme(facts),
    'MODEL_CARD.md': modelCard(facts),
    'index.html': examplePage({ id, dtype: report.dtype, tasks }),
  };
  return makeZip([
    ...Object.entries(texts).map(([name, input]) => ({ name: `${id}/${name}`, input })),
    ...runtime.map(({ name, input }) => ({ name: `${id}/${name}`, input: input.stream() })),
    ...files.map(({ path, file }) => ({ name: `${id}/model/${path}`, input: file })),
  ]);
}

export const variantExport = new VariantExport();
