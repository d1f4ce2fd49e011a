import type { PrecisionName } from '../tensor/precisions';
import type { Boundary, Phase, Tier } from '../schema/run';

/** One number that the app shows: what it is, how it is computed, and where that comes from. */
export interface Explained {
  id: string;
  title: string;
  /** Plain sentences. */
  says: readonly string[];
  /** As one would write it on paper; null where there is none. */
  formula: string | null;
  source: string;
}

const OURS = 'Our choice: arXiv 2503.17783 does not print its formula.';

/** The page "Method": every number, plainly. */
export const METHOD = {
  title: 'Method',
  about:
    'Every number that Joulewise shows, with its formula and its source. What is estimated is called estimated; what nobody knows is called unknown and never counted as 0.',
  contents: 'On this page',
  source: 'Source:',
  tables: {
    tiers: 'Tiers: how a figure came about, most trusted first',
    boundaries: 'Boundaries: what the figure encloses',
    phases: 'Phases',
    metrics: 'Metrics',
    precisions: 'Bytes of a weight as stored',
    profiles: 'Power profiles: classes of devices',
  },
  metricColumns: ['Metric', 'Task', 'Range', 'In rho', 'How'],
  profileColumns: ['Class', 'Idle, W', 'Awake, W more', 'pJ per byte', 'pJ per 32-bit operation', 'Boundary'],
  notKnown: 'not known',
  profilesAbout:
    'Low / mid / high. Each spans its products: the lowest low, the median mid, the highest high. Single products and their data sheets stand under "Device".',
  precisionColumns: ['Precision', 'Bits a weight', 'With scales', 'Embedding and output'],
  inRho: (yes: boolean) => (yes ? 'yes' : 'no'),
  range: ([low, high]: readonly [number, number], higherIsBetter: boolean) =>
    `${low} to ${high === Infinity ? '∞' : high}, ${higherIsBetter ? 'higher' : 'lower'} is better`,
  tiers: {
    wall: 'A meter at the wall socket.',
    counter: 'A counter of joules inside the hardware, read by a companion program or recorded by Firefox.',
    'integrated-power': 'Watts read again and again, and added up over time.',
    fitted:
      'Estimated: counted work times coefficients that were fitted to a meter on this very device, under "Device". No meter was read in the run.',
    profile:
      'Estimated: no meter was read. Counted work times coefficients from data sheets. All that a page alone can do.',
  } satisfies Record<Tier, string>,
  boundaries: {
    gpu: 'The graphics card or graphics processor.',
    package: 'The processor package: cores, built-in graphics, memory controller.',
    device: 'The whole device without what hangs on it.',
    system: 'All that hangs on the measured socket.',
  } satisfies Record<Boundary, string>,
  phases: {
    load: 'Opening the variant. Once a run, not in joules per ticket.',
    compress: 'Making the variant from the checkpoint. Once a run, not in joules per ticket.',
    calibrate: 'Reading text to find out which weights matter. Once, not in joules per ticket.',
    train:
      'Fine-tuning an adapter, fitting the classical baseline or weighing a blend. Once, not in joules per ticket.',
    'warm-up': 'The first answer, which is thrown away. Not in joules per ticket.',
    prefix:
      'Reading what all prompts of a task begin with, once for the tickets of a slice. In joules per ticket, divided by these tickets.',
    prefill: 'Reading a ticket. In joules per ticket.',
    decode: 'Writing an answer token by token. In joules per ticket.',
    idle: 'A tenth of a second of nothing, before the work.',
  } satisfies Record<Phase, string>,
  metrics: {
    accuracy:
      'Share of tickets whose chosen cause is the true one. The most likely of the allowed causes is the choice.',
    macroF1: 'F1 of each cause, then their mean: rare causes count as much as common ones. As scikit-learn.',
    causeNll: 'Minus log of the share that the true cause has among the allowed ones, mean over tickets.',
    rouge1: 'F1 of words shared with the reference. As rouge-score, without stemming.',
    rouge2: 'F1 of pairs of words shared with the reference. As rouge-score.',
    rougeL: 'F1 of the longest common subsequence of words. As rouge-score.',
    rouge1Unicode:
      'ROUGE-1 of words of any script, where references are not written in a-z and rouge-score finds no words; signs of scripts without spaces count one by one.',
    rouge2Unicode: 'ROUGE-2 of words of any script, in the same case.',
    rougeLUnicode: 'ROUGE-L of words of any script, in the same case; stands for it in rho.',
    bleuCharacters:
      'BLEU of characters, where most letters are of scripts without spaces. As sacrebleu with the tokenizer "char".',
    chrf: 'F2 of shared runs of 1 to 6 characters over all tickets together. As sacrebleu; divided by 100 in rho.',
    bleu: 'Shared runs of 1 to 4 words over all tickets together, with a brevity penalty. As sacrebleu.',
    nll: 'How surprising the reference is: minus its log-probability, divided by its tokens.',
  } as Readonly<Record<string, string>>,
  outer: {
    fp32: '32 bits',
    fp16: '16 bits',
    int8: '8 bits',
    int4: '8 bits: 4 cost too much quality there',
  } satisfies Record<PrecisionName, string>,
  sections: [
    {
      id: 'energy',
      title: 'Joules (estimated)',
      says: [
        'A page cannot read power. It knows how long something took and, because every graph is written here, how many bytes were moved and how many operations were done. A profile of the device says what each of them costs.',
        'Low, mid and high of the profile give the range; it is common to all variants on a device, so it moves all their figures together and their order little.',
        'Watts are never taken as constant: measured on one card, 4 bits took 11 % fewer joules per token where constant watts would have said 70 % more.',
        'Held against a counter: on one kind of graphics card (NVIDIA H200), nine runs of a 135M model all lay within the range, its middle 28 % under to 5 % over what the card counted. No other device has been checked.',
        'Where the work was not counted (ready-made exports, loading) joules are unknown.',
      ],
      formula: 'E = P_idle · t + P_awake · t + a · bytes + b · operations, and no more than rated power',
      source: 'Our profile of data sheets and published measurements; coefficients and their sheets under "Device".',
    },
    {
      id: 'coefficients',
      title: 'P_idle, P_awake, a and b',
      says: [
        'From the rated power of a part, its memory bandwidth and its peak arithmetic rate. The shares say what a data sheet does not: how much of the rating memory draws at full speed, and how far from the peak a kernel runs.',
        'A device with work queued draws more than one at rest, however little it does: P_awake, where published measurements tell it (NVIDIA cards since 2020, Apple graphics, Jetson Orin, Raspberry Pi), else 0.',
        'An operation in 16 or 8 bits is cheaper than one in 32 by a factor of its own, with low, mid and high.',
      ],
      formula:
        'P_idle = idle share · rated W\nP_awake = awake share · (rated − idle)\na = memory share · (rated − idle) / bandwidth\nb = compute share · (rated − idle) / peak rate',
      source: 'Vendors’ data sheets; shares from published measurements and our own benches.',
    },
    {
      id: 'per-ticket',
      title: 'Joules per ticket',
      says: [
        'Prefill and decode of all tasks of a ticket, idle power of that time included. All slices of all variants are fitted at once: log E = variant + block + rest, a block being the slice that variants answered side by side.',
        'Variants whose passes are the same work (bytes, operations, kernel) have one energy a token: their times are pooled, and only the tokens that each read and wrote differ.',
        'A slice that takes over three times as long as the fastest was held up (the device slept) and is left out; the result says so.',
      ],
      formula: 'log E = variant + block + rest\nVar(a − b) = σ² · (from least squares) + variance of their own tokens',
      source: 'Least squares over all slices, variance pooled over variants. Under six slices nothing is told.',
    },
    {
      id: 'rho',
      title: 'Quality, rho',
      says: [
        'Each task has main metrics, brought to 0 to 1. They are averaged within a task, then over tasks.',
        'Its interval is a bootstrap: tickets are drawn anew 1,000 times, the same draw for every task.',
      ],
      formula: 'ρ = mean over tasks of (mean of the task’s main metrics)',
      source: OURS,
    },
    {
      id: 'phi',
      title: 'Energy efficiency, phi',
      says: [
        'The leanest of the compared variants has 1. The classical baseline is not compared: thousands of times leaner, it would press all others to 0.',
        'Its interval is that of the variant’s own energy, since E_min scales all alike. So where energy is little known, intervals of φ and of R reach above 1, and many variants tie.',
      ],
      formula: 'φ = E_min / E',
      source: OURS,
    },
    {
      id: 'r',
      title: 'Rank, R',
      says: [
        'The slider sets w, the weight of energy. Errors of both terms are independent and are added in quadrature.',
        'Other normalisations (min to max, lowest and highest profile values) are tried too; the app says for what share of all weights the winner stays the same.',
      ],
      formula: 'R = w · φ + (1 − w) · ρ',
      source: 'arXiv 2503.17783 (Tran, Jaumard, Delgado 2025), section 3.',
    },
    {
      id: 'words',
      title: 'Better, same, worse; leaner, same, dearer',
      says: [
        'All variants answer the same tickets, so they are compared ticket by ticket: tickets are drawn anew 2,000 times, once for all variants and tasks. Where fewer than ten tickets differ, Tango’s score interval (accuracy) or what so few tickets cannot rule out (other metrics) stands instead: no interval has a width of 0.',
        'A word comes from intervals that hold for all variants at once (95 %). Same is shown, not assumed: the whole interval lies within the margin (quality 0.05 by default, joules 10 %). What neither shows is “cannot tell”.',
      ],
      formula: 'interval of all: difference ± max-t · SD',
      source: 'Tango 1998 (Statistics in Medicine 17); Hothorn, Bretz and Westfall 2008 for simultaneous intervals.',
    },
    {
      id: 'floor',
      title: 'Does the job',
      says: [
        'On every task: quality shown to be no lower than the widest precision’s by more than the margin (one-sided 95 %; 59 tickets without any difference show 0.05), accuracy shown to be above chance, and quality above always giving the most frequent answer.',
        'Where the widest precision is not shown to be above chance, the next that is takes its place: as good as a guess is no test. The answer says so.',
        'The answer is the leanest variant that is shown to; among those that take the same, the one with the fewest parts in its recipe, then without calibration, then with more bits.',
      ],
      formula: 'low end of (quality − reference) ≥ −margin',
      source: OURS,
    },
    {
      id: 'bound',
      title: 'Net joules, and measuring until ±3 %',
      says: [
        'Net joules are gross ones without what the device draws at rest. A counter’s rest is counted before the work and between slices, and taken off with its own interval; where it could not be counted, net is unknown. An estimate’s rest is the profile’s.',
        'A bound repeats slices, up to 100, until the 95 % half-width of joules a ticket, of net and gross the wider, is within it: the spread of slices for their work, a counter’s steps as a rectangle over what they leave open, and in full what is not known of rest. Of an estimate repeats tell their spread alone: what is not known of the device does not shrink with them.',
        'Where four times the most slices would not do, it stops and says so.',
      ],
      formula: 'half-width = t · √((s² + h²/3) / n) + h(rest)',
      source: 'Cochran 1977, chapter 6 (ratios); JCGM 100:2008 (GUM), 4.3.7 (steps).',
    },
    {
      id: 'fine-tuning',
      title: 'Fine-tuning, and when it is won back',
      says: [
        'Low-rank adapters (LoRA) over the frozen weights of the very variant that answers, by AdamW with warm-up and a cosine, on training tickets; the step with the least loss on validation tickets is kept, and test tickets are never seen. The loss counts tokens of answers alone, in nats.',
        'Its joules are metered as those of answers are, once, and stand beside joules a ticket, not in them. They are won back after n tickets: its joules T, less those of the other’s own training, over what it saves a ticket. The range of n is that of timing; where nothing is saved, it is never.',
        'A blend adds log-probabilities of causes, the model’s and the classical baseline’s, with one weight s that is fitted on validation tickets, and takes the joules of both.',
      ],
      formula:
        'W′ = W + (α / r) · B · A\nloss = −mean over tokens of answers of ln p(token)\nn = (T − T_other) / (E_other − E)\nblend: ln p = s · ln p_model + (1 − s) · ln p_baseline + constant',
      source: 'Hu et al. 2022 (LoRA), Loshchilov and Hutter 2019 (AdamW); the rest is our own definition.',
    },
    {
      id: 'front',
      title: 'On the front',
      says: ['No other variant takes less energy at the same quality or has more quality at the same energy (Pareto).'],
      formula: null,
      source: 'Common definition, on mid values.',
    },
    {
      id: 'work',
      title: 'Bytes and operations',
      says: [
        'Counted node by node on the graph that runs. A weight is read once a pass; activations and the cache are read and written. A multiply-add is two operations. Zeros of a mask are multiplied like any weight unless a 2:4 kernel leaves them out.',
      ],
      formula: 'linear layer: operations = 2 · tokens · inputs · outputs\nbytes = weights + scales + activations',
      source: 'Shapes of our own graphs; kernels say what they read.',
    },
    {
      id: 'sizes',
      title: 'Stored, and as kernels read it',
      says: [
        'Stored is what the recipe takes on disk. A kernel may widen or repack it: what it reads stands beside it in "How each was computed".',
        '2:4 keeps 2 of 4 weights; with 16 and 8 bits our kernels read the kept ones and their places only.',
      ],
      formula: 'blocks of 32: bytes = bits / 8 · weights + 4 · weights / 32',
      source: 'Counted on the compressed tensors.',
    },
    {
      id: 'units',
      title: 'Watt-hours, CO₂e and cost',
      says: [
        'One watt-hour is 3,600 joules. Grams of CO₂ equivalent are kilowatt-hours times the yearly average intensity of a grid that you choose; its source and year stand beside the figure. An average of a year says nothing of this hour, and making the device is not in it.',
        'Cost is kilowatt-hours times your price.',
        '"What if" multiplies joules a ticket by tickets a day and 365. What two choices on one device differ by is the paired ratio of their joules, so what is not known of the device is no part of it; of two devices it is the ratio of both, with what is not known of each.',
      ],
      formula: 'g CO₂e = E / 3.6 MJ · intensity\ncost = E / 3.6 MJ · price',
      source: 'Ember (CC BY-SA 4.0) and Electricity Maps (ODbL), through CO2.js of the Green Web Foundation.',
    },
    {
      id: 'time',
      title: 'Time and tokens a second',
      says: [
        'The browser’s clock around prefill and decode; on a GPU after all submitted work is done. Tokens a second are tokens over that time.',
      ],
      formula: null,
      source: 'performance.now(), 5 µs steps where the page is isolated, 100 µs elsewhere.',
    },
    {
      id: 'limits-of-it',
      title: 'What all this cannot say',
      says: [
        'Estimates of this kind miss wall meters by 20 to 40 % in published tests. Differences between variants on one device are better known than any figure alone.',
        'Other programs, heat and a hidden tab disturb a run; what was noticed stands beside the result.',
      ],
      formula: null,
      source: 'CodeCarbon against a wall meter: −20 % (LLM on RTX 4090), −27 %, −37 %.',
    },
  ] satisfies readonly Explained[],
} as const;
