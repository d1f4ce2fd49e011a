import type { LayerReport } from '../../compress/books';
import { calibrationLevel, canonicalRecipe, parseRecipe } from '../../compress/recipe';
import { JoulewiseError } from '../../core/errors';
import type { CheckpointRef } from '../../schema/plan';
import type { TaskName } from '../../schema/run';
import { COMPRESS } from '../../texts/compress';
import type { ExportApi } from '../../workers/export/protocol';
import { localCheckpoint } from '../../session/threads/checkpoint';
import { experiment } from '../setup/experiment.svelte';
import { withTickets } from '../setup/tickets.svelte';
import { sentence } from '../../texts/sentence';
import { callEngine } from '../../session/threads/workers';

/** Figures that move are redrawn at most this often, ms. */
const REDRAW_MS = 250;

type Progress = ExportApi['inspect']['event'];
/** Totals of a finished compression. */
export type CompressTotals = Omit<ExportApi['inspect']['result'], 'layers'>;

/** Trying a recipe on a model's weights, layer by layer: what is lost, where, at what size and time. */
class CompressState {
  recipe = $state('int8+sparsegpt2:4');
  checkpoint = $state.raw<CheckpointRef>(experiment.checkpoint);
  busy = $state(false);
  progress = $state.raw<Progress | null>(null);
  layers = $state.raw<readonly LayerReport[]>([]);
  /** Matrices of no layer; known before the first layer. */
  outer = $state.raw<CompressTotals['outer']>([]);
  /** Layers that the whole model will have, while not all are finished; else 0. */
  expected = $state(0);
  totals = $state.raw<CompressTotals | null>(null);
  /** What `layers` was made with. */
  made = $state.raw<{ recipe: string; calibration: string | null } | null>(null);
  error = $state<string | null>(null);
  ended = $state<string | null>(null);
  #abort: AbortController | null = null;

  /** Why the recipe cannot be read, in a sentence; null where it can. */
  get problem(): string | null {
    try {
      parseRecipe(this.recipe);
      return null;
    } catch (error) {
      return sentence(error);
    }
  }

  /** The tasks whose training tickets calibrate. */
  get tasks(): readonly TaskName[] {
    return experiment.choices.tasks.slice();
  }

  /** Where calibration text comes from, in words. */
  get calibration(): string {
    return experiment.imported?.dataset.name ?? COMPRESS.generated(experiment.generated.count);
  }

  cancel(): void {
    this.#abort?.abort();
  }

  /** Compresses to the end, or to `cancel`. Never throws: what fails stands in `error`. */
  async start(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = null;
    this.ended = null;
    this.totals = null;
    this.layers = [];
    this.outer = [];
    this.progress = null;
    const abort = new AbortController();
    this.#abort = abort;
    let progress: Progress | null = null;
    let rows: LayerReport[] = [];
    const redraw = () => {
      this.progress = progress;
      if (rows.length !== this.layers.length) this.layers = rows.slice();
    };
    const timer = setInterval(redraw, REDRAW_MS);
    try {
      const recipe = canonicalRecipe(this.recipe);
      const calibrated = calibrationLevel(parseRecipe(recipe)) !== null;
      const { tasks } = this;
      const given = calibrated
        ? await withTickets(async (tickets) => {
            this.made = { recipe, calibration: tickets.summary.name };
            return tickets.give({ tasks, limit: 0, seed: experiment.choices.seed, train: true });
          })
        : null;
      if (!calibrated) this.made = { recipe, calibration: null };
      const { layers, ...totals } = await callEngine(
        'inspect',
        {
          checkpoint: await localCheckpoint(this.checkpoint, 'cpu', [recipe]),
          recipe,
          threads: null,
          tasks,
          given,
        },
        {
          transfer: given ? [given] : [],
          signal: abort.signal,
          onEvent: ({ report, outer, ...p }) => {
            progress = p;
            if (outer) [this.outer, this.expected] = [outer, p.of];
            if (report) rows.push(report);
          },
        },
      );
      rows = layers.slice();
      this.totals = totals;
      this.ended = COMPRESS.finished;
    } catch (error) {
      if (error instanceof JoulewiseError && error.code === 'cancelled') this.ended = COMPRESS.stopped;
      else this.error = sentence(error);
    } finally {
      clearInterval(timer);
      redraw();
      this.progress = null;
      this.expected = 0;
      this.#abort = null;
      this.busy = false;
    }
  }
}

export const compress = new CompressState();
