#!/usr/bin/env -S npx tsx
/**
 * What `joulewise run` trained a variant on and asked it, for PyTorch + PEFT to do alike: batches in the run's order, and
 * prompt and causes of each held-out ticket, as token ids.
 *
 *     npx tsx tests/oracle/worth.ts MODEL.gguf TICKETS.csv text=..,target=.. RUN.json OUT.json STEPS [SEED]
 *
 * RUN.json is what `run --out` wrote, or a number: the test tickets that a run of that `--limit` asks. tests/oracle/worth.py trains and scores.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { answerIds } from '../../src/lib/checkpoint/tokenizer';
import { pick } from '../../src/lib/data/give';
import { TASK_TABLE } from '../../src/lib/data/tasks';
import { batchAt, type Example } from '../../src/lib/tune/examples';
import { LORA } from '../../src/lib/tune/lora';
import { TUNE } from '../../src/lib/tune/trainer';
import { openLessons } from './lessons';

const [model, tickets, map, run, out, steps, seed = '1'] = process.argv.slice(2);
if (!model || !tickets || !map || !run || !out || !steps)
  throw new Error('MODEL.gguf TICKETS.csv MAPPING RUN.json OUT.json STEPS [SEED]');
const { tokenizer, stopIds, dataset, examples } = await openLessons(
  model,
  tickets,
  map,
  'fp32',
  Infinity,
  Number(seed),
);
const limit = Number(run);
const ids = new Set(
  limit
    ? pick(dataset, { tasks: ['rca'], limit, seed: Number(seed), train: false }).tickets.rca?.map(({ id }) => id)
    : idsOf(run),
);
writeFileSync(
  out,
  JSON.stringify({
    options: { ...TUNE, rank: LORA.rank, alpha: LORA.alpha, steps: Number(steps), seed: Number(seed) },
    batches: Array.from({ length: Number(steps) }, (_, step) =>
      batchAt(examples.length, TUNE.batch, step, Number(seed)).map((i) => examples[i] as Example),
    ),
    causes: dataset.causes,
    candidates: dataset.causes.map((cause) => answerIds(tokenizer, stopIds, cause)),
    asked: dataset.tickets
      .filter((t) => ids.has(t.id))
      .map((t) => ({ id: t.id, cause: t.cause, prompt: tokenizer.chat(TASK_TABLE.rca.messages(t, dataset.causes)) })),
  }),
);

/** Tickets that a run asked of its first variant; refuses a run of other tickets. */
function idsOf(file: string): string[] {
  const asked = JSON.parse(readFileSync(file, 'utf8')) as {
    plan: { dataset: { hash: string } };
    runs: { variant: string; tickets: { id: string }[] }[];
  };
  if (asked.plan.dataset.hash !== dataset.hash)
    throw new Error('The run had other tickets, or another split: give its seed.');
  const first = asked.runs[0]?.variant;
  return asked.runs.filter((r) => r.variant === first).flatMap((r) => r.tickets.map(({ id }) => id));
}
