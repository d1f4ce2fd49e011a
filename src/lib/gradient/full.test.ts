import { describe, expect, it } from 'vitest';
import { placeSpans } from '../block/spans';
import { fullLayout } from '../block/weights';
import { linearShapes, names, ropeTables, type LinearName } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { nodeMatrix } from '../matrix/testing';
import { weightsOf } from './full';
import { openGradients, type Pass } from './pass';
import { distance, floats, frozenModel, fullModels, type FullReference } from './testing';

const open = async (name: string) => {
  const model = await frozenModel(name);
  const { config, ffnSizes } = model;
  const layout = fullLayout(config, ffnSizes);
  const gradients = openGradients(await nodeMatrix(), { config, ffnSizes }, layout, 'fp32');
  const numbers = weightsOf(model, layout);
  gradients.setNumbers(numbers);
  return { config, ffnSizes, layout, gradients, numbers };
};

/** Sequences side by side, each token of weight `weights[i]` predicted by the one before. */
const passOf = (sequences: FullReference['sequences']): Pass => ({
  spans: sequences.map(({ ids }) => ({ tokens: ids.length - 1, parent: null })),
  ids: sequences.flatMap(({ ids }) => ids.slice(0, -1)),
  labels: sequences.flatMap(({ ids }) => ids.slice(1)),
  weights: sequences.flatMap(({ weights }) => weights),
});

const countOf = ({ weights = [] }: Pass) => weights.reduce((a, b) => a + b, 0);

describe.each(Object.keys(fullModels))('gradients of all weights of %s', (name) => {
  const reference = fullModels[name] as FullReference;
  const pass = passOf(reference.sequences);

  it('are those of PyTorch, tensor by tensor', async () => {
    const { gradients, layout } = await open(name);
    const { loss, labels } = gradients.step(pass, 1 / countOf(pass));
    expect(labels).toBeCloseTo(countOf(pass), 10);
    expect(Math.abs(loss / labels / reference.loss - 1)).toBeLessThan(1e-5);
    const own = gradients.takeGradient();
    expect(layout.parts.map((p) => p.name).toSorted()).toEqual(Object.keys(reference.gradient).toSorted());
    for (const { name: tensor, at, rows, columns } of layout.parts)
      expect(
        distance(own.slice(at, at + rows * columns), floats(reference.gradient[tensor] as string)),
        tensor,
      ).toBeLessThan(1e-4);
    expect(gradients.takeGradient().every((x) => x === 0)).toBe(true);
  });

  it('are central differences of the loss in float64, for each kind of weight', async () => {
    const { gradients, layout, numbers, config, ffnSizes } = await open(name);
    // The shortest sequence: every weight takes part in it.
    const pass = passOf(reference.sequences.slice(-1));
    gradients.step(pass, 1);
    const own = gradients.takeGradient();
    const weights = Float64Array.from(numbers);
    const loss = () => lossOf(config, ffnSizes, (tensor) => weights.subarray(layout.at(tensor)), pass);
    expect(Math.abs(loss() / gradients.loss(pass).loss - 1)).toBeLessThan(1e-6);
    for (const { name: tensor, at, rows, columns } of layout.parts) {
      const all = own.subarray(at, at + rows * columns);
      const scale = Math.hypot(...all) / Math.sqrt(all.length);
      // Eight places spread over the tensor.
      const step = Math.max(1, Math.floor(all.length / 8));
      for (let i = 0; i < all.length; i += step) {
        const was = weights[at + i] as number;
        const h = 1e-5;
        weights[at + i] = was + h;
        const up = loss();
        weights[at + i] = was - h;
        const slope = (up - loss()) / (2 * h);
        weights[at + i] = was;
        const off = Math.abs((all[i] as number) - slope);
        expect(off / Math.max(Math.abs(slope), scale), `${tensor} at ${i}`).toBeLessThan(1e-3);
      }
    }
  });

  it('are the same where a beginning is shared, which counts for all that begin so', async () => {
    const { gradients } = await open(name);
    const [{ ids: first }] = reference.sequences as [FullReference['sequences'][number]];
    const shared = first.slice(0, 6);
    const tails = [
      [3, 1, 4, 1, 5],
      [9, 2, 6],
    ];
    const apart = passOf(
      tails.map((tail) => ({ ids: [...shared, ...tail], weights: [...shared.slice(1), ...tail].map(() => 0.5) })),
    );
    // The row before the tails predicts another token for each, and so is each one's own.
    const forest: Pass = {
      spans: [{ tokens: 5, parent: null }, ...tails.map(({ length }) => ({ tokens: length, parent: 0 }))],
      ids: [...shared.slice(0, 5), ...tails.flatMap((tail) => [shared[5] as number, ...tail.slice(0, -1)])],
      labels: [...shared.slice(1), ...tails.flat()],
      weights: [...shared.slice(1).map(() => 1), ...tails.flat().map(() => 0.5)],
    };
    const one = gradients.step(apart, 1);
    const separate = gradients.takeGradient();
    const other = gradients.step(forest, 1);
    expect(Math.abs(other.loss / one.loss - 1)).toBeLessThan(1e-6);
    expect(distance(gradients.takeGradient(), separate)).toBeLessThan(1e-5);
  });
});

/** The loss of a pass of separate sequences in float64, written down from the definition. */
function lossOf(
  config: ModelConfig,
  ffnSizes: readonly number[],
  weight: (name: string) => Float64Array,
  pass: Pass,
): number {
  const { hiddenSize: hidden, heads, kvHeads, headDim, layers, vocabSize, normEpsilon, qkNorm, qkvBias } = config;
  const at = (x: ArrayLike<number>, i: number) => x[i] as number;
  const times = (x: Float64Array, w: Float64Array, rows: number, columns: number) =>
    Float64Array.from({ length: rows }, (_, r) => {
      let s = 0;
      for (let c = 0; c < columns; c++) s += at(w, r * columns + c) * at(x, c);
      return s;
    });
  const norm = (x: Float64Array, w: Float64Array) => {
    const rms = Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length + normEpsilon);
    return x.map((v, i) => (v / rms) * at(w, i));
  };
  const { cos, sin } = ropeTables(config, 64);
  const half = headDim / 2;
  const turned = (x: Float64Array, position: number) =>
    x.map((v, i) => {
      const [c, s] = [at(cos, position * half + (i % half)), at(sin, position * half + (i % half))];
      return i < half ? v * c - at(x, i + half) * s : v * c + at(x, i - half) * s;
    });
  let loss = 0;
  for (const { row: start, tokens } of placeSpans(pass.spans)) {
    let x = Array.from({ length: tokens }, (_, t) => {
      const id = pass.ids[start + t] as number;
      return weight(names.embedding).slice(id * hidden, (id + 1) * hidden);
    });
    for (let layer = 0; layer < layers; layer++) {
      const shapes = linearShapes(config, ffnSizes[layer] as number);
      const project = (l: LinearName, v: Float64Array) => times(v, weight(names.linear(layer, l)), ...shapes[l]);
      const biased = (l: 'q_proj' | 'k_proj' | 'v_proj', v: Float64Array) => {
        const y = project(l, v);
        if (!qkvBias) return y;
        const bias = weight(names.vector(layer, ({ q_proj: 'qBias', k_proj: 'kBias', v_proj: 'vBias' } as const)[l]));
        return y.map((a, i) => a + at(bias, i));
      };
      const headsOf = (y: Float64Array, n: number, which: 'qNorm' | 'kNorm' | null, t: number) =>
        Array.from({ length: n }, (_, h) => {
          const own = y.slice(h * headDim, (h + 1) * headDim);
          return which ? turned(qkNorm ? norm(own, weight(names.vector(layer, which))) : own, t) : own;
        });
      const read = x.map((v) => norm(v, weight(names.inputNorm(layer))));
      const q = read.map((v, t) => headsOf(biased('q_proj', v), heads, 'qNorm', t));
      const k = read.map((v, t) => headsOf(biased('k_proj', v), kvHeads, 'kNorm', t));
      const v = read.map((value, t) => headsOf(biased('v_proj', value), kvHeads, null, t));
      x = x.map((state, t) => {
        const mixed = new Float64Array(heads * headDim);
        for (let h = 0; h < heads; h++) {
          const group = Math.floor((h * kvHeads) / heads);
          const query = q[t]?.[h] as Float64Array;
          const scores = Array.from({ length: t + 1 }, (_, j) => {
            const key = k[j]?.[group] as Float64Array;
            return query.reduce((s, a, i) => s + a * at(key, i), 0) / Math.sqrt(headDim);
          });
          const most = Math.max(...scores);
          const e = scores.map((s) => Math.exp(s - most));
          const sum = e.reduce((a, b) => a + b, 0);
          e.forEach((p, j) => {
            const value = v[j]?.[group] as Float64Array;
            for (let i = 0; i < headDim; i++)
              mixed[h * headDim + i] = at(mixed, h * headDim + i) + (p / sum) * at(value, i);
          });
        }
        const o = project('o_proj', mixed);
        const middle = state.map((a, i) => a + at(o, i));
        const normed = norm(middle, weight(names.postNorm(layer)));
        const [gate, up] = [project('gate_proj', normed), project('up_proj', normed)];
        const down = project(
          'down_proj',
          gate.map((g, i) => (g / (1 + Math.exp(-g))) * at(up, i)),
        );
        return middle.map((a, i) => a + at(down, i));
      });
    }
    const head = weight(config.tiedEmbeddings ? names.embedding : names.head);
    x.forEach((state, t) => {
      const logits = times(norm(state, weight(names.finalNorm)), head, vocabSize, hidden);
      const sum = logits.reduce((s, l) => s + Math.exp(l), 0);
      const label = pass.labels[start + t] as number;
      loss += (pass.weights?.[start + t] ?? 1) * (Math.log(sum) - at(logits, label));
    });
  }
  return loss;
}
