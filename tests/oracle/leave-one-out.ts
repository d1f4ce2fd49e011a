#!/usr/bin/env -S npx tsx
/**
 * Written answers of few tickets, each by a model that was tuned on all the others: chrF and ROUGE-L beside the untuned
 * model and the nearest past answer, with paired 95 % intervals (bootstrap over tickets). One thread, in Node.
 *
 *     npx tsx tests/oracle/leave-one-out.ts MODEL.gguf TICKETS text=..,target=.. OUT.json [recipe] [steps] [seed]
 *
 * OUT.json holds each ticket's three texts and scores, and what is printed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { openCheckpoint, withAdapter, type Checkpoint } from '../../src/lib/checkpoint/checkpoint';
import { bytesSource } from '../../src/lib/checkpoint/source';
import { createTokenizer } from '../../src/lib/checkpoint/tokenizer';
import { compressCheckpoint } from '../../src/lib/compress/compress';
import { parseRecipe } from '../../src/lib/compress/recipe';
import { bootstrap, mean } from '../../src/lib/core/stats';
import { loadModule, spawnThread } from '../../src/lib/cpu/testing';
import { importDataset } from '../../src/lib/data/import';
import { parseMapping } from '../../src/lib/data/mapping';
import { TASK_TABLE } from '../../src/lib/data/tasks';
import { openCpu } from '../../src/lib/engine/cpu';
import { generate } from '../../src/lib/engine/generate';
import { freeze } from '../../src/lib/gradient/frozen';
import type { Ticket } from '../../src/lib/schema/dataset';
import { predict, trainBaseline } from '../../src/lib/score/baseline';
import { chrfCounts, chrfScore } from '../../src/lib/score/chrf';
import { rougeL } from '../../src/lib/score/rouge';
import { adapterOf, LORA, loraLayout, newAdapter } from '../../src/lib/tune/lora';
import { oneThread } from '../../src/lib/tune/testing';
import { examplesOf } from '../../src/lib/tune/tickets';
import { startTuning, tune, TUNE } from '../../src/lib/tune/trainer';
import { chooseKernel } from '../../src/lib/variant/kernels';

/** Longest example that is learnt, tokens. */
const CONTEXT = 640;
const BATCH = 4;
const WAYS = ['tuned', 'untuned', 'nearest'] as const;
/** In percent. */
type Score = { way: (typeof WAYS)[number]; chrf: number; rougeL: number };

const [model, tickets, map, out, recipe = 'int8', steps = '12', seed = '1'] = process.argv.slice(2);
if (!model || !tickets || !map || !out) throw new Error('MODEL.gguf TICKETS MAPPING OUT.json [recipe] [steps] [seed]');
const bytes = new Uint8Array(readFileSync(model));
const checkpoint = await openCheckpoint({
  name: 'model',
  list: () => Promise.resolve(['model.gguf']),
  open: (name) => Promise.resolve(name === 'model.gguf' ? bytesSource(name, bytes) : null),
});
const blob = new Blob([readFileSync(tickets)]);
const { dataset } = await importDataset(
  {
    name: basename(tickets),
    size: blob.size,
    stream: () => blob.stream(),
    slice: (a, b) => blob.slice(a, b).arrayBuffer(),
  },
  { mapping: parseMapping(map, 'response'), redact: false, seed: 1 },
);
const task = TASK_TABLE.response;
const asked = dataset.tickets.filter((t) => task.target(t) !== null);
const weights = parseRecipe(recipe);
const frozen = await freeze(await compressCheckpoint(checkpoint, weights, {}));
const lora = loraLayout(frozen.config, frozen.ffnSizes, LORA);
const engine = await oneThread(frozen, lora);
const tokenizer = createTokenizer(checkpoint.tokenizer);
const stopIds = frozen.config.eosTokenIds;

async function answers(of: Checkpoint, some: readonly Ticket[]): Promise<string[]> {
  const { session } = await openCpu(of, weights, {
    kernel: chooseKernel('cpu', weights, []).kernel,
    fallbacks: [],
    threads: 1,
    inPhase: (_, work) => work(),
    loadModule,
    spawn: spawnThread,
  });
  const texts = [];
  for (const ticket of some) {
    const { ids } = await generate(session, tokenizer.chat(task.messages(ticket, [])), {
      maxNewTokens: task.maxNewTokens,
      stopIds,
      inPhase: (_, work) => work(),
    });
    texts.push(tokenizer.decode(ids).trim());
  }
  await session.close();
  return texts;
}

/** What was learnt from all tickets but one, put beside the checkpoint. */
async function without(left: Ticket): Promise<Checkpoint> {
  const others = asked.filter((t) => t !== left);
  const { examples } = examplesOf(tokenizer, stopIds, [task], others, [], CONTEXT);
  const options = { ...TUNE, steps: Number(steps), warmup: 1, batch: BATCH, evaluateEvery: 0, seed: Number(seed) };
  const done = await tune(
    { engine, train: examples, validation: [], joules: () => null, now: () => performance.now() },
    options,
    startTuning(newAdapter(lora, Number(seed))),
  );
  return withAdapter(checkpoint, adapterOf(lora, done.numbers));
}

const untuned = await answers(checkpoint, asked);
const rows: ({ id: string; wanted: string; scores: Score[] } & Record<(typeof WAYS)[number], string>)[] = [];
for (const [i, left] of asked.entries()) {
  const others = asked.filter((t) => t !== left);
  const retriever = trainBaseline({
    task: 'response',
    texts: others.map(({ text }) => text),
    targets: others.map((t) => task.target(t) ?? ''),
    minDf: 1,
  });
  const texts = {
    tuned: (await answers(await without(left), [left]))[0] ?? '',
    untuned: untuned[i] ?? '',
    nearest: predict(retriever, left.text).output,
  };
  const wanted = task.target(left) ?? '';
  const scores = WAYS.map((way) => ({
    way,
    chrf: chrfScore(chrfCounts(wanted, texts[way])),
    rougeL: 100 * rougeL(wanted, texts[way]),
  }));
  rows.push({ id: left.id, wanted, ...texts, scores });
  console.log(`${i + 1} of ${asked.length}: ${scores.map((s) => `${s.way} ${s.chrf.toFixed(1)} ${s.rougeL.toFixed(1)}`).join(', ')}`);
}

const figures = (['chrf', 'rougeL'] as const).flatMap((metric) => {
  const of = (way: (typeof WAYS)[number]) => rows.map((r) => r.scores.find((s) => s.way === way)?.[metric] ?? NaN);
  const tuned = of('tuned');
  return [
    ...WAYS.map((way) => ({ metric, way, mean: mean(of(way)) })),
    ...(['untuned', 'nearest'] as const).map((way) => {
      const apart = tuned.map((v, i) => v - (of(way)[i] as number));
      const meanOf = (pick: Int32Array) => mean(Array.from(pick, (i) => apart[i] as number));
      return { metric, way: `tuned less ${way}`, ...bootstrap(apart.length, meanOf, { resamples: 10_000 }) };
    }),
  ];
});
writeFileSync(out, JSON.stringify({ n: rows.length, recipe, steps: Number(steps), figures, rows }, null, 1));
console.log(JSON.stringify(figures, null, 1));
