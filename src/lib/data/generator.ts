/**
 * Seeded fault tickets of a small telecom network: sites joined by microwave links and fibres, with cells, power and a
 * core node. A root cause raises a first alarm and consequent ones; an operator writes them down, more or less well.
 * Some tickets do not hold enough to tell the cause: the best possible accuracy is about 0.9 (see `faults.ts`).
 */
import { contentHash } from '../core/canonical';
import { createRandom, type Random } from '../core/random';
import type { DatasetRecord, Ticket } from '../schema/dataset';
import { ALARMS, CAUSES, type CauseRow, CIRCUMSTANCES, CLUES, EFFECTS, type Evidence, OMITTED } from './faults';
import { rankCauses, splitTickets } from './split';
import { reworded, type Vocabulary } from './vocabulary';

export const GENERATOR_NAME = 'Generated telecom tickets';

export interface GeneratorOptions {
  count: number;
  seed: number;
  /** How often abbreviations and typing errors come, times the usual; default 1, 0 for clean texts. */
  noise?: number;
  /** How often evidence is left out of a ticket, times the usual; default 1, 0 where every ticket tells all. */
  gaps?: number;
  /** Whose words tickets, causes and responses are in; default the usual. */
  vocabulary?: Vocabulary;
}

/** Settings lie between nothing and this many times the usual. */
export const MAX_SETTING = 3;

const NAME_HEADS = [
  'Ash', 'Bar', 'Bel', 'Birch', 'Black', 'Bram', 'Brook', 'Cal', 'Clay', 'Cold', 'Cran', 'Dal', 'Dun', 'East', 'Elm',
  'Fair', 'Farn', 'Glen', 'Green', 'Hal', 'Hart', 'Hazel', 'High', 'Holm', 'Kel', 'Kings', 'Lang', 'Lin', 'Long', 'Mar',
  'Mel', 'Mill', 'Nor', 'Oak', 'Old', 'Pen', 'Red', 'Rock', 'Rose', 'Sand', 'Sel', 'Stan', 'Stone', 'Thorn', 'Wal',
  'West', 'White', 'Win', 'Wood', 'York',
]; // prettier-ignore
const NAME_TAILS = [
  'bridge', 'bury', 'by', 'cliff', 'combe', 'dale', 'field', 'ford', 'gate', 'ham', 'haven', 'hill', 'hurst', 'ley',
  'mere', 'moor', 'mouth', 'port', 'ridge', 'stead', 'ton', 'vale', 'well', 'wick', 'worth',
]; // prettier-ignore

interface Site {
  name: string;
  peer: string;
  /** Aggregation node that the site hangs on. */
  node: string;
  cells: number;
}

const SITES = 80;
const NODES = 6;

/** Sites in random order, each linked towards one of the earlier ones: a tree, as access networks are. */
function buildNetwork(random: Random): Site[] {
  const all = NAME_HEADS.flatMap((head) => NAME_TAILS.map((tail) => head + tail));
  const names = random.shuffle(all).slice(0, SITES);
  const nodes = Array.from({ length: NODES }, (_, i) => `AGG${i + 1}`);
  return names.map((name, i) => ({
    name,
    peer: i === 0 ? (names[1] ?? name) : (names[random.int(i)] ?? name),
    node: random.pick(nodes),
    cells: 3 + random.int(4),
  }));
}

/** A key of `chances`, drawn with its chance. */
function draw<Id extends string>(random: Random, chances: Readonly<Partial<Record<Id, number>>>): Id {
  const entries = Object.entries(chances) as [Id, number][];
  const total = entries.reduce((a, [, chance]) => a + chance, 0);
  let at = random.next() * total;
  for (const [id, chance] of entries) {
    at -= chance;
    if (at < 0) return id;
  }
  return (entries.at(-1) as [Id, number])[0];
}

function drawCause(random: Random): CauseRow {
  const at = draw(random, Object.fromEntries(CAUSES.map(({ weight }, i) => [String(i), weight])));
  return CAUSES[Number(at)] as CauseRow;
}

function drawEvidence(random: Random, cause: CauseRow, gaps: number): Evidence {
  const unless = <T>(omitted: number, value: T) => (random.chance(omitted) ? null : value);
  return {
    alarm: unless(gaps * OMITTED.alarm, draw(random, cause.alarms)),
    clue: unless(gaps * OMITTED.clue, draw(random, cause.clues)),
    circumstance: unless(gaps * OMITTED.circumstance, draw(random, cause.circumstances)),
    effect: unless(gaps * OMITTED.effect, draw(random, cause.effects)),
  };
}

/** Root cause, evidence and the values of the places in the wordings. */
export interface Fault {
  cause: CauseRow;
  evidence: Evidence;
  places: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  time: number;
}

const PLACE = /\{(\w+)\}/g;
const fill = (wording: string, places: Fault['places']) =>
  wording.replace(PLACE, (whole, name: string) => places[name] ?? whole);

function drawFault(random: Random, network: readonly Site[], time: number, gaps: number): Fault {
  const site = random.pick(network);
  const cause = drawCause(random);
  return {
    cause,
    evidence: drawEvidence(random, cause, gaps),
    places: {
      site: site.name,
      peer: site.peer,
      node: site.node,
      cell: String(1 + random.int(site.cells)),
      slot: String(1 + random.int(12)),
      level: String(43 + random.int(45)),
      minutes: String(5 + random.int(50)),
      severity: random.pick(['critical', 'major', 'minor']),
      first: clock(time),
      later: clock(time + (2 + random.int(25)) * 60_000),
    },
    time,
  };
}

const clock = (time: number) => new Date(time).toISOString().slice(11, 16);

/** Remarks that say nothing about the cause; some name words of other causes, as real tickets do. */
const REMARKS = [
  'Customer informed.',
  'Customer called twice.',
  'Duty manager is aware.',
  'Ticket opened by night shift.',
  'Handed over to the day shift.',
  'No access to the site before 08:00.',
  'Key is at the gate house.',
  'Field team asks for a contact.',
  'Last visit was in March for the battery test.',
  'Site has one fibre and one microwave path.',
  'Antenna was painted last year.',
  'Similar ticket closed last month without finding.',
  'Please call back before the visit.',
  'Neighbour site {peer} looks normal.',
  'Alarm list exported and attached.',
  'Second line asked for advice.',
  'Remote login works.',
  'Remote login is slow.',
  'Power reading not available.',
  'Site is shared with another operator.',
  'Software level as on the other sites.',
  'Temperature inside not known.',
  'Priority raised by the customer desk.',
  'Waiting for answer from transport group.',
  'Report asked by tomorrow noon.',
  'Road to the site is narrow.',
  'Parent node is {node}.',
  'Configuration backup taken.',
  'No other alarm in the cluster.',
  'Users in the area complain.',
  'Spare parts are in the depot at {peer}.',
  'Nobody on site now.',
];

/** One way of writing a ticket: `lead` opens, the other parts follow in the order of `parts`; all joined by `join`. */
interface Style {
  lead: { known: readonly string[]; unknown: readonly string[] };
  effect: readonly string[];
  plain: readonly string[];
  join: string;
  /** Chance that a word with an abbreviation is abbreviated. */
  abbreviated: number;
  /** Chance of a typing error per long word. */
  typos: number;
  lower: boolean;
}

const STYLES: readonly Style[] = [
  {
    lead: {
      known: ['{first} {site}: {alarm}, {severity}.', '{first} {severity} alarm at {site}: {alarm}.'],
      unknown: ['{first} {site}: alarm, {severity}.', '{first} {severity} alarm at {site}, text missing.'],
    },
    effect: ['{later} {effect}.', 'At {later} {effect}.'],
    plain: ['{part}.', 'Note: {part}.'],
    join: ' ',
    abbreviated: 0.1,
    typos: 0,
    lower: false,
  },
  {
    lead: {
      known: [
        'We see {alarm} at site {site} since {first}.',
        'Since {first} site {site} shows {alarm}.',
        'Hello, {site} raised {alarm} at {first}, link to {peer}.',
      ],
      unknown: ['We see a fault at site {site} since {first}.', 'Hello, {site} has a problem since {first}.'],
    },
    effect: ['Shortly after, {effect}.', 'As a result {effect}.', 'Then {effect} at {later}.'],
    plain: ['Also {part}.', 'It seems {part}.', 'The engineer says {part}.'],
    join: ' ',
    abbreviated: 0.05,
    typos: 0.01,
    lower: false,
  },
  {
    lead: {
      known: [
        '{site} cell {cell} / {alarm} / {first}',
        '{site} - {peer} / {alarm} / since {first}',
        '{site} / {alarm}',
      ],
      unknown: ['{site} cell {cell} / alarm / {first}', '{site} - {peer} / faulty since {first}'],
    },
    effect: ['{effect}', '{effect} {later}'],
    plain: ['{part}', 'fyi {part}'],
    join: ' / ',
    abbreviated: 0.6,
    typos: 0.03,
    lower: true,
  },
  {
    lead: {
      known: [
        'Customer desk reports trouble around {site} since {first}. Network centre finds {alarm} on {node}.',
        'Complaints from {site} area. Alarm list of {node} shows {alarm} since {first}.',
      ],
      unknown: [
        'Customer desk reports trouble around {site} since {first}. Alarm list of {node} is empty.',
        'Complaints from {site} area since {first}, cell {cell} most.',
      ],
    },
    effect: ['Users say: {effect}.', 'Impact: {effect}.'],
    plain: ['Check: {part}.', 'Found that {part}.', 'Caller adds: {part}.'],
    join: ' ',
    abbreviated: 0.2,
    typos: 0.02,
    lower: false,
  },
];

const ABBREVIATIONS: Readonly<Record<string, string>> = {
  battery: 'batt',
  temperature: 'temp',
  signal: 'sig',
  voltage: 'volt',
  rectifier: 'rect',
  customer: 'cust',
  received: 'rx',
  receive: 'rx',
  synchronisation: 'sync',
  failure: 'fail',
  microwave: 'MW',
  configuration: 'config',
  equipment: 'equip',
  threshold: 'thr',
  software: 'SW',
  handover: 'HO',
  engineer: 'eng',
  planned: 'pl',
  neighbour: 'nb',
  between: 'btw',
  please: 'pls',
  with: 'w/',
};

/** Swaps two letters inside a word, or drops one. */
function mistype(random: Random, word: string): string {
  const at = 1 + random.int(word.length - 2);
  const swapped = word.slice(0, at) + (word[at + 1] ?? '') + (word[at] ?? '') + word.slice(at + 2);
  return random.chance(0.5) ? swapped : word.slice(0, at) + word.slice(at + 1);
}

/** Abbreviations and typing errors. Names of sites (capitals) stay whole, so that a response can name them. */
const roughen = (random: Random, { abbreviated, typos }: Style, noise: number, text: string) =>
  text.replace(/\b[a-z]{4,}\b/g, (word) => {
    const short = ABBREVIATIONS[word];
    if (short !== undefined && random.chance(noise * abbreviated)) return short;
    return word.length > 4 && random.chance(noise * typos) ? mistype(random, word) : word;
  });

const MIN_WORDS = 25;
const countWords = (text: string) => text.split(/\s+/).filter((word) => /\w/.test(word)).length;
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const lowerFirst = (text: string) => (/^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text);

/** A ticket's text before abbreviations and typing errors. */
function compose(random: Random, style: Style, { evidence, places }: Fault): string {
  const say = (wording: string, more: Record<string, string> = {}) => fill(fill(wording, more), places);
  const { alarm, clue, circumstance, effect } = evidence;
  const lead =
    alarm === null
      ? say(random.pick(style.lead.unknown))
      : say(random.pick(style.lead.known), { alarm: random.pick(ALARMS[alarm]) });
  const parts: string[] = [];
  const add = (templates: readonly string[], name: string, wording: string) => {
    if (wording !== '') parts.push(capital(say(random.pick(templates), { [name]: wording })));
  };
  if (effect !== null) add(style.effect, 'effect', random.pick(EFFECTS[effect]));
  if (clue !== null) add(style.plain, 'part', random.pick(CLUES[clue]));
  if (circumstance !== null) add(style.plain, 'part', random.pick(CIRCUMSTANCES[circumstance]));

  const remarks = random.shuffle(REMARKS).map((remark) => say(remark));
  const wanted = random.int(3);
  let words = countWords([lead, ...parts].join(' '));
  for (let i = 0; i < remarks.length && (i < wanted || words < MIN_WORDS); i++) {
    const remark = remarks[i] ?? '';
    words += countWords(remark);
    parts.push(style.lower ? remark.replace(/\.$/, '') : remark);
  }
  // The first alarm comes first; what follows comes in any order.
  const rest = random.shuffle(parts);
  return [lead, ...rest.map((part) => (style.lower ? lowerFirst(part) : part))].join(style.join);
}

/** One to three sentences that name only what the ticket names, where a wording allows it. */
function respond(random: Random, { cause, places }: Fault, text: string): string {
  const named = (wording: string) =>
    Array.from(wording.matchAll(PLACE)).every(([, name]) => text.includes(places[name ?? ''] ?? ''));
  const choose = (wordings: readonly string[]) => {
    const fitting = wordings.filter(named);
    return fill(random.pick(fitting.length > 0 ? fitting : wordings), places);
  };
  const done = choose(cause.done);
  if (random.chance(0.15)) return done;
  const next = choose(cause.next);
  return random.chance(0.2) ? `${done} ${next} Ticket stays open.` : `${done} ${next}`;
}

const START = Date.UTC(2025, 0, 1);
const HOUR = 3_600_000;
/** Chance that a second operator writes up the same fault. */
const TWICE = 0.04;

function write(
  random: Random,
  fault: Fault,
  id: string,
  group: string | null,
  { noise = 1, vocabulary = 'usual' }: GeneratorOptions,
): Ticket {
  const style = random.pick(STYLES);
  const clean = compose(random, style, fault);
  // Drawn in every vocabulary, so that all that follows is too.
  const usual = roughen(random, style, noise, clean);
  return {
    id,
    text: vocabulary === 'usual' ? usual : roughen(random.fork('words'), style, noise, reworded(clean, vocabulary)),
    cause: reworded(fault.cause.label, vocabulary),
    response: reworded(respond(random, fault, clean), vocabulary),
    group,
    time: new Date(fault.time).toISOString(),
  };
}

/** Tickets with the faults they were written from, for computing what a perfect reader could know. */
export function generateFaults(options: GeneratorOptions): { ticket: Ticket; fault: Fault }[] {
  const { count, seed, gaps = 1 } = options;
  const root = createRandom(seed);
  const network = buildNetwork(root.fork('network'));
  const out: { ticket: Ticket; fault: Fault }[] = [];
  let time = START;
  for (let i = 0; out.length < count; i++) {
    // One stream per fault: a ticket does not depend on how many are asked for.
    const random = root.fork(`fault ${i}`);
    time += Math.ceil(random.next() * 2 * HOUR);
    const fault = drawFault(random, network, time, gaps);
    const twice = random.chance(TWICE);
    const group = twice ? `incident ${seed}-${i}` : null;
    for (let report = 0; report < (twice ? 2 : 1) && out.length < count; report++) {
      const id = `G${seed}-${String(out.length + 1).padStart(5, '0')}`;
      out.push({ ticket: write(random, fault, id, group, options), fault });
    }
  }
  return out;
}

/** `count` tickets; the same options give the same tickets, and a larger count only appends. */
export const generateTickets = (options: GeneratorOptions): Ticket[] =>
  generateFaults(options).map(({ ticket }) => ticket);

/** The generated tickets as a dataset, split 0.7 / 0.1 / 0.2. */
export async function generateDataset(options: GeneratorOptions): Promise<DatasetRecord> {
  const { count, seed } = options;
  const tickets = generateTickets(options);
  const split = splitTickets(tickets, { seed });
  return {
    v: 1,
    hash: await contentHash({ tickets, split }),
    name: GENERATOR_NAME,
    source: { kind: 'generated', origin: GENERATOR_NAME, licence: 'CC0-1.0' },
    mapping: null,
    seed,
    tickets,
    split,
    causes: rankCauses(tickets, split),
    counts: { rows: count, kept: count, emptyText: 0, exactDuplicates: 0, nearDuplicates: 0, redactions: null },
  };
}
