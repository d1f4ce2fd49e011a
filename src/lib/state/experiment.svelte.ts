import { JoulewiseError, quote } from '../core/errors';
import type { GeneratorOptions } from '../data/generator';
import type { ImportReport, TablePreview } from '../data/import';
import type { DatasetRecord, Mapping } from '../schema/dataset';
import type { CheckpointRef, PlanRecord } from '../schema/plan';
import type { EngineName, TaskName } from '../schema/run';
import type { DownloadProgress } from '../store/download';
import { PROBLEMS } from '../texts/problems';
import type { Preset } from './public-set';
import { records } from './records';
import { buildPlan, DEFAULT_CHOICES, GENERATED, problemOf, stagesOf, type Choices } from './choices';
import { device } from './device.svelte';
import { sentence } from './sentence';
import { callData } from './workers';

/** A file on its way in: looked at, mapped, imported. */
export interface PendingImport {
  name: string;
  preview: TablePreview | null;
  mapping: Mapping | null;
  redact: boolean;
  /** Rows read so far; null while only the beginning is looked at. */
  rows: number | null;
  busy: boolean;
  error: string | null;
}

const ANSWER: Record<TaskName, 'cause' | 'response'> = {
  rca: 'cause',
  response: 'response',
  summary: 'response',
};

/** Test tickets of a dataset that have an answer for a task. */
export const answerable = (dataset: DatasetRecord, task: TaskName) =>
  dataset.tickets.filter((t, i) => dataset.split[i] === 'test' && t[ANSWER[task]] !== null).length;

/** One experiment being set up: what the four cards show and change. */

class Experiment {
  /** Generated tickets until a file is imported or a stored set is chosen. */
  generated = $state<GeneratorOptions>({ count: GENERATED.count, seed: GENERATED.seed });
  imported = $state.raw<{ dataset: DatasetRecord; report: ImportReport | null } | null>(null);
  pending = $state<PendingImport | null>(null);
  checkpoint = $state.raw<CheckpointRef>({ kind: 'builtin' });
  /** Share of a local checkpoint that is stored, while it is being stored. */
  storing = $state<{ bytes: number; of: number } | null>(null);
  /** A download from the Hub under way. */
  download = $state.raw<DownloadProgress | null>(null);
  #download: AbortController | null = null;
  modelError = $state<string | null>(null);
  choices = $state<Choices>(structuredClone(DEFAULT_CHOICES));
  /** Null = what the probe suggests. */
  engineChoice = $state<EngineName | null>(null);
  /** What a loaded recipe could not bring along, in sentences. */
  notes = $state.raw<string[]>([]);
  #file: File | null = null;
  /** What is known of the pending file beforehand: of a public set. */
  #preset: Preset | null = null;

  get engine(): EngineName {
    return this.engineChoice ?? device.bestEngine;
  }

  /** What keeps it from running, in a sentence; null where nothing does. */
  get problem(): string | null {
    if (this.pending?.busy) return PROBLEMS.importing;
    if (this.storing) return PROBLEMS.storing;
    if (this.download) return PROBLEMS.downloading(this.download.bytes, this.download.of);
    if (this.engine === 'hub' && this.checkpoint.kind !== 'hub') return PROBLEMS.exportsOnly;
    if (this.engine === 'hub' && this.choices.prunings.length > 0) return PROBLEMS.exportsPruned;
    if (!this.imported) {
      const { count, seed } = this.generated;
      if (!Number.isInteger(count) || count < 10 || count > 20_000) return PROBLEMS.count;
      if (!Number.isInteger(seed) || seed < 0) return PROBLEMS.seed;
      if (![this.generated.noise ?? 1, this.generated.gaps ?? 1].every((x) => x >= 0 && x <= 3)) return PROBLEMS.noise;
    }
    return problemOf(this.choices);
  }

  async openFile(file: File, preset: Preset | null = null): Promise<void> {
    this.#file = file;
    this.#preset = preset;
    this.pending = {
      name: file.name,
      preview: null,
      mapping: null,
      redact: true,
      rows: null,
      busy: true,
      error: null,
    };
    try {
      const preview = await callData('preview', { kind: 'blob', name: file.name, blob: file });
      if (this.#file !== file) return;
      this.pending = { ...this.pending, preview, mapping: preset?.mapping ?? preview.guess, busy: false };
    } catch (error) {
      if (this.#file === file) this.pending = { ...this.pending, busy: false, error: sentence(error) };
    }
  }

  /** Imports the pending file with the chosen mapping. */
  async importPending(): Promise<void> {
    const [file, pending] = [this.#file, this.pending];
    if (!file || !pending?.mapping) return;
    this.pending = { ...pending, busy: true, error: null, rows: 0 };
    try {
      this.imported = await callData(
        'import',
        {
          file: { kind: 'blob', name: file.name, blob: file },
          mapping: $state.snapshot(pending.mapping),
          redact: pending.redact,
          seed: this.choices.seed,
          causeNames: this.#preset?.causeNames ?? {},
          licence: this.#preset?.licence ?? null,
        },
        {
          onEvent: ({ rows }) => {
            if (this.pending && this.#file === file) this.pending.rows = rows;
          },
        },
      );
      if (this.#preset) {
        this.choices.templates = this.#preset.templates;
        if (this.#preset.tasks) this.choices.tasks = [...this.#preset.tasks];
      }
      this.#file = null;
      this.#preset = null;
      this.pending = null;
      this.#dropTasksWithoutAnswers(this.imported.dataset);
    } catch (error) {
      if (this.pending) this.pending = { ...this.pending, busy: false, rows: null, error: sentence(error) };
    }
  }

  cancelImport(): void {
    this.#file = null;
    this.pending = null;
  }

  useGenerated(): void {
    this.imported = null;
    this.cancelImport();
    this.choices.tasks = DEFAULT_CHOICES.tasks.slice();
    this.choices.templates = {};
  }

  async useStored(hash: string): Promise<void> {
    const dataset = await (await records()).getDataset(hash);
    if (!dataset) return;
    this.cancelImport();
    this.imported = { dataset, report: null };
    this.#dropTasksWithoutAnswers(dataset);
  }

  #dropTasksWithoutAnswers(dataset: DatasetRecord): void {
    const possible = (Object.keys(ANSWER) as TaskName[]).filter((task) => answerable(dataset, task) > 0);
    const kept = this.choices.tasks.filter((task) => possible.includes(task));
    this.choices.tasks = kept.length > 0 ? kept : possible;
  }

  chooseEngine(engine: EngineName): void {
    this.engineChoice = engine;
    this.choices.profile = null;
    // What is exported already cannot be pruned.
    if (engine === 'hub') this.choices.prunings = [];
  }

  /** A checkpoint from this device or this site; ready-made exports are of the Hub only. */
  useLocal(ref: CheckpointRef): void {
    this.checkpoint = ref;
    this.modelError = null;
    if (this.engineChoice === 'hub') this.engineChoice = null;
  }

  /** Ready-made exports of a repository, run as they are. */
  useExports(repo: string): void {
    this.useHub(repo, 'main');
    this.chooseEngine('hub');
  }

  useHub(repo: string, revision: string): void {
    if (!/^[\w-][\w.-]{0,95}\/[\w-][\w.-]{0,95}$/.test(repo)) {
      this.modelError = PROBLEMS.repository;
      return;
    }
    this.modelError = null;
    this.checkpoint = { kind: 'hub', repo, revision: revision || 'main' };
  }

  /** Brings the chosen Hub repository here now, going on where an earlier try ended; what Run would do first. */
  async fetchModel(): Promise<boolean> {
    const { checkpoint } = this;
    if (checkpoint.kind !== 'hub' || this.download) return checkpoint.kind !== 'hub';
    this.modelError = null;
    const abort = (this.#download = new AbortController());
    try {
      const { localCheckpoint } = await import('./checkpoint');
      const variants = stagesOf(this.choices).flatMap((s) => (s.kind === 'variants' ? s.variants : []));
      await localCheckpoint(checkpoint, this.engine, variants, {
        signal: abort.signal,
        onProgress: (progress) => (this.download = progress),
      });
      return true;
    } catch (error) {
      this.modelError = sentence(error);
      return false;
    } finally {
      this.download = null;
      this.#download = null;
    }
  }

  stopDownload(): void {
    this.#download?.abort();
  }

  /** The tickets themselves; generated ones are made now, in a worker. */
  async dataset(): Promise<DatasetRecord> {
    return this.imported?.dataset ?? (await callData('generate', $state.snapshot(this.generated)));
  }

  async build(): Promise<{ plan: PlanRecord; dataset: DatasetRecord; name: string }> {
    await device.load();
    const dataset = await this.dataset();
    const choices = $state.snapshot(this.choices);
    for (const task of choices.tasks)
      if (answerable(dataset, task) === 0)
        throw new JoulewiseError(
          'input.empty',
          `No test ticket of ${quote(dataset.name)} has an answer for the task ${task}. Open "Tickets" and drop it.`,
        );
    if (!(await this.fetchModel()))
      throw new JoulewiseError('network.failed', this.modelError ?? 'The model could not be downloaded.');
    const plan = buildPlan(choices, dataset, this.checkpoint, this.engine);
    return { plan, dataset, name: `${dataset.name}, ${choices.tasks.join(' and ')}` };
  }
}

export const experiment = new Experiment();
