import { answerable } from '../../data/answerable';
import { ENGINE, takesRecipes, type EngineName } from '../../schema/engines';
import type { GeneratorOptions } from '../../data/generator';
import type { PageReport, Reading, TablePreview } from '../../data/import';
import type { DatasetSummaryRecord, Mapping } from '../../schema/dataset';
import type { CheckpointRef } from '../../schema/plan';
import type { TaskName } from '../../schema/run';
import type { DownloadProgress } from '../../store/download';
import type { Problem } from '../../texts/problems';
import {
  countRuns,
  DEFAULT_CHOICES,
  GENERATED,
  isUntouched,
  namedOf,
  problemOf,
  stagesOf,
  type Choices,
} from '../choices/choices';
import { device } from '../device/device.svelte';
import type { Hiding } from '../../data/redaction-report';
import type { Tickets } from '../../session/threads/tickets';

/** A file on its way in: looked at, mapped, imported. */
export interface PendingImport {
  name: string;
  preview: TablePreview | null;
  mapping: Mapping | null;
  redact: boolean;
  /** What is hidden besides, or is not; absent until it was looked at. */
  hiding?: Hiding;
  /** How it is read, where a person said so. */
  reading?: Reading;
  /** Rows read so far; null while only the beginning is looked at. */
  rows: number | null;
  busy: boolean;
  error: string | null;
}

/** Tickets of the user's own. */
export interface Imported {
  dataset: DatasetSummaryRecord;
  /** Null where they were imported earlier. */
  report: PageReport | null;
  /** What holds them until they are stored, which a run does first; null where they are. */
  held: Tickets | null;
}

/** All that the cards hold, as plain data that can be kept. */
export interface Setup {
  generated: GeneratorOptions;
  /** Imported tickets; null = generated ones. */
  tickets: { hash: string; name: string } | null;
  checkpoint: CheckpointRef;
  choices: Choices;
  engine: EngineName | null;
}

/**
 * One experiment being set up: what the four cards show and change. What takes files in (`take-in`) and makes the plan
 * (`prepare`) is loaded when it is asked for, so that the first page stays light.
 */
class Experiment {
  /** Generated tickets until a file is imported or a stored set is chosen. */
  generated = $state<GeneratorOptions>({ count: GENERATED.count, seed: GENERATED.seed });
  imported = $state.raw<Imported | null>(null);
  pending = $state<PendingImport | null>(null);
  checkpoint = $state.raw<CheckpointRef>({ kind: 'builtin' });
  /** Share of a local checkpoint that is stored, while it is being stored. */
  storing = $state<{ bytes: number; of: number } | null>(null);
  /** A download from the Hub under way. */
  download = $state.raw<DownloadProgress | null>(null);
  modelError = $state<string | null>(null);
  choices = $state<Choices>(structuredClone(DEFAULT_CHOICES));
  /** Null = what the probe suggests. */
  engineChoice = $state<EngineName | null>(null);
  /** Whether the device is known and what was set up last is on the cards; until then nothing is kept, and nothing shown. */
  restored = $state(false);
  /** Whether each variant is opened anew for every slice, as counting the cost found: there are fewer slices then. */
  reopened = $state(false);
  /** What a loaded recipe could not bring along, in sentences. */
  notes = $state.raw<string[]>([]);

  /** What is set up, to be kept; tickets that are not stored yet are not in it. */
  get setup(): Setup {
    const { generated, imported, checkpoint, choices, engineChoice } = this;
    const stored = imported && !imported.held ? imported.dataset : null;
    return {
      generated: $state.snapshot(generated),
      tickets: stored && { hash: stored.hash, name: stored.name },
      checkpoint,
      choices: $state.snapshot(choices),
      engine: engineChoice,
    };
  }

  get engine(): EngineName {
    return this.engineChoice ?? device.bestEngine;
  }

  get onGpu(): boolean {
    return ENGINE[this.engine].device === 'gpu';
  }

  get stages() {
    return stagesOf(this.choices);
  }

  /** Variants that are named, of all stages. */
  get variants(): string[] {
    return this.stages.flatMap((stage) => (stage.kind === 'variants' ? stage.variants : []));
  }

  get named() {
    return namedOf(this.choices);
  }

  /** See `countRuns`. */
  get count() {
    return countRuns(this.choices, this);
  }

  /** Whether nothing was changed that costs more or less. */
  get untouched(): boolean {
    return isUntouched(this.choices) && this.checkpoint.kind === 'builtin' && !this.imported;
  }

  /** The profile that its energy is estimated by. */
  get profile() {
    return device.profile(this.engine, this.choices.profile);
  }

  /** Test tickets of the user's own that have an answer for one of these tasks; null where tickets are generated. */
  answerable(tasks: readonly TaskName[]): number | null {
    const { imported } = this;
    return imported && Math.max(0, ...tasks.map((task) => answerable(imported.dataset, task)));
  }

  /** What keeps it from running, as the name of a sentence; null where nothing does. */
  get problem(): Problem | null {
    if (this.pending?.busy) return ['importing'];
    if (this.pending) return ['pending', this.pending.name];
    if (this.storing) return ['storing'];
    if (this.download) return ['downloading', this.download.bytes, this.download.of];
    if (!takesRecipes(this.engine) && this.checkpoint.kind !== 'hub') return ['exportsOnly'];
    if (!takesRecipes(this.engine) && this.choices.prunings.length > 0) return ['exportsPruned'];
    if (!this.imported) {
      const { count, seed } = this.generated;
      if (!Number.isInteger(count) || count < 10 || count > 20_000) return ['count'];
      if (!Number.isInteger(seed) || seed < 0) return ['seed'];
      if (![this.generated.noise ?? 1, this.generated.gaps ?? 1].every((x) => x >= 0 && x <= 3)) return ['noise'];
    }
    const { imported } = this;
    const empty = imported && this.choices.tasks.find((task) => answerable(imported.dataset, task) === 0);
    if (empty) return ['noAnswers', imported.dataset.name, empty];
    return problemOf(this.choices);
  }

  /** Takes other tickets, or null for generated ones; what held those before is let go. */
  useTickets(imported: Imported | null): void {
    if (this.imported?.held !== imported?.held) this.imported?.held?.end();
    this.imported = imported;
  }

  chooseEngine(engine: EngineName): void {
    this.engineChoice = engine;
    this.choices.profile = null;
    // What is exported already cannot be pruned.
    if (!takesRecipes(engine)) this.choices.prunings = [];
  }

  /** A checkpoint from this device or this site; ready-made exports are of the Hub only. */
  useLocal(ref: CheckpointRef): void {
    this.checkpoint = ref;
    this.modelError = null;
    if (this.engineChoice && !takesRecipes(this.engineChoice)) this.engineChoice = null;
  }

  /** Ready-made exports of a repository, run as they are. */
  useExports(repo: string): void {
    this.useHub(repo, 'main');
    this.chooseEngine('hub');
  }

  useHub(repo: string, revision: string): void {
    if (!/^[\w-][\w.-]{0,95}\/[\w-][\w.-]{0,95}$/.test(repo)) {
      void import('../../texts/problems').then(({ PROBLEMS }) => (this.modelError = PROBLEMS.repository));
      return;
    }
    this.modelError = null;
    this.checkpoint = { kind: 'hub', repo, revision: revision || 'main' };
  }
}

export const experiment = new Experiment();
