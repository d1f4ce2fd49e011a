import { energyAmount, type EnergyUnit } from './energy';
import { formatJoules } from '../core/units';
import { duration, fixed, plural, significant, whole } from './format';

/** A run under way. */
export const LIVE = {
  region: 'Progress',
  status: {
    idle: '',
    starting: 'Getting ready',
    running: 'Running',
    pausing: 'Pausing after this run',
    paused: 'Paused',
    stopping: 'Stopping after this ticket',
  },
  returned: (kept: number) =>
    `This page was closed while an experiment ran. ${plural(kept, 'finished run was', 'finished runs were')} kept; it goes on from there.`,
  preliminary: 'Still running: these results are preliminary and will change.',
  otherTab:
    'Another tab of this browser runs an experiment too. Both are slower for it, so these runs are noted as disturbed; stop one of the two for figures that compare.',
  later: 'Results appear here after the first run.',
  continue: 'Continue',
  pause: 'Pause',
  stop: 'Stop',
  skip: 'Skip this variant',
  chart: {
    title: 'Power and energy of answering tickets, estimated',
    watts: 'watts',
    at: (seconds: number) => `${Number(seconds.toFixed(1))} s`,
    ground: 'The ground says what was done; hatched, its energy is not counted:',
    sofar: { J: 'joules so far', Wh: 'watt-hours so far', gCO2e: 'CO₂e so far', cost: 'cost so far' } satisfies Record<
      EnergyUnit['kind'],
      string
    >,
    now: (watts: number | null, energy: number | null, unit: EnergyUnit) =>
      `${watts === null ? 'Power: unknown while a model is opened' : `About ${significant(watts, 2)} W`}, ${energy === null ? 'energy unknown' : `${energyAmount(energy, unit)} so far`}, estimated.`,
  },
  speed: (tokens: number) => `${whole(tokens)} tokens a second, read and written`,
  done: 'Runs done',
  left: (seconds: number | null) =>
    seconds === null ? 'time left: known after the first run' : `about ${duration(seconds)} left`,
  pausedAt: (done: number, of: number, left: string) => `${done} of ${of} runs are done, ${left}.`,
  at: (run: number, of: number, left: string) => `Run ${run} of ${of}, ${left}.`,
  slice: (slice: number) => `slice ${slice}`,
  phase: {
    load: 'loading and compressing',
    calibrate: 'reading calibration text',
    wait: 'waiting until the device is quiet',
    blend: 'weighing both on validation tickets',
    check: 'comparing with our own kernels',
    threads: 'starting threads',
    'warm-up': 'warming up',
    train: 'fine-tuning on training tickets',
    rca: 'finding causes',
    response: 'writing responses',
    summary: 'writing summaries',
  } as Readonly<Record<string, string>>,
  ticketOf: (index: number, of: number) => `, ticket ${index} of ${of}`,
  stepOf: (index: number, of: number) => `, ${index} of ${of}`,
  training: {
    chart: 'Loss of training answers and of validation answers, by step',
    losses: 'training answers, each step',
    validations: 'validation answers',
    axis: 'nats a token',
    now: (o: {
      loss: number | null;
      validation: number | null;
      tokensPerSecond: number | null;
      joules: number | null;
      joulesPerThousand: number | null;
    }) =>
      [
        o.loss === null ? '' : `loss ${fixed(o.loss, 2)} nats a token`,
        o.validation === null ? '' : `validation ${fixed(o.validation, 2)}`,
        o.tokensPerSecond === null ? '' : `${whole(o.tokensPerSecond)} tokens a second`,
        o.joules === null || o.joulesPerThousand === null
          ? ''
          : `an estimated ${formatJoules(o.joules)} so far, ${formatJoules(o.joulesPerThousand)} per 1,000 tokens`,
      ]
        .filter(Boolean)
        .join('; '),
  },
  ticket: 'Ticket',
  answer: 'Answer',
  none: { ticket: 'The next ticket to be read stands here.', answer: 'What is written stands here.' },
} as const;
