import { type Boundary, isEstimated, type Tier } from '../schema/run';
import { fixed, plural } from './format';

/** A result: the sentence, the picture, the ranking, and what stands behind them. */
export const RESULTS = {
  task: { rca: 'finding the root cause', response: 'writing the response', summary: 'writing the summary' } as Readonly<
    Record<string, string>
  >,
  /** Under the answer, one a line. */
  facts: {
    model: 'Model',
    tickets: 'Tickets',
    counted: (dataset: string, tickets: number, slices: readonly number[]) => {
      const [low, high] = [Math.min(...slices), Math.max(...slices)];
      return `${dataset}: ${plural(tickets, 'ticket')}, ${low === high ? plural(low, 'slice') : `${low} to ${high} slices`}`;
    },
    tasks: 'Tasks',
    energy: 'Energy',
    by: (tier: Tier) => (isEstimated(tier) ? 'estimated' : `measured (${tier})`),
    of: (boundaries: string) => ` for the ${boundaries}`,
    how: {
      all: ': bytes and operations counted, times a power profile',
      some: '; estimates are bytes and operations counted, times a power profile',
    },
    source: { all: 'Profile', some: 'Source' },
    range: 'Range',
    mayTake: (variant: string, low: string, high: string) =>
      `${low} to ${high} for ${variant}; the error is alike for all, so their order is surer`,
    meterLeaves: (variant: string, low: string, high: string) =>
      `${low} to ${high} for ${variant} is what the meter’s own steps leave open, at most`,
    device: 'Device',
    date: 'Date',
  },
  actions: {
    use: 'Use it',
    download: 'Download',
    share: 'Share',
    recipe: 'Share the recipe',
    noResult: 'No experiment is open. Run one, or open one under "History".',
    json: 'Save as JSON',
    texts: "JSON with tickets' answers and my own prompts",
    csv: 'Save as CSV',
    resultsLink: 'Link to these results, without any ticket',
    shortened: {
      counted: 'To keep the link short, metrics that do not count in quality stay behind; "Save as JSON" has all.',
    },
    recipeLink: 'Link to this recipe, so that others run it on their device',
    prompts:
      'Put my own prompts into the link. Whoever has the link can read them, so leave them out if they are confidential.',
  },
  evidence: 'Evidence',
  evidenceHint: 'what was measured, the paper’s ranking, every metric, phases, answers',
  range: {
    label: 'What is not known of the device',
    words: (low: string, high: string) => `All marks move together: ×${low} to ×${high}.`,
    counted: (low: string, high: string) => `What the counter’s own steps leave open, at most: ×${low} to ×${high}.`,
  },
  byTask: 'By task',
  computed: 'How each was computed',
  failed: 'What failed',
  scatter: {
    label: 'Energy against quality, one point per variant; the table below says the same in words',
    x: (energy: string) => `${energy}, log scale (left is leaner)`,
    y: 'quality (up is better)',
    point: (variant: string, energy: string, tier: string, quality: string, onFront: boolean) =>
      `${variant}: ${energy}, ${tier}; quality ${quality}${onFront ? '; on the front' : ''}`,
    key: 'How to read it',
    keys: [
      'Marks are read by pointing at them, or with the Tab and arrow keys.',
      'Hollow marks are estimated, solid ones measured; crosses are 95 % intervals.',
      'Colour is the precision. Shape is the pruning: circle none, square 2:4, triangle magnitude, diamond feed-forward, cross layers; a star is the classical baseline.',
      'The line is the best quality to be had for so much energy. A soft disc marks the answer and what cannot be told from it.',
    ],
    margin:
      'The baseline is so much leaner that it stands left of the dashed line, off the scale, with its own figure.',
    unnamed: 'A mark without a name has no room for it; the table names all.',
  },
  weight: {
    label: 'Weight of energy against quality:',
    only: { quality: 'only quality', energy: 'only energy' },
    value: (w: number) =>
      `${fixed(w, 2)}: ${w === 0 ? 'only quality counts' : w === 1 ? 'only energy counts' : 'energy and quality count'}`,
    always: (variant: string) => `${variant} comes first whatever the weight.`,
    first: (spans: readonly { variant: string; from: number; to: number }[]) =>
      `First by weight of energy: ${spans.map((s) => `${s.variant} from ${fixed(s.from, 2)} to ${fixed(s.to, 2)}`).join(', ')}.`,
    at: (w: number, variant: string, ways: readonly string[]) =>
      `At ${fixed(w, 2)} ${variant} comes first${ways.length > 0 ? `; ${ways.join(', ')}` : ' whatever the weight'}.`,
    way: (side: 'below' | 'above', at: number, variant: string) => `${side} ${fixed(at, 2)} it is ${variant}`,
    firm: 'Of all weights, the winner stays the same at',
    alternative: {
      'min-max': 'with energy and quality each stretched over their range',
      'profile low': "at the low end of the device's power profile",
      'profile high': 'at its high end',
    },
    share: (agreement: number, how: string) => `${Math.round(agreement * 100)} % ${how}`,
  },
  ranking: {
    title: 'Variants',
    paper: 'The ranking of the paper: R = w · φ + (1 − w) · ρ',
    about: (w: number) =>
      `Best first by R at w = ${fixed(w, 2)}. In brackets: 95 % intervals of each on its own; they decide nothing, since all variants answered the same tickets.`,
    number: '#',
    variant: 'Variant',
    quality: 'Quality',
    qualityAbout: "Mean of the tasks' main metrics, from 0 to 1.",
    score: 'R',
    scoreAbout:
      'w times energy efficiency (least joules / own joules) plus 1 - w times quality. Our choice of formula.',
    front: 'Front',
    frontAbout: 'No other variant is both leaner and better.',
    onFront: 'on it',
    time: 'Time per ticket',
    stored: 'Stored',
    zeros: 'Zeros',
    zerosAbout: 'Share of linear weights that are exactly zero.',
    beside: 'beside',
    apart: 'not ranked',
    why: (variant: string, why: string) => `${variant} is not ranked. ${why}`,
  },
  metrics: {
    title: 'Metrics of the tasks',
    about: 'With 95 % bootstrap intervals over tickets. Those marked "in quality" make up the quality above.',
    task: { rca: 'Root cause', response: 'Response', summary: 'Summary' } as Readonly<Record<string, string>>,
    higher: 'higher is better',
    lower: 'lower is better',
    inQuality: '; in quality',
  },
  kernels: {
    spoiled: 'What may have spoiled it',
    read: 'Read by the kernel',
    /** Above the table: what every row would say. */
    all: (note: string) => `All of them: ${note}`,
  },
  /** What of the device the energy is of. */
  boundary: {
    gpu: 'graphics processor',
    package: 'processor package',
    device: 'whole device',
    system: 'whole system at its socket',
  } satisfies Record<Boundary, string>,
  tier: (tier: string) => (isEstimated(tier) ? 'estimated' : 'measured'),
  unknown: 'unknown',
} as const;
