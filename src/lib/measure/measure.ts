import { JoulewiseError } from '../core/errors';
import { median } from '../core/stats';
import { openMeter } from '../meter/open';
import { mainReadings } from '../meter/readings';
import type { EngineSession, Pass } from '../engine/session';
import type { Device, Range } from '../schema/run';
import { countWork } from './work';

/** Quality, speed and energy of one open variant, without tickets. */
export interface Measured {
  /** Mean negative log-likelihood over all predicted tokens of all texts, nats. */
  nll: number;
  /** Tokens predicted. */
  predicted: number;
  /** Medians over the repeats. */
  prefillMs: number;
  decodeMs: number;
  /** Operations and bytes of one unit: the prompt and the decoded tokens. */
  flops: number | null;
  bytes: number | null;
  /** Joules of one unit by the device's power profile; null where the work cannot be counted. */
  joules: Range | null;
  /** Name of the profile. */
  profile: string;
}

export interface MeasureOptions {
  /** Each of at least two tokens. */
  texts: readonly (readonly number[])[];
  /** Tokens of one unit: a prompt, and what follows it. */
  prefill: number;
  decode: number;
  repeats: number;
  device: Device;
}

/** Evaluates all texts, then meters a unit of work that is like a ticket, after one warm-up. */
export async function measure(session: EngineSession, o: MeasureOptions): Promise<Measured> {
  let sum = 0;
  let predicted = 0;
  for (const ids of o.texts) {
    const { logProbs } = await session.evaluate(ids);
    for (const x of logProbs) sum -= x;
    predicted += logProbs.length;
  }
  // Any ids cost the same; these are real text.
  const prompt = o.texts.flat().slice(0, o.prefill);
  if (predicted === 0 || prompt.length < o.prefill)
    throw new JoulewiseError('input.empty', `The texts hold fewer than ${o.prefill} tokens. Give more text.`);
  const sources = { device: o.device, engine: session.engine, profile: null };
  const meter = openMeter(sources, () => session.fence());
  const prefillMs: number[] = [];
  const decodeMs: number[] = [];
  const passes = Array.from({ length: o.decode }, (_, i): Pass => [1, o.prefill + i, 1]);
  const timed = async (into: number[], work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    into.push(performance.now() - start);
  };
  const decodeAll = async () => {
    for (let i = 0; i < o.decode; i++) await session.decode(prompt[i % prompt.length] as number);
  };
  await session.prefill(prompt);
  await decodeAll();
  for (let r = 0; r < o.repeats; r++) {
    await meter.window('prefill', countWork(session, [[o.prefill, 0, 1]], o.prefill), () =>
      timed(prefillMs, () => session.prefill(prompt)),
    );
    await meter.window('decode', countWork(session, passes, o.decode), () => timed(decodeMs, decodeAll));
  }
  const readings = mainReadings(await meter.read());
  const total = (pick: (r: (typeof readings)[number]) => number | null | undefined) =>
    readings.reduce<number | null>((s, r) => {
      const x = pick(r) ?? null;
      return s === null || x === null ? null : s + x / o.repeats;
    }, 0);
  const [low, mid, high] = [total((r) => r.joules?.low), total((r) => r.joules?.mid), total((r) => r.joules?.high)];
  return {
    nll: sum / predicted,
    predicted,
    prefillMs: median(prefillMs),
    decodeMs: median(decodeMs),
    flops: total((r) => r.flops),
    bytes: total((r) => r.bytes),
    joules: low === null || mid === null || high === null ? null : { low, mid, high },
    profile: readings[0]?.source ?? 'unknown',
  };
}
