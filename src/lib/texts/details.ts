import type { Phase } from '../schema/run';
import { plural, significant } from './format';

const PHASES: Readonly<Record<Phase, string>> = {
  load: 'load',
  compress: 'compress',
  calibrate: 'calibrate',
  train: 'train',
  'warm-up': 'warm-up',
  prefix: 'shared prefix',
  prefill: 'prefill',
  decode: 'decode',
  idle: 'idle',
};

/** What lies behind the answer. */
export const DETAILS = {
  phase: PHASES,
  energy: {
    title: 'Where the energy goes',
    about: (energy: string) =>
      `${energy}, by phase. Loading, compressing and warming up happen once and are not counted: their energy is unknown, their seconds stand in the table.`,
    bar: (variant: string, phases: string) => `${variant}: ${phases}`,
    key: `From the left: ${PHASES.prefix}, ${PHASES.prefill}, ${PHASES.decode}`,
    part: (phase: Phase, amount: string) => `${PHASES[phase]} ${amount}`,
  },
  measures: {
    title: 'In other measures',
    about:
      'Answering alone, loading left out. Gross counts the power of an idle device too, net does not: of counted joules it is taken off by rests before and behind slices, and where these could not be counted net is unknown. 1,000 tokens are those read and written. A right answer bears what wrong ones took. The brackets hold what is not known of the device, which moves all variants together.',
    columns: {
      gross: 'A ticket, gross',
      net: 'A ticket, net of idle',
      thousandTokens: '1,000 tokens',
      correct: 'A right cause',
    },
  },
  columns: {
    variant: 'Variant',
    phase: 'Phase',
    seconds: 'Seconds a run',
    rate: 'Tokens a second',
    operations: 'GFLOP/s',
    bytes: 'GB/s',
    intensity: 'FLOP per byte',
  },
  table: 'The figures as a table',
  once: 'once a run',
  unknown: 'unknown',
  roofline: {
    title: 'What limits each phase',
    about:
      'Operations a second over operations per byte, counted on our own graphs. The slope is the fastest reading and the level the fastest arithmetic seen in these runs, so the true limits of the device lie higher. Near the slope a phase waits for memory: fewer bytes help. Near the level it waits for arithmetic: fewer operations help.',
    x: 'FLOP per byte, log scale',
    y: 'GFLOP/s, log scale',
    point: (
      variant: string,
      phase: Phase,
      work: { flopsPerSecond: number; bytesPerSecond: number; intensity: number },
    ) =>
      `${variant}, ${PHASES[phase]}: ${significant(work.flopsPerSecond / 1e9)} GFLOP/s, ${significant(work.bytesPerSecond / 1e9)} GB/s, ${significant(work.intensity)} FLOP per byte`,
    prompt: 'Point at a mark, or go to it with the Tab key, to read it.',
    key: 'Circle: decode; square: prefill.',
  },
  confusion: {
    title: 'Which causes are mistaken for which',
    of: 'Variant',
    about: (n: number) => `Rows are the true cause, columns the chosen one; ${plural(n, 'ticket')}.`,
    csv: 'Save as CSV',
    perCause: 'Each cause',
    columns: ['Cause', 'Precision (95 %)', 'Recall (95 %)', 'True', 'Chosen'],
    truth: 'True cause',
  },
  outputs: {
    title: 'Answers side by side',
    left: 'Left',
    right: 'Right',
    task: 'Task',
    only: 'Only tickets whose answers differ',
    ticket: 'Ticket',
    reference: 'Reference',
    none: 'These two give the same answer to every ticket.',
    same: (n: number, of: number) => `${n} of ${plural(of, 'ticket')} answered alike.`,
    more: (n: number) => `Show ${n} more`,
    empty: '(empty)',
  },
  tasks: { rca: 'Root cause', response: 'Response', summary: 'Summary' } as Readonly<Record<string, string>>,
  figure: {
    svg: 'Save as SVG',
    png: 'Save as PNG',
    notDrawn: 'The browser could not draw the picture. Save it as SVG.',
  },
  report: {
    button: 'Save as a report',
    title: (date: string) => `Joulewise report, ${date}`,
    foot: 'Made by Joulewise. This file holds all that it shows, asks no server, and contains no ticket.',
  },
} as const;
