import type { Page } from 'playwright';
import { createRandom } from '../../src/lib/core/random';
import { BASELINE } from '../../src/lib/schema/engines';
import { foldRuns } from '../../src/lib/rank/fold';
import { makeWorld, simulatePlan, someVariants, type SimulatedVariant } from '../../src/lib/rank/simulate';
import { DEFAULT_MARGIN } from '../../src/lib/schema/defaults';
import type { PlanRecord } from '../../src/lib/schema/plan';
import type { RunRecord, TaskName } from '../../src/lib/schema/run';
import { decide } from '../../src/lib/rank/decide';
import { decodeLink, encodeLink, openedResults, toShared } from '../../src/lib/link/codec';
import { answerSentence, type SayTicket } from '../../src/lib/texts/answer';
import { ORIGIN } from './site';
import { put } from './stored';

/**
 * An experiment with an answer: the variants of the built-in one and its baseline, simulated, since running as many tickets
 * as show something takes a quarter of an hour.
 */

const SLICES = 9;
/** Of a slice. */
const TICKETS = 24;
const TASKS: readonly TaskName[] = ['rca', 'response'];
const PRECISIONS = ['fp32', 'fp16', 'int8', 'int4'];
const PRUNED = ['int8+2:4', 'int8+mag50', 'int8+ffn25', 'int4+2:4', 'int4+mag50', 'int4+ffn25'];
export const VARIANTS = [...PRECISIONS, ...PRUNED, BASELINE];

/** 8 bits answer nearly as 32 do, 4 bits somewhat worse, pruned ones much worse, the baseline worst. */
function world() {
  const base: SimulatedVariant[] = someVariants(createRandom(7)).filter(({ variant }) => VARIANTS.includes(variant));
  const loss = (v: string) => (v === 'int4' ? 0.12 : v.includes('+') ? 0.25 : 0);
  const own = (v: string) => (v === 'fp32' || v === 'fp16' ? 0 : v === 'int8' ? 0.05 : 0.3);
  const variants = base.map((v): SimulatedVariant => {
    const less = loss(v.variant);
    return { ...v, accuracy: 0.8 - less, kept: 0.7 - less, own: own(v.variant) };
  });
  const least = { ...(variants[0] as SimulatedVariant), variant: BASELINE, stage: 0, pass: BASELINE };
  return makeWorld({
    seed: 11,
    population: 500,
    tasks: TASKS,
    noise: 0.02,
    variants: [...variants, { ...least, reading: 1e-4, writing: 1e-4, accuracy: 0.4, kept: 0.2, own: 0.5 }],
  });
}

export const plan: PlanRecord = {
  v: 3,
  dataset: { hash: 'd', name: 'Generated telecom tickets' },
  checkpoint: { kind: 'builtin' },
  tasks: [...TASKS],
  stages: [
    { kind: 'variants', variants: PRECISIONS },
    { kind: 'variants', variants: PRUNED },
  ],
  baseline: true,
  engine: 'cpu',
  threads: null,
  limit: SLICES * TICKETS,
  slices: SLICES,
  margin: DEFAULT_MARGIN,
  maxNewTokens: 64,
  seed: 1,
  w: 0.5,
  profile: null,
};

let made: RunRecord[] | null = null;
export const answered = (): readonly RunRecord[] =>
  (made ??= simulatePlan(world(), { seed: 3, slices: SLICES, tickets: TICKETS }).map((run, i) => ({
    ...run,
    id: `answered/${i}`,
    plan: 'answered',
    engine: run.variant === BASELINE ? 'classical' : run.engine,
  })));

/** Into a store that is empty. */
export const putAnswered = (page: Page): Promise<void> =>
  put(page, {
    plans: [
      {
        hash: 'answered',
        plan,
        name: 'Generated telecom tickets',
        note: '',
        createdAt: '2026-01-01T00:00:00Z',
        summary: null,
      },
    ],
    runs: [...answered()],
  });

/** The sentence that answers it; `say` writes its joules. */
export function saidAnswer(say?: SayTicket): string {
  const { results, evidence } = foldRuns(answered(), plan);
  return answerSentence(decide(results, evidence), say);
}

/** The sentence that answers what a link holds. */
export async function answerIn(link: string): Promise<string> {
  const record = await decodeLink(new URL(link).hash.slice(1));
  if (record.kind !== 'result' || !record.evidence) throw new Error('the link holds a result with its evidence');
  return answerSentence(decide(openedResults(record), record.evidence));
}

/** As another device might share it. */
export async function linkOf(runs: readonly RunRecord[]): Promise<string> {
  const { results, evidence } = foldRuns(runs, plan);
  return `${ORIGIN}/r#${await encodeLink(
    toShared(results, {
      createdAt: '2026-01-02T03:04:05Z',
      device: { name: '<b>Test</b> device', profile: 'cpu-laptop', browser: 'Chrome 150' },
      checkpoint: 'model',
      dataset: plan.dataset.name,
      tasks: [...TASKS],
      w: plan.w,
      evidence,
    }),
  )}`;
}
