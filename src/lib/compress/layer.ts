import {
  GROUPS,
  inLayer,
  INPUT_GROUPS,
  LINEARS,
  names,
  placeOf,
  VECTORS,
  type GroupName,
  type LinearName,
} from '../checkpoint/block';
import type { Checkpoint } from '../checkpoint/checkpoint';
import { JoulewiseError } from '../core/errors';
import type { StoredTensor } from '../tensor/stored';
import type { GroupJob, GroupResult, LinearReport, Solver } from './group';
import { activationScores, groupScores, neuronScores, PRUNERS } from './pruners';
import { formatLinear, type LinearRecipe, type Pruning, type Recipe } from './recipe';
import { MIGRATIONS, smoothLayer, smoothStatistics, type Matrix2d, type SmoothScales } from './smooth';
import { selectInputs, type InputStatistics, type Statistics } from './statistics';
import { groupFeatures, removeGroups, removeNeurons } from './structure';

export interface MadeLayer {
  tensors: Record<LinearName, StoredTensor>;
  reports: LinearReport[];
}

/** What is done to each linear layer of each remaining layer. */
export type Choice = (layer: number) => (linear: LinearName) => LinearRecipe;

/** The pruning of a kind that a recipe asks for, if it does. */
export const pruningOf = (recipe: Recipe, kind: 'layers' | 'neurons' | 'groups'): Pruning | null =>
  recipe.prunings.find((p) => PRUNERS[p.pruner].kind === kind) ?? null;

type Weights = Record<LinearName, Matrix2d>;
type Inputs = Record<GroupName, InputStatistics>;

/**
 * Makes the remaining layers of a checkpoint under a recipe, one at a time: read, structure removed, smoothed, then masked
 * and stored by the solver. Layers are numbered as they remain; `kept` has their numbers in the checkpoint.
 */
export class LayerMaker {
  private readonly smoothed = new Map<number, SmoothScales>();
  private ahead: { layer: number; jobs: Promise<GroupJob[]> } | null = null;
  private readonly neurons: Pruning | null;
  private readonly groups: Pruning | null;

  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly recipe: Recipe,
    private readonly kept: readonly number[],
    private readonly o: { statistics: Statistics | null; solver: Solver; signal?: AbortSignal | undefined },
  ) {
    this.neurons = pruningOf(recipe, 'neurons');
    this.groups = pruningOf(recipe, 'groups');
  }

  /** `readAhead`: the next layer is read while this one is solved, so that two are in float32. */
  async make(layer: number, choice: Choice, readAhead: boolean): Promise<MadeLayer> {
    const jobs = await (this.ahead?.layer === layer ? this.ahead.jobs : this.jobsOf(layer, choice(layer)));
    this.ahead = null;
    if (this.o.signal?.aborted)
      throw new JoulewiseError('cancelled', 'Stopped while compressing. Finished layers are kept.');
    const running = Promise.all(jobs.map((job) => this.o.solver.run(job)));
    if (readAhead && layer + 1 < this.kept.length) {
      this.ahead = { layer: layer + 1, jobs: this.jobsOf(layer + 1, choice(layer + 1)) };
      this.ahead.jobs.catch(() => undefined);
    }
    const results = await running;
    const tensors = {} as Record<LinearName, StoredTensor>;
    const reports: LinearReport[] = [];
    for (const result of results)
      result.tensors.forEach((t, i) => {
        const report = result.reports[i] as GroupResult['reports'][number];
        tensors[report.linear] = t;
        reports.push({ ...report, recipe: formatLinear(choice(layer)(report.linear)) });
      });
    return { tensors, reports };
  }

  /** A norm or bias by its name among the remaining layers: without the groups that its layer lost, and smoothed. */
  async vector(name: string): Promise<Float32Array<ArrayBuffer>> {
    const whole = await this.checkpoint.read(inLayer(name, (layer) => this.source(layer)));
    const data = await this.keptBias(name, whole);
    return this.recipe.smooth ? this.smoothNorm(name, data) : data;
  }

  private source(layer: number): number {
    return this.kept[layer] as number;
  }

  private shapeOf(name: string) {
    return this.checkpoint.tensors.get(name)?.shape as readonly [number, number];
  }

  /** Which key-value groups of a layer stay; null where all do. */
  private async groupsOf(layer: number): Promise<Int32Array | null> {
    if (!this.groups) return null;
    const source = this.source(layer);
    const name = names.linear(source, 'o_proj');
    const { inputs } = await (this.o.statistics as Statistics).layer(source);
    const [hidden] = this.shapeOf(name);
    const { kvHeads } = this.checkpoint.config;
    const row = PRUNERS[this.groups.pruner];
    if (row.kind !== 'groups') throw new JoulewiseError('internal', `${this.groups.pruner} removes no groups.`);
    return row.keep(
      groupScores(await this.checkpoint.read(name), inputs.output.squares, hidden, kvHeads),
      this.groups.share ?? 0,
    );
  }

  /** The jobs of one layer, each recipe chosen by `choose`. */
  private async jobsOf(layer: number, choose: (linear: LinearName) => LinearRecipe): Promise<GroupJob[]> {
    const source = this.source(layer);
    const weights = {} as Weights;
    for (const linear of LINEARS) {
      const name = names.linear(source, linear);
      const [rows, columns] = this.shapeOf(name);
      weights[linear] = { data: await this.checkpoint.read(name), rows, columns };
    }
    const own = this.o.statistics ? await this.o.statistics.layer(source) : null;
    const inputs = own ? { ...own.inputs } : null;
    await this.removeStructure(layer, weights, inputs);
    if (this.recipe.smooth && inputs) {
      const by = smoothLayer(weights, inputs);
      this.smoothed.set(layer, by);
      for (const { input } of MIGRATIONS) inputs[input] = smoothStatistics(inputs[input], by[input]);
    }
    // Smoothing divides what `up` gives, and with outputs left out their sum is another.
    const isSame = (linear: LinearName) =>
      !(this.recipe.smooth && linear === 'up_proj') &&
      weights[linear].rows === this.shapeOf(names.linear(source, linear))[0];
    return GROUPS.map((group) => {
      const linears: readonly LinearName[] = INPUT_GROUPS[group];
      return {
        matrices: linears.map((linear) => ({ linear, data: weights[linear].data, rows: weights[linear].rows })),
        columns: weights[linears[0] as LinearName].columns,
        recipes: linears.map(choose),
        statistics: inputs?.[group] ?? null,
        outputSquares: own ? linears.map((l) => (isSame(l) ? own.outputSquares[l] : null)) : null,
      };
    });
  }

  /** Leaves out key-value groups and neurons, of weights and of what is known of their inputs. */
  private async removeStructure(layer: number, weights: Weights, inputs: Inputs | null): Promise<void> {
    const staying = await this.groupsOf(layer);
    if (staying) {
      const heads = removeGroups(weights, staying, this.checkpoint.config);
      if (inputs) inputs.output = selectInputs(inputs.output, heads);
    }
    if (!this.neurons) return;
    const { gate_proj: gate, up_proj: up, down_proj: down } = weights;
    const row = PRUNERS[this.neurons.pruner];
    if (row.kind !== 'neurons') throw new JoulewiseError('internal', `${this.neurons.pruner} removes no neurons.`);
    const scores =
      row.needs && inputs
        ? activationScores(down.data, inputs.down.squares, down.rows)
        : neuronScores(gate.data, up.data, down.data, gate.rows, gate.columns);
    const keep = row.keep(scores, this.neurons.share ?? 0);
    removeNeurons(weights, keep);
    if (inputs) inputs.down = selectInputs(inputs.down, keep);
  }

  /** A norm's weight, divided by what its readers were multiplied by. */
  private async smoothNorm(name: string, data: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const { layer, vector } = placeOf(name);
    const migration = layer !== null && MIGRATIONS.find(({ from }) => from === vector);
    if (!migration) return data;
    // A layer from the cache was not smoothed here: its factors are found again, whatever its weights are stored as.
    if (!this.smoothed.has(layer)) await this.jobsOf(layer, () => UNTOUCHED);
    const by = this.smoothed.get(layer)?.[migration.input];
    return data.map((v, i) => v / (by?.[i] ?? 1));
  }

  /** A bias of queries, keys or values without the groups that its layer lost; other vectors as they are. */
  private async keptBias(name: string, data: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const { layer, vector } = placeOf(name);
    const staying = layer !== null && vector && VECTORS[vector].kind === 'bias' ? await this.groupsOf(layer) : null;
    if (!staying) return data;
    const features = groupFeatures(staying, data.length / this.checkpoint.config.kvHeads);
    return Float32Array.from(features, (i) => data[i] as number);
  }
}

const UNTOUCHED: LinearRecipe = { precision: 'fp32', quantizer: 'nearest', mask: null };
