import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../block/lora';
import { fullLayout } from '../../block/weights';
import { readAdapter } from '../../checkpoint/adapter';
import { linearShapes } from '../../checkpoint/block';
import { openCheckpoint } from '../../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../../checkpoint/testing';
import { createTokenizer } from '../../checkpoint/tokenizer';
import { generateDataset } from '../../data/generator';
import { TASK_TABLE } from '../../data/tasks';
import { freeze } from '../../gradient/frozen';
import { weightsOf } from '../../gradient/full';
import { createMeter } from '../../meter/meter';
import { passesOf } from '../../tune/examples';
import { LORA } from '../../tune/lora';
import { fromPeft } from '../../tune/peft';
import { examplesOf } from '../../tune/tickets';
import { oneThread } from '../../tune/testing';
import { TUNE } from '../../tune/trainer';
import { compressVariant, parseRecipe } from '../../variant/compress';
import { memoryHost } from './testing';
import { train, type TrainEvent, type TrainHost, type TrainRequest } from './train';
import { graphsInNode } from '../../step/testing';
import { memoryStore, tinyFiles } from '../testing';

const builtin = () => fileSet(builtinFiles());
const tiny = () => fileSet(tinyFiles(2));

const request: TrainRequest = {
  name: 'built-in',
  recipe: 'fp32',
  lora: { ...LORA, rank: 4 },
  options: { ...TUNE, steps: 4, batch: 4, warmup: 0, lr: 3e-3, evaluateEvery: 2 },
  arithmetic: null,
  engine: 'cpu' as const,
  merged: true,
};

const { tickets, causes, split } = await generateDataset({ count: 60, seed: 5 });
/** Another operator's words, which the built-in model has not seen. */
const of = (part: string) =>
  tickets
    .filter((_, i) => split[i] === part)
    .map((ticket) => ({ ...ticket, response: `NOC note, level two: ${ticket.response}` }));
const given = { tasks: [TASK_TABLE.response], train: of('train'), validation: of('validation'), causes };

/** Trains a model of two narrow layers, unless another is given. */
function host(more: Partial<TrainHost> = {}) {
  const { own, ...seen } = memoryHost<TrainEvent>();
  const meter = createMeter({ clock: () => performance.now(), fence: () => undefined, sources: [] });
  return { ...seen, own: { ...own, files: tiny(), meter, memoryGiB: null, ...more } };
}

/** Mean loss of validation answers, nats a token, by an engine that computes with some numbers. */
async function judged(
  { config, tokenizer }: Awaited<ReturnType<typeof openCheckpoint>>,
  engine: Awaited<ReturnType<typeof oneThread>>,
  numbers: Float32Array<ArrayBuffer>,
): Promise<number> {
  const { examples } = examplesOf(
    createTokenizer(tokenizer),
    config.eosTokenIds,
    given.tasks,
    given.validation,
    causes,
    512,
  );
  const results = await engine.losses(passesOf(examples), numbers);
  return results.reduce((n, r) => n + r.loss, 0) / results.reduce((n, r) => n + r.labels, 0);
}

describe('a training', () => {
  it('makes validation answers likelier, says each step, and writes what PEFT reads and a merged model that computes the same', async () => {
    const { own, folder, events } = host({ files: builtin() });
    const report = await train(request, given, own);
    expect(report.end).toBe('steps');
    expect(report.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(events.flatMap((e) => ('step' in e ? [e.step] : []))).toEqual(report.steps);
    expect(events.flatMap((e) => ('evaluation' in e ? [e.evaluation.step] : []))).toEqual([0, 2, 4]);
    const best = Math.min(...report.evaluations.map(({ loss }) => loss));
    expect(best).toBeLessThan(report.untuned ?? 0);

    const checkpoint = await openCheckpoint(builtin());
    const { config } = checkpoint;
    const ffnSizes = Array.from({ length: config.layers }, () => config.intermediateSize);
    const factor = LORA.alpha / 4;
    const lora = layoutOf(config, ffnSizes, {
      rank: 4,
      factor,
      targets: LORA.targets,
      layers: ffnSizes.map((_, i) => i),
    });
    const read = await readAdapter(
      fileSet(folder.files),
      config.layers,
      (_, l) => linearShapes(config, config.intermediateSize)[l],
    );
    if (!read) throw new Error('There is an adapter.');
    const adapter = await fromPeft(lora, read);

    const merged = fileSet(
      Object.fromEntries(
        Object.entries(folder.files).flatMap(([name, data]) =>
          name.startsWith('merged/') ? [[name.slice('merged/'.length), data]] : [],
        ),
      ),
    );
    const losses = async (files: typeof merged, numbers: Float32Array<ArrayBuffer>) => {
      const opened = await openCheckpoint(files);
      const { model } = await compressVariant(opened, parseRecipe('fp32'), { inPhase: (_, work) => work() });
      return judged(opened, await oneThread(await freeze(model), lora), numbers);
    };
    expect(await losses(builtin(), adapter)).toBeCloseTo(best, 5);
    expect(await losses(merged, new Float32Array(lora.size))).toBeCloseTo(best, 4);
  });

  it('of all weights makes answers likelier still, and writes a model that computes the same', async () => {
    const { own, folder, events } = host({ files: builtin() });
    const options = { ...request.options, lr: 1e-3, decay: 0.01 };
    const report = await train({ ...request, lora: null, merged: false, options }, given, own);
    expect(report.end).toBe('steps');
    expect(report.arithmetic).toBe('fp32');
    expect(events.flatMap((e) => ('step' in e ? [e.step.step] : []))).toEqual([1, 2, 3, 4]);
    const best = Math.min(...report.evaluations.map(({ loss }) => loss));
    expect(best).toBeLessThan(report.untuned ?? 0);
    const opened = await openCheckpoint(fileSet(folder.files));
    expect(report.parameters).toBe(
      [...opened.tensors.values()].reduce((n, { shape }) => n + shape.reduce((a, b) => a * b), 0),
    );
    const { model } = await compressVariant(opened, parseRecipe('fp32'), { inPhase: (_, work) => work() });
    const frozen = await freeze(model);
    const layout = fullLayout(frozen.config, frozen.ffnSizes);
    const engine = await oneThread(frozen, layout);
    expect(await judged(opened, engine, weightsOf(frozen, layout))).toBeCloseTo(best, 6);
  });

  it('goes on with the same bits after it was stopped, from what was kept, and begins anew where it is told to', async () => {
    const whole = host();
    const wanted = await train(request, given, whole.own);
    const keeping = memoryStore();
    // Stopped in the middle as often as it takes.
    const stop = (after: number) => {
      const stopping = new AbortController();
      const emit = (event: TrainEvent) => {
        if ('step' in event && event.step.step === after) stopping.abort();
      };
      return train(request, given, host({ keeping, emit, signal: stopping.signal }).own);
    };
    for (const after of [1, 3]) expect(await stop(after)).toMatchObject({ end: 'stopped' });
    expect(keeping.kept.size).toBe(1);
    const last = host({ keeping });
    const found = await train(request, given, last.own);
    expect(found.steps.map(({ loss }) => loss)).toEqual(wanted.steps.map(({ loss }) => loss));
    expect(found.evaluations).toEqual(wanted.evaluations);
    expect(last.folder.files['adapter_model.safetensors']).toEqual(whole.folder.files['adapter_model.safetensors']);
    expect(found.before?.seconds).toBeGreaterThanOrEqual(0);
    expect(wanted.before).toBeNull();
    expect(keeping.kept.size).toBe(0);
    // Another training is another key, and told to begin anew it does.
    await stop(2);
    expect(
      (await train({ ...request, options: { ...request.options, lr: 1e-3 } }, given, host({ keeping }).own)).before,
    ).toBeNull();
    expect((await train(request, given, host({ keeping, fresh: true }).own)).before).toBeNull();
  });

  it('in a graph a step takes the same steps, goes on from its own states, and says which engine it was', async () => {
    const keeping = memoryStore();
    const short = { ...given, validation: [] };
    const options = { ...request.options, steps: 3 };
    const asked = { ...request, options, merged: false, recipe: 'int8', arithmetic: 'fp32' as const };
    const own = await train(asked, short, host().own);
    const graph = { ...asked, engine: 'ort-cpu' as const };
    const stopping = new AbortController();
    const emit = (event: TrainEvent) => ('step' in event && event.step.step === 2 ? stopping.abort() : undefined);
    const half = host({ keeping, graphs: graphsInNode, emit, signal: stopping.signal });
    expect(await train(graph, short, half.own)).toMatchObject({ end: 'stopped' });
    // Its state is no state of another engine's.
    expect((await train(asked, short, host({ keeping }).own)).before).toBeNull();
    const found = await train(graph, short, host({ keeping, graphs: graphsInNode }).own);
    expect(found.before).not.toBeNull();
    expect(found).toMatchObject({ engine: 'ort-cpu', arithmetic: 'fp32', end: 'steps' });
    expect(found.kernel).toMatch(/one ONNX graph of \d+ nodes a step/);
    expect(own).toMatchObject({ engine: 'cpu' });
    expect(own.kernel).toMatch(/own WASM kernels/);
    found.steps.forEach(({ loss, norm, lr, tokens, labels }, i) => {
      const step = own.steps[i];
      expect(Math.abs(loss / (step?.loss ?? NaN) - 1)).toBeLessThan(1e-3);
      expect(Math.abs(norm / (step?.norm ?? NaN) - 1)).toBeLessThan(1e-3);
      expect([lr, tokens, labels]).toEqual([step?.lr, step?.tokens, step?.labels]);
    });
    for (const [wrong, said] of [
      [{ ...graph, lora: null, recipe: 'fp32' }, /trains adapters alone/],
      [{ ...graph, arithmetic: 'int8' as const }, /computes in float32 alone/],
      [{ ...graph, options: { ...options, dropout: 0.1 } }, /Dropout is trained on the engine "cpu" alone/],
    ] as const)
      await expect(train(wrong, short, host({ graphs: graphsInNode }).own)).rejects.toThrow(said);
  });

  it('names dropout in its files and in what it goes on from, and refuses it where there is no adapter', async () => {
    const keeping = memoryStore();
    const dropping = { ...request, merged: false, options: { ...request.options, steps: 2, dropout: 0.1 } };
    const config = ({ files }: ReturnType<typeof host>['folder']) =>
      JSON.parse(new TextDecoder().decode(files['adapter_config.json'])) as { lora_dropout: number };
    const stopping = new AbortController();
    const emit = (event: TrainEvent) => void ('step' in event && stopping.abort());
    const stopped = await train(dropping, given, host({ keeping, emit, signal: stopping.signal }).own);
    expect(stopped.end).toBe('stopped');
    // Without dropout it is another training.
    const plain = host({ keeping });
    expect(
      (await train({ ...dropping, options: { ...dropping.options, dropout: undefined } }, given, plain.own)).before,
    ).toBeNull();
    const last = host({ keeping });
    expect((await train(dropping, given, last.own)).before).not.toBeNull();
    expect([config(plain.folder).lora_dropout, config(last.folder).lora_dropout]).toEqual([0, 0.1]);
    await expect(train({ ...dropping, lora: null }, given, host().own)).rejects.toThrow(/Leave --dropout away/);
  });

  it('of all weights is refused over rounded or pruned ones, beside --merged, and where memory does not hold it', async () => {
    const full = { ...request, lora: null, merged: false };
    await expect(train({ ...full, recipe: 'int8' }, given, host().own)).rejects.toThrow(/would round or prune them/);
    await expect(train({ ...full, merged: true }, given, host().own)).rejects.toThrow(/leave --merged away/);
    await expect(train(full, given, host({ files: builtin(), memoryGiB: 0.25 }).own)).rejects.toThrow(
      /all 3.5 million weights takes .* What would fit: a model of up to/,
    );
  });

  it('books the time, the work and the tokens of its steps', async () => {
    const { own } = host({ files: builtin() });
    const report = await train({ ...request, merged: false }, { ...given, validation: [] }, own);
    const [window] = own.meter.windows().filter(({ phase }) => phase === 'train');
    expect(window?.tokens).toBe(report.steps.reduce((n, { tokens }) => n + tokens, 0));
    expect(window?.operations).toBeGreaterThan(4 * 3e6 * (window?.tokens ?? 0));
    expect(report.untuned).toBeNull();
    expect(report.evaluations).toEqual([]);
  });

  it.each(['int8+ffn25', 'fp16+layers25', 'int4.gptq', 'int8+sparsegpt2:4', 'int8+smooth', 'auto@4MB'])(
    'refuses %s, beside whose weights no adapter can stay',
    async (recipe) => {
      await expect(train({ ...request, recipe }, given, host().own)).rejects.toThrow(/cannot stay beside the weights/);
    },
  );

  it('refuses a checkpoint that comes with an adapter', async () => {
    const { own, folder } = host();
    await train({ ...request, merged: false, options: { ...request.options, steps: 1 } }, given, own);
    const plain = tiny();
    const adapted = {
      ...plain,
      open: async (name: string) => (await fileSet(folder.files).open(name)) ?? plain.open(name),
    };
    await expect(train(request, given, host({ files: adapted }).own)).rejects.toThrow(/comes with an adapter already/);
  });

  it('refuses int8 arithmetic over float32 weights, and says which it took', async () => {
    await expect(train({ ...request, arithmetic: 'int8' }, given, host().own)).rejects.toThrow(
      /needs weights of 8 or 4/,
    );
    const options = { ...request.options, steps: 1 };
    const short = { ...request, merged: false, recipe: 'int8', options };
    const tickets = { ...given, validation: [] };
    const own = await train(short, tickets, host().own);
    const plain = await train({ ...short, arithmetic: 'fp32' }, tickets, host().own);
    expect([own.arithmetic, plain.arithmetic]).toEqual(['int8', 'fp32']);
    expect(Math.abs((own.steps[0]?.loss ?? 0) / (plain.steps[0]?.loss ?? 1) - 1)).toBeLessThan(0.02);
  });

  it('refuses tickets without answers, and fewer than a batch', async () => {
    const silent = given.train.map((ticket) => ({ ...ticket, response: null }));
    await expect(train(request, { ...given, train: silent }, host().own)).rejects.toThrow(
      /None of the training tickets/,
    );
    await expect(train(request, { ...given, train: given.train.slice(0, 3) }, host().own)).rejects.toThrow(
      /fewer than the 4/,
    );
    const one = { ...given, tasks: [TASK_TABLE.rca], train: given.train.map((t) => ({ ...t, cause: 'power' })) };
    await expect(train(request, one, host().own)).rejects.toThrow(/All training tickets have the same answer/);
  });
});
