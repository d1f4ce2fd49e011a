import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { checkpointOf } from '../../cli/shared/context';
import type { Driver } from '../../cli/shared/browser';
import type { BuildName } from '../../src/lib/core/dot';
import type { CheckpointRef } from '../../src/lib/schema/plan';
import { totalBytes } from '../../src/lib/core/cost';
import type { EngineName } from '../../src/lib/schema/engines';
import type { KernelReading } from '../../src/lib/schema/run';
import { tinyAdapter, tinyFiles } from '../../src/lib/train/testing';
import { LORA } from '../../src/lib/tune/lora';
import { TUNE, type TuneEngineName } from '../../src/lib/tune/trainer';
import type { EvaluateResult } from '../../src/lib/measure/evaluate';
import {
  assert,
  assertClose,
  assertEqual,
  BUILTIN,
  root,
  smollm2,
  withBrowser,
  withFolder,
  type BrowserTest,
} from './harness';
import { planOf } from './plans';

interface Oracle {
  text: string;
  tokenIds: number[];
  /** As ONNX Runtime's form computes them; of 8 and 4 bits also as our own kernels do. */
  recipes: Record<string, Figures>;
  cpu: Record<string, Figures>;
  /** Figures of our own kernels where the device sums byte products in one instruction. */
  bytes: Record<string, Figures>;
}
interface Figures {
  nll: number;
  /** Largest deviation of `nll` when inputs change in their last bit; only where that is more than a trace. */
  spread?: number;
  top5: number[];
  greedy: number[];
}
const oracle = (name: string) =>
  JSON.parse(readFileSync(join(root, `tests/fixtures/nll-${name}.json`), 'utf8')) as Oracle;

const evaluate = (
  d: Driver,
  checkpoint: CheckpointRef,
  recipe: string,
  text: string,
  engine: EngineName = 'ort-cpu',
  kernelBuild: BuildName | null = null,
) => d.call('evaluate', { checkpoint, recipe, engine, threads: 2, text, kernelBuild });
const generate = (
  d: Driver,
  checkpoint: CheckpointRef,
  recipe: string,
  prompt: string,
  engine: EngineName,
  tokens = 32,
  chat = false,
) =>
  d.call('generate', {
    checkpoint,
    recipe,
    engine,
    threads: 2,
    prompt,
    chat,
    maxNewTokens: tokens,
    ignoreStop: true,
  });

/** Whether our own kernels multiply int8 by bytes here. */
const inBytes = (kernel: string) => /byte products/.test(kernel);

/** Compares with PyTorch on the same compressed weights (tests/oracle/nll.py). */
async function againstOracle(
  d: Driver,
  checkpoint: CheckpointRef,
  { text, tokenIds, recipes, cpu, bytes }: Oracle,
  chosen: readonly string[],
  engine: 'cpu' | 'ort-cpu' = 'ort-cpu',
) {
  for (const recipe of chosen) {
    const found = await evaluate(d, checkpoint, recipe, text, engine);
    const own = inBytes(found.kernel) ? bytes : cpu;
    const expected = (engine === 'cpu' ? own[recipe] : null) ?? recipes[recipe];
    assert(expected, `the fixture has no ${recipe}`);
    assertEqual(found.tokenIds, tokenIds, `${recipe}: token ids`);
    // Where activations are bytes, a last bit moves the NLL by `spread` in PyTorch itself.
    const tolerance = Math.max(1e-3, (3 * (expected.spread ?? 0)) / expected.nll);
    assertClose(found.nll, expected.nll, tolerance, `${recipe}: NLL`);
    if (recipe === 'fp32') {
      assertClose(found.nll, expected.nll, 1e-5, 'fp32: NLL');
      assertEqual(found.top5, expected.top5, 'fp32: top 5');
      const made = await generate(d, checkpoint, recipe, text, engine);
      assertEqual(made.ids, expected.greedy, 'fp32: 32 greedy tokens equal to PyTorch');
    }
    if (recipe === 'fp32+2:4') assertClose(found.sparsity ?? 0, 0.5, 0.01, 'sparsity counted');
  }
}

/** Writes files into a new folder. */
function written(folder: string, files: Readonly<Record<string, Uint8Array>>): string {
  mkdirSync(folder);
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
  return folder;
}

/** A new model of two narrow layers with the built-in tokenizer, in a folder: a software GPU takes long for more. */
const tinyModel = (folder: string, layers = 2) => written(folder, tinyFiles(layers));

const smol = smollm2();

export const tests: BrowserTest[] = [
  {
    name: 'built-in checkpoint: every recipe on WASM agrees with PyTorch on the same compressed weights',
    run: () => {
      const o = oracle('builtin');
      return withBrowser({}, (d) => againstOracle(d, BUILTIN, o, Object.keys(o.recipes)));
    },
  },
  {
    name: 'built-in checkpoint: every recipe on our own kernels agrees with PyTorch on the same compressed weights',
    run: () => {
      const o = oracle('builtin');
      return withBrowser({}, (d) => againstOracle(d, BUILTIN, o, Object.keys(o.recipes), 'cpu'));
    },
  },
  {
    name: 'our own kernels: both builds and ONNX Runtime agree on NLL and greedy tokens, 2:4 is packed as such',
    run: () =>
      withBrowser({}, async (d) => {
        const { text } = oracle('builtin');
        for (const recipe of ['fp32', 'fp16', 'int8', 'int4', 'int8+2:4', 'fp16+2:4']) {
          const ort = await evaluate(d, BUILTIN, recipe, text);
          const relaxed = await evaluate(d, BUILTIN, recipe, text, 'cpu');
          const baseline = await evaluate(d, BUILTIN, recipe, text, 'cpu', 'plain');
          assert(/relaxed SIMD/.test(relaxed.kernel) && /baseline SIMD/.test(baseline.kernel), relaxed.kernel);
          assertEqual(/2:4 values/.test(relaxed.kernel), recipe.endsWith('2:4'), `${recipe}: packed as 2:4`);
          // Where the device sums byte products at once, the relaxed build takes int8's activations as bytes: see `spread`.
          const bytes = inBytes(relaxed.kernel);
          assertClose(relaxed.nll, ort.nll, bytes ? 1e-2 : 2e-3, `${recipe}: NLL on cpu and ort-cpu`);
          assertClose(baseline.nll, relaxed.nll, bytes ? 1e-2 : 1e-4, `${recipe}: NLL of the two builds`);
          if (recipe === 'fp32' || recipe === 'int8') {
            const small = await evaluate(d, BUILTIN, `${recipe}+kv8`, text, 'cpu');
            assert(/keys and values kept in int8/.test(small.kernel), small.kernel);
            assertClose(small.nll, relaxed.nll, bytes ? 1e-2 : 2e-3, `${recipe}: NLL with keys and values in int8`);
          }
          if (!/^fp32$|^fp16$/.test(recipe)) continue;
          const ours = await generate(d, BUILTIN, recipe, text, 'cpu');
          const theirs = await generate(d, BUILTIN, recipe, text, 'ort-cpu');
          assertEqual(ours.ids, theirs.ids, `${recipe}: 32 greedy tokens`);
        }
      }),
  },
  {
    name: 'a LoRA adapter from PEFT gives what PyTorch gives, apart or merged, as the record says',
    run: () =>
      withBrowser({}, async (d) => {
        const folder = join(root, 'tests/fixtures/adapter');
        const o = JSON.parse(readFileSync(join(folder, 'figures.json'), 'utf8')) as {
          text: string;
          without: Figures;
          with: Figures;
        };
        const checkpoint = await checkpointOf(d, join(root, 'static/builtin'), { adapter: folder });
        assert(Math.abs(o.with.nll - o.without.nll) > 0.1, 'the adapter changes the model');
        for (const [engine, recipe, tolerance] of [
          ['cpu', 'fp32', 1e-5],
          ['ort-cpu', 'fp32', 1e-5],
          ['cpu', 'int8', 1e-2],
          ['ort-cpu', 'int8', 1e-2],
        ] as const) {
          const found = await evaluate(d, checkpoint, recipe, o.text, engine);
          assertClose(found.nll, o.with.nll, tolerance, `${recipe} on ${engine}: NLL`);
          const apart = /an adapter beside 16 matrices in fp32/.test(found.kernel);
          const merged = found.fallbacks.some((f) => /adapter was merged/.test(f));
          assertEqual(
            [apart, merged],
            [engine === 'cpu' || recipe === 'int8', engine === 'ort-cpu' && recipe === 'fp32'],
            `${engine}: says what became of the adapter`,
          );
        }
        const made = await generate(d, checkpoint, 'fp32', o.text, 'cpu', 16);
        assertEqual(made.ids, o.with.greedy, '16 greedy tokens equal to PyTorch');
      }),
  },
  {
    name: 'fine-tunes an adapter on tickets: the same bits on one thread and on two, and runs compute with it as it was trained',
    run: () =>
      withBrowser({}, (d) =>
        withFolder(async (out) => {
          const made = await d.call('generateTickets', { count: 60, seed: 5 });
          // Another operator's words, which the built-in model has not seen.
          const dataset = {
            ...made,
            hash: `${made.hash.slice(0, -4)}0000`,
            tickets: made.tickets.map((t) => ({ ...t, response: `NOC note, level two: ${t.response ?? ''}` })),
          };
          const reports = [];
          for (const threads of [1, 2]) {
            const folder = join(out, String(threads));
            mkdirSync(folder);
            const report = await d.call('tune', {
              checkpoint: BUILTIN,
              name: 'built-in',
              recipe: 'int8',
              threads,
              tasks: ['response'],
              dataset,
              train: null,
              validation: 8,
              lora: { ...LORA, rank: 4 },
              options: { ...TUNE, steps: 8, warmup: 0, lr: 3e-3, evaluateEvery: 4, dropout: 0.05 },
              profile: null,
              arithmetic: null,
              engine: 'cpu',
              merged: false,
              fresh: true,
              upload: d.server.receive(folder),
            });
            assertEqual(
              report.files.map(({ path }) => path).sort(),
              ['adapter_config.json', 'adapter_model.safetensors'],
              'files',
            );
            const [train] = report.readings.filter(({ phase }) => phase === 'train');
            assert(train?.joules && train.joules.low < train.joules.mid, 'joules of training carry an interval');
            reports.push({ ...report, weights: readFileSync(join(folder, 'adapter_model.safetensors')) });
          }
          const [one, two] = reports as [(typeof reports)[number], (typeof reports)[number]];
          assert(one.weights.equals(two.weights), 'one thread and two give the same adapter');
          assertEqual(
            one.steps.map(({ loss }) => loss),
            two.steps.map(({ loss }) => loss),
            'losses',
          );
          const best = Math.min(...one.evaluations.map(({ loss }) => loss));
          assert(one.untuned !== null && best < 0.8 * one.untuned, `it learns: ${one.untuned} to ${best}`);
          const tuned = await checkpointOf(d, join(root, 'static/builtin'), { adapter: join(out, '1') });
          const text = dataset.tickets[0]?.response ?? '';
          const [before, after] = [
            await evaluate(d, BUILTIN, 'int8', text, 'cpu'),
            await evaluate(d, tuned, 'int8', text, 'cpu'),
          ];
          assert(after.nll < before.nll, `a run computes with it: ${before.nll} to ${after.nll}`);
        }),
      ),
  },
  {
    name: 'trains all weights on tickets: the same bits on one thread and on two, and a folder that runs compute with',
    run: () =>
      withBrowser({}, (d) =>
        withFolder(async (out) => {
          const dataset = await d.call('generateTickets', { count: 60, seed: 5 });
          const asked = {
            checkpoint: BUILTIN,
            name: 'built-in',
            recipe: 'fp32',
            tasks: ['response' as const],
            dataset,
            train: null,
            validation: 4,
            lora: null,
            // Two passes a step, so that two threads have work.
            options: { ...TUNE, steps: 3, warmup: 0, lr: 1e-3, decay: 0.01, evaluateEvery: 0 },
            profile: null,
            arithmetic: null,
            engine: 'cpu' as const,
            merged: false,
            fresh: true,
          };
          const reports = [];
          for (const threads of [1, 2]) {
            const folder = join(out, String(threads));
            mkdirSync(folder);
            const report = await d.call('tune', { ...asked, threads, upload: d.server.receive(folder) });
            reports.push({ ...report, weights: readFileSync(join(folder, 'model.safetensors')) });
          }
          const [one, two] = reports as [(typeof reports)[number], (typeof reports)[number]];
          assert(one.weights.equals(two.weights), 'one thread and two give the same weights');
          assertEqual(
            one.steps.map(({ loss }) => loss),
            two.steps.map(({ loss }) => loss),
            'losses',
          );
          assertEqual(one.parameters, 3_541_248, 'parameters');
          const trained = await checkpointOf(d, join(out, '1'));
          const { nll } = await evaluate(d, trained, 'fp32', dataset.tickets[0]?.response ?? '', 'cpu');
          assert(Number.isFinite(nll), 'a run computes with it');
        }),
      ),
  },
  {
    name: 'our own kernels tell bytes, operations and milliseconds, which add up to the pass',
    run: () =>
      withBrowser({}, async (d) => {
        const { kernels, prefillCost, prefillMs } = await d.call('speed', {
          checkpoint: BUILTIN,
          recipe: 'int8+2:4',
          engine: 'cpu',
          threads: 2,
          prefill: 40,
          decode: 4,
          labels: 0,
          repeats: 1,
        });
        assert(kernels && prefillCost, 'the engine tells');
        const sum = (rows: KernelReading[], pick: (k: KernelReading) => number | null) =>
          rows.reduce((n, k) => n + (pick(k) ?? 0), 0);
        assertClose(
          sum(kernels.prefill, (k) => k.bytes),
          totalBytes(prefillCost),
          1e-9,
          'bytes of a prefill',
        );
        assertClose(
          sum(kernels.prefill, (k) => k.operations),
          prefillCost.operations,
          1e-9,
          'operations of a prefill',
        );
        const ms = sum(kernels.prefill, (k) => k.ms);
        assert(ms > 0 && ms <= (prefillMs[0] ?? 0), `${ms} ms in kernels of ${prefillMs[0]} ms`);
        for (const k of kernels.decode)
          if (['linear', 'attention', 'head'].includes(k.name))
            assert(k.ms > 0 && (k.bytes ?? 0) > 0 && (k.operations ?? 0) > 0, `${k.name} tells all three`);
      }),
  },
  {
    name: 'SmolLM2 from GGUF on our own kernels: NLL, top 5 and 32 greedy tokens',
    skip: smol ? null : 'the SmolLM2 GGUF is not here (set JOULEWISE_SMOLLM2)',
    run: () =>
      withBrowser({}, async (d) => {
        const checkpoint = await checkpointOf(d, smol ?? '');
        await againstOracle(d, checkpoint, oracle('smollm2'), ['fp32', 'int8', 'int4', 'fp32+ffn50'], 'cpu');
      }),
  },
  {
    name: 'SmolLM2 from GGUF on WASM: token ids, NLL, top 5 and 32 greedy tokens',
    skip: smol ? null : 'the SmolLM2 GGUF is not here (set JOULEWISE_SMOLLM2)',
    run: () =>
      withBrowser({}, async (d) => {
        const checkpoint = await checkpointOf(d, smol ?? '');
        const o = oracle('smollm2');
        await againstOracle(d, checkpoint, o, ['fp32', 'int8', 'int4', 'fp32+2:4', 'fp32+ffn50']);
        const fp32 = await evaluate(d, checkpoint, 'fp32', o.text);
        assert(Math.abs(fp32.nll - 5.0181) <= 0.0005, `NLL ${fp32.nll} is not 5.0181 +- 0.0005`);
        assertEqual(fp32.top5, [260, 253, 338, 357, 216], 'top 5');
        assert(
          (fp32.wasmHeapBytes ?? Infinity) <= (fp32.computedBytes ?? 0) + 120 * 2 ** 20,
          `heap ${fp32.wasmHeapBytes} is more than weights ${fp32.computedBytes} + 120 MiB`,
        );
      }),
  },
  {
    name: 'WebGPU on the software adapter, no node on the CPU: same tokens as WASM, every precision',
    group: 'gpu',
    run: () =>
      withFolder((out) =>
        withBrowser({ webgpu: 'software' }, async (d) => {
          const checkpoint = await checkpointOf(d, tinyModel(join(out, 'tiny')));
          const made = (engine: EngineName, recipe: string) =>
            generate(d, checkpoint, recipe, 'Ticket: no power at the site. Response?', engine, 4, true);
          for (const recipe of ['fp32', 'fp16', 'int8', 'int4']) {
            const wasm = await made('ort-cpu', recipe);
            const { ids, kernel, fallbacks } = await made('ort-gpu', recipe);
            assert(/WebGPU/.test(kernel), `${recipe} ran as ${kernel}`);
            assertEqual(ids, wasm.ids, `${recipe}: tokens on WebGPU and on WASM`);
            if (recipe === 'fp16')
              assert(
                fallbacks.some((f) => f.includes('shader-f16')),
                'fp16 without shader-f16 says what it used instead',
              );
          }
        }),
      ),
  },
  {
    name: 'every engine gives the scores, log-probabilities and greedy tokens of our own kernels, with a prefix and without',
    group: 'gpu',
    run: () =>
      withFolder((out) =>
        withBrowser({ webgpu: 'software' }, async (d) => {
          const ids = (n: number, step: number) => Array.from({ length: n }, (_, i) => 5 + ((i * step) % 1900));
          const given = {
            // Longer than the 32 new tokens from which ONNX Runtime's attention on WebGPU takes another kernel, as the prefix
            // is; what is left behind the prefix is shorter.
            prompts: [{ ids: ids(40, 131), prefix: 34 }],
            candidates: [[400, 401, 402, 2], [7, 2], [400, 403, 2], [8]],
            text: ids(48, 37),
            greedy: 2,
          };
          // Nats of a sum or a token: float arithmetic, and what forms of the same weights differ by (activations in 8 bits).
          const tiny = tinyModel(join(out, 'tiny'));
          const adapter = written(join(out, 'adapter'), tinyAdapter(2));
          const adapted = await checkpointOf(d, tiny, { adapter });
          const plain = await checkpointOf(d, tiny);
          const recipes: [string, EngineName[], number, typeof plain][] = [
            ['fp32', ['ort-cpu', 'ort-gpu', 'wgsl'], 1e-3, plain],
            // Beside rounded weights an adapter is two more products of the graph.
            ['int4', ['ort-gpu'], 0.6, adapted],
          ];
          for (const [recipe, engines, tolerance, checkpoint] of recipes) {
            const trace = (engine: EngineName) => d.call('trace', { checkpoint, recipe, engine, threads: 2, ...given });
            const own = await trace('cpu');
            for (const engine of engines) {
              const found = await trace(engine);
              const near = (a: readonly number[], b: readonly number[], within: number, what: string) => {
                const apart = Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? NaN))));
                assert(apart <= within, `${recipe} on ${engine}: ${what} are ${apart} nats apart`);
              };
              near(found.logProbs, own.logProbs, tolerance, 'log-probabilities of a text');
              found.scores.forEach(({ together, alone, shared }, i) => {
                near(together, own.scores[i]?.together ?? [], tolerance, `scores behind prompt ${i}`);
                // The same arithmetic, so no form's spread is between them.
                near(alone, together, 1e-2, 'scores of candidates alone');
                assertEqual(shared === null, engine === 'wgsl', `${engine}: whether a prefix is kept`);
                if (shared) near(shared, together, 1e-2, 'scores behind a prefix that is kept');
              });
              assertEqual(found.greedy, own.greedy, `${recipe} on ${engine}: greedy tokens`);
              for (const [i, made] of found.sharedGreedy.entries())
                if (made) assertEqual(made, own.greedy[i], `${recipe} on ${engine}: greedy tokens behind a prefix`);
            }
          }
        }),
      ),
  },
  {
    name: 'training steps as one graph: WebGPU on the software adapter, no node on the CPU, takes the 20 steps of WASM',
    group: 'gpu',
    run: () =>
      withBrowser({ webgpu: 'software' }, (d) =>
        withFolder(async (out) => {
          const dataset = await d.call('generateTickets', { count: 60, seed: 5 });
          // One layer: a step of two takes a software GPU three seconds.
          const checkpoint = await checkpointOf(d, tinyModel(join(out, 'tiny'), 1));
          const STEPS = 20;
          const trained = async (engine: TuneEngineName) => {
            const folder = join(out, engine);
            mkdirSync(folder);
            const report = await d.call('tune', {
              checkpoint,
              name: 'tiny',
              recipe: 'int8',
              threads: 2,
              tasks: ['rca'],
              dataset,
              train: null,
              validation: 0,
              lora: { ...LORA, rank: 4 },
              // Two passes a step: the second is given the gradient of the first.
              options: { ...TUNE, steps: STEPS, batch: 2, rows: 96, warmup: 2, lr: 1e-2, evaluateEvery: 0 },
              profile: null,
              // Graphs compute in float32.
              arithmetic: engine === 'cpu' ? 'fp32' : null,
              engine,
              merged: false,
              fresh: true,
              upload: d.server.receive(folder),
            });
            assertEqual([report.engine, report.end, report.steps.length], [engine, 'steps', STEPS], 'what ran');
            const file = readFileSync(join(folder, 'adapter_model.safetensors'));
            const head = 8 + Number(file.readBigUInt64LE(0));
            return { ...report, numbers: new Float32Array(new Uint8Array(file.subarray(head)).buffer) };
          };
          /** |a - b| / |b|. */
          const apart = (a: Float32Array, b: Float32Array) =>
            Math.hypot(...a.map((x, i) => x - (b[i] ?? NaN))) / Math.hypot(...b);
          const [own, wasm, gpu] = [await trained('cpu'), await trained('ort-cpu'), await trained('ort-gpu')];
          assert(/state in gpu-buffer \(WebGPU\)/.test(gpu.kernel), gpu.kernel);
          assert(/WASM/.test(wasm.kernel), wasm.kernel);
          for (const [i, { loss, norm }] of gpu.steps.entries())
            for (const [name, others] of [
              ['WASM', wasm],
              ['our own kernels', own],
            ] as const) {
              assertClose(loss, others.steps[i]?.loss ?? NaN, 1e-3, `loss of step ${i + 1} beside ${name}`);
              assertClose(norm, others.steps[i]?.norm ?? NaN, 1e-3, `norm of step ${i + 1} beside ${name}`);
            }
          const off = apart(gpu.numbers, wasm.numbers);
          assert(off <= 1e-3, `after ${STEPS} steps adapters are ${off} apart`);
          // The same engines as a plan's variants name them, over other weights.
          const variants = ['ort-gpu', 'ort-cpu'].map((engine) => `int4+lora4.1steps.${engine}`);
          const plan = planOf(dataset, {
            checkpoint,
            tasks: ['rca'],
            stages: [{ kind: 'variants', variants }],
            baseline: false,
            engine: 'cpu',
            limit: 2,
            slices: 1,
          });
          const { runs, failures } = await d.call('runPlan', { plan, dataset, name: 'test', fresh: false });
          assertEqual(failures, [], 'failures');
          const [onGpu, onWasm] = variants.map((variant) => runs.find((r) => r.variant === variant)?.tuned);
          assertEqual([onGpu?.engine, onWasm?.engine, onGpu?.steps], ['ort-gpu', 'ort-cpu', 1], 'what trained');
          assert(onGpu?.joules && onWasm?.joules, 'joules of training');
          assert(onGpu.source !== onWasm.source, `a GPU's steps are priced as the processor's, by ${onGpu.source}`);
          assertClose(onGpu.loss?.after ?? NaN, onWasm.loss?.after ?? 0, 1e-3, 'loss of validation answers');
        }),
      ),
  },
  {
    name: 'Where the hardware is asked for, no software adapter stands in for it',
    run: () =>
      withBrowser({ webgpu: 'hardware' }, async (d) => {
        const { gpu, gpuMissing } = await d.call('probe', null);
        assert(gpu === null || !gpu.fallback, `the adapter is ${JSON.stringify(gpu)}`);
        assertEqual(gpu === null, gpuMissing !== null, 'a missing adapter is said');
      }),
  },
  {
    name: 'WGSL prototype on the software adapter: 2:4 of every format gives what ONNX Runtime gives',
    group: 'gpu',
    run: () =>
      withFolder((out) =>
        withBrowser({ webgpu: 'software' }, async (d) => {
          const checkpoint = await checkpointOf(d, tinyModel(join(out, 'tiny')));
          const text = 'Loss of signal on the microwave link.';
          for (const recipe of ['fp16+2:4', 'int8+2:4', 'int4+2:4']) {
            const own = await evaluate(d, checkpoint, recipe, text, 'wgsl');
            const theirs = await evaluate(d, checkpoint, recipe, text, 'ort-gpu');
            assertClose(own.nll, theirs.nll, 1e-5, `${recipe}: NLL`);
            assertEqual(own.top5, theirs.top5, `${recipe}: top 5`);
            assertEqual(/2:4/.test(own.kernel), /2:4/.test(recipe), `${recipe}: ${own.kernel}`);
          }
          const prompt = 'Ticket: no power at the site. Response?';
          const own = await generate(d, checkpoint, 'int8+2:4', prompt, 'wgsl', 4, true);
          const theirs = await generate(d, checkpoint, 'int8+2:4', prompt, 'ort-cpu', 4, true);
          assertEqual(own.ids, theirs.ids, 'greedy tokens');
        }),
      ),
  },
  {
    name: 'exported folders load in Transformers.js and generate the same 32 tokens',
    run: () =>
      withFolder((folder) =>
        withBrowser({}, async (d) => {
          const tiny = await checkpointOf(d, tinyModel(join(folder, 'tiny')));
          for (const [recipe, checkpoint] of [
            ['int4', BUILTIN],
            ['fp16', tiny],
            ['int8', tiny],
            ['ffn50', tiny],
          ] as const) {
            const out = join(folder, recipe);
            mkdirSync(out);
            await d.call('exportVariant', {
              checkpoint,
              recipe,
              engine: 'ort-cpu',
              threads: null,
              upload: d.server.receive(out),
            });
            assert(
              existsSync(join(out, 'config.json')) && existsSync(join(out, 'tokenizer.json')),
              `${recipe}: files are there`,
            );
            const exported = await checkpointOf(d, out);
            const prompt = 'Ticket: no power at the site. Response?';
            const ours = await generate(d, checkpoint, recipe, prompt, 'ort-cpu', 32, true);
            const theirs = await generate(d, exported, recipe === 'ffn50' ? 'fp32' : recipe, prompt, 'hub', 32, true);
            assertEqual(theirs.promptIds, ours.promptIds, `${recipe}: prompt ids`);
            assertEqual(theirs.ids, ours.ids, `${recipe}: tokens`);
          }
        }),
      ),
  },
  {
    name: 'a Hub repository served from this machine is stored once, packed once, and runs',
    run: () =>
      withBrowser({}, async (d) => {
        const folder = join(root, 'static/builtin');
        const server = createServer((request, response) => {
          const file = join(folder, basename(new URL(request.url ?? '/', 'http://x').pathname));
          const cors = {
            'Access-Control-Allow-Origin': '*',
            'Access-Control-Allow-Headers': '*',
            'Access-Control-Expose-Headers': '*',
          };
          if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end();
          if (!existsSync(file)) return void response.writeHead(404, cors).end();
          const data = readFileSync(file);
          const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '');
          if (!range) return void response.writeHead(200, cors).end(data);
          const [start, end] = [Number(range[1]), Math.min(Number(range[2]), data.length - 1)];
          response
            .writeHead(206, { ...cors, 'Content-Range': `bytes ${start}-${end}/${data.length}` })
            .end(data.subarray(start, end + 1));
        });
        await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
        try {
          const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
          d.network.allow(new URL(base).host);
          const stored = await d.call('storeHub', {
            repo: 'someone/tiny',
            revision: 'main',
            base,
            exports: null,
          });
          const o = oracle('builtin');
          const found = await evaluate(d, stored, 'fp32', o.text);
          assertClose(found.nll, o.recipes['fp32']?.nll ?? NaN, 1e-5, 'NLL');
          for (const recipe of ['int8', 'int4+2:4']) {
            const [fresh, kept] = [
              await evaluate(d, stored, recipe, o.text, 'cpu'),
              await evaluate(d, stored, recipe, o.text, 'cpu'),
            ];
            const said = (r: EvaluateResult) => r.fallbacks.some((f) => f.includes('packed in an earlier run'));
            assert(!said(fresh) && said(kept), `${recipe}: the second run reads the packed weights of the first`);
            assertEqual(kept.nll, fresh.nll, `${recipe}: NLL from kept weights`);
          }
        } finally {
          server.close();
        }
      }),
  },
  {
    name: 'without cross-origin isolation one thread runs, and the record says so',
    run: () =>
      withBrowser({ isolated: false }, async (d) => {
        const found = await evaluate(d, BUILTIN, 'int8', 'the link is down');
        assertEqual(found.threads, 1, 'threads');
        assertEqual((await evaluate(d, BUILTIN, 'int8', 'the link is down', 'cpu')).threads, 1, 'threads of cpu');
        assert(
          found.fallbacks.some((f) => f.includes('cross-origin isolated')),
          'the fallback is said',
        );
      }),
  },
];
