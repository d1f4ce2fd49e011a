import { energyAmount, type EnergyUnit } from './energy';
import { duration, significant, whole } from './format';

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
  continue: 'Continue',
  pause: 'Pause',
  stop: 'Stop',
  skip: 'Skip this variant',
  chart: {
    title: 'Power and energy of answering tickets, estimated',
    time: 'Seconds',
    watts: 'Watts',
    sofar: { J: 'Joules so far', Wh: 'Watt-hours so far', gCO2e: 'CO₂e so far', cost: 'Cost so far' } satisfies Record<
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
  repeat: (repeat: number) => `repeat ${repeat}`,
  phase: {
    load: 'loading and compressing',
    'warm-up': 'warming up',
    train: 'training',
    rca: 'finding causes',
    response: 'writing responses',
    summary: 'writing summaries',
  } as Readonly<Record<string, string>>,
  ticketOf: (index: number, of: number) => `, ticket ${index} of ${of}`,
  ticket: 'Ticket',
  answer: 'Answer',
} as const;
