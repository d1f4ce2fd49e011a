import { fixed, percent, plural } from './format';

/** How far confidence in a cause can be trusted. */
export const CONFIDENCE = {
  title: 'How sure it is of a cause',
  sentence: (
    variant: string,
    answered: { coverage: number; accuracy: number | null } | null,
    threshold: number | null,
  ) =>
    answered === null || threshold === null || answered.accuracy === null
      ? `${variant} is never sure enough to be right 95 % of the time: every answer wants a look.`
      : `${variant} answers ${percent(answered.coverage)} of the tickets at ${percent(answered.accuracy)} right, where it abstains below a share of ${percent(threshold)}.`,
  about: (temperature: number, fitted: number, judged: number, ece: number) =>
    `Temperature ${fixed(temperature, 2)}, fitted on ${plural(fitted, 'validation ticket')}; what is drawn are ${plural(judged, 'test ticket')}, larger circles more of them. Expected calibration error ${fixed(ece, 2)}.`,
  reliability: 'Confidence against how often it was right',
  curve: 'Share of tickets answered against how many of these were right',
  confidence: 'share of the cause',
  answered: 'tickets answered',
  right: 'right, %',
  table: 'The same as a table',
  columns: ['Share of the cause', 'Right', 'Tickets'],
} as const;
