/**
 * What can go wrong in the generated network, as tables: each cause with the chance of every alarm, clue, circumstance
 * and effect it shows. Causes are named after the probable causes of ITU-T X.733 and 3GPP TS 32.111. Evidence is drawn
 * independently given the cause, so the best possible accuracy on generated tickets can be computed (`posterior`).
 *
 * Wordings hold places: {site} {peer} {node} {cell} {slot} {level} {minutes}.
 */

/** Alarms that start a ticket, with the ways operators write them. */
export const ALARMS = {
  mains: ['mains failure', 'loss of mains', 'commercial power alarm', 'AC input fail'],
  discharging: ['battery discharging', 'site running on battery', 'DC voltage falling'],
  lowBattery: ['low battery threshold', 'battery voltage low {level} V', 'low DC voltage'],
  charging: ['battery charging failure', 'charge current missing', 'battery test failed'],
  rectifierVoltage: ['rectifier low voltage', 'rectifier output low', 'rectifier module alarm'],
  powerModule: ['power module fault', 'power supply unit {slot} fault', 'DC power alarm'],
  bitErrors: ['excessive bit error rate', 'BER threshold crossed towards {peer}', 'errored seconds rising'],
  degraded: ['degraded signal', 'signal quality low', 'link margin low towards {peer}'],
  receiveLevel: ['receive level low', 'RSL down to -{level} dBm', 'low received power'],
  vswr: ['VSWR high on cell {cell}', 'VSWR over threshold', 'return loss alarm cell {cell}'],
  lossOfSignal: ['loss of signal', 'LOS on port to {peer}', 'optical input lost'],
  lossOfFrame: ['loss of frame', 'LOF towards {peer}', 'framing error'],
  remoteAlarm: ['remote alarm indication', 'RDI from {peer}', 'far end receiver failure'],
  slot: ['equipment fault slot {slot}', 'board in slot {slot} not responding', 'unit fault slot {slot}'],
  synchronisation: ['loss of synchronisation', 'sync reference lost', 'frequency offset too high'],
  timingSource: ['timing source lost', 'PTP master unreachable', 'clock in holdover'],
  handover: ['handover failure rate high', 'handover failures on cell {cell}', 'HO success low'],
  pathTrace: ['path trace mismatch', 'VLAN mismatch to {peer}', 'neighbour identity mismatch'],
  unavailable: ['cell unavailable', 'cell {cell} out of service', 'cell {cell} disabled'],
  restart: ['process restart', 'baseband restart', 'application terminated abnormally'],
  overload: ['processor overload', 'CPU load above 90 percent', 'control plane overload'],
  temperature: ['high temperature', 'cabinet temperature {level} C', 'temperature above limit'],
  fan: ['fan speed alarm', 'fan unit alarm', 'ventilation alarm'],
  threshold: ['bandwidth threshold crossed', 'link utilisation above 95 percent', 'queue drops to {peer}'],
  response: ['response time high', 'high latency to {node}', 'packet delay alarm'],
} as const satisfies Record<string, readonly string[]>;
export type AlarmId = keyof typeof ALARMS;

/** What the operator or the field engineer found. `none` is drawn too: a fact may be missing. */
export const CLUES = {
  none: [''],
  utility: ['utility company confirms an outage in the area', 'power company reports grid fault near {site}'],
  noInput: ['no voltage at the mains input', 'meter shows zero at AC input'],
  onBattery: ['site is on battery', 'batteries carry the load'],
  mainsPresent: ['mains is present but DC is falling', 'AC input is fine, DC output is not'],
  moduleRed: ['red lamp on one rectifier module', 'one of the modules does not share load'],
  shortBackup: ['backup held only {minutes} minutes', 'batteries dropped after {minutes} minutes'],
  oldCells: ['battery cells are swollen', 'battery string older than eight years'],
  rain: ['errors follow the rain', 'level comes back when rain stops'],
  fluctuates: ['level goes up and down', 'signal fluctuates since the alarm'],
  bothEnds: ['both directions fade together', 'same drop seen from {peer}'],
  misaligned: ['dish looks turned', 'bracket loose after the wind'],
  waterFeeder: ['water in the feeder', 'jumper on cell {cell} corroded'],
  oneSector: ['only one sector suffers', 'only cell {cell} is weak'],
  excavator: ['digging works on the road to {peer}', 'excavator seen near the duct'],
  otdr: ['OTDR shows a break at {level} km', 'reflectometer sees open end at {level} km'],
  noLight: ['no light at the far end', 'no optical power from {peer}'],
  reseat: ['alarm clears for a while after reseat', 'card comes up then fails again'],
  lamp: ['fail lamp lit on the card', 'card missing in inventory'],
  gps: ['GPS receiver shows no satellites', 'no lock on the reference'],
  drift: ['offset grows slowly', 'frequency drifts since the alarm'],
  afterWork: ['started right after planned work', 'began after last night change'],
  parameter: ['parameter differs from the plan', 'wrong value found in the neighbour list'],
  rollback: ['old backup file works', 'audit shows differences with the template'],
  core: ['core dump written', 'log full of exceptions'],
  release: ['same fault seen on other sites with this release', 'release was loaded last week'],
  memory: ['memory use climbs until restart', 'comes back after each restart'],
  dust: ['filter full of dust', 'fan does not turn'],
  door: ['cabinet very hot to touch', 'air conditioner does not start'],
  event: ['stadium event near the site', 'many users since the festival opened'],
  peak: ['worst at peak hour', 'fine at night and bad in the evening'],
} as const satisfies Record<string, readonly string[]>;
export type ClueId = keyof typeof CLUES;

/** What else was going on. */
export const CIRCUMSTANCES = {
  none: [''],
  rain: ['heavy rain in the region', 'rain since noon'],
  wind: ['strong wind last night', 'gusts over the hill'],
  storm: ['thunderstorm passing', 'lightning reported nearby'],
  heat: ['hot day', 'heat wave this week'],
  work: ['planned work was done last night', 'change window closed this morning'],
  rush: ['evening traffic', 'busy hour'],
  quiet: ['weather fine', 'no work planned'],
} as const satisfies Record<string, readonly string[]>;
export type CircumstanceId = keyof typeof CIRCUMSTANCES;

/** Consequent alarms, raised minutes after the first. */
export const EFFECTS = {
  siteDown: ['site {site} down', 'all cells of {site} down'],
  cellDown: ['cell {cell} down', 'cell {cell} out of service'],
  linkDown: ['link {site} to {peer} down', 'path to {peer} lost'],
  slow: ['slow data for users', 'throughput low on {site}'],
  drops: ['dropped calls rising', 'many dropped calls'],
  redundancy: ['loss of redundancy at {node}', 'traffic moved to the spare path'],
} as const satisfies Record<string, readonly string[]>;
export type EffectId = keyof typeof EFFECTS;

type Chances<Id extends string> = Readonly<Partial<Record<Id, number>>>;

export interface CauseRow {
  label: string;
  /** Relative frequency. */
  weight: number;
  alarms: Chances<AlarmId>;
  clues: Chances<ClueId>;
  circumstances: Chances<CircumstanceId>;
  effects: Chances<EffectId>;
  /** What was done; the first sentence of the response. */
  done: readonly string[];
  /** What to do next. */
  next: readonly string[];
}

export const CAUSES: readonly CauseRow[] = [
  {
    label: 'commercial power failure',
    weight: 13,
    alarms: { mains: 0.62, discharging: 0.26, lowBattery: 0.12 },
    clues: { none: 0.14, utility: 0.34, noInput: 0.3, onBattery: 0.22 },
    circumstances: { storm: 0.35, wind: 0.15, none: 0.3, quiet: 0.2 },
    effects: { siteDown: 0.55, cellDown: 0.1, linkDown: 0.15, redundancy: 0.2 },
    done: [
      'Utility informed and mobile generator sent to {site}.',
      'Generator started at {site} until the grid returns.',
      'Power company called for {site}, site kept on battery.',
    ],
    next: ['Watch battery voltage until mains is back.', 'Refuel the generator and confirm mains return.'],
  },
  {
    label: 'rectifier failure',
    weight: 8,
    alarms: { rectifierVoltage: 0.42, powerModule: 0.33, discharging: 0.25 },
    clues: { none: 0.14, mainsPresent: 0.36, moduleRed: 0.36, onBattery: 0.14 },
    circumstances: { storm: 0.15, heat: 0.15, none: 0.4, quiet: 0.3 },
    effects: { siteDown: 0.4, cellDown: 0.15, redundancy: 0.3, slow: 0.15 },
    done: [
      'Rectifier module replaced at {site} and load shared again.',
      'Faulty rectifier at {site} swapped with a spare.',
    ],
    next: ['Check DC voltage and order a new spare module.', 'Verify charging current after one day.'],
  },
  {
    label: 'battery failure',
    weight: 7,
    alarms: { lowBattery: 0.38, charging: 0.42, mains: 0.2 },
    clues: { none: 0.12, shortBackup: 0.38, oldCells: 0.36, onBattery: 0.14 },
    circumstances: { storm: 0.2, heat: 0.2, none: 0.35, quiet: 0.25 },
    effects: { siteDown: 0.65, cellDown: 0.1, redundancy: 0.25 },
    done: ['Battery string at {site} replaced.', 'Weak battery block removed at {site} and new string ordered.'],
    next: ['Run a discharge test next week.', 'Plan a capacity test for both strings.'],
  },
  {
    label: 'microwave link fading',
    weight: 11,
    alarms: { bitErrors: 0.4, degraded: 0.38, receiveLevel: 0.22 },
    clues: { none: 0.16, rain: 0.34, fluctuates: 0.26, bothEnds: 0.24 },
    circumstances: { rain: 0.5, storm: 0.15, none: 0.2, quiet: 0.15 },
    effects: { linkDown: 0.4, slow: 0.35, redundancy: 0.25 },
    done: [
      'Link {site} to {peer} watched until the rain passed, level normal again.',
      'Modulation on the link to {peer} lowered until the level recovered.',
      'Microwave link of {site} watched until the level recovered.',
    ],
    next: [
      'Review fade margin of the link to {peer}.',
      'Review fade margin of the link.',
      'No visit needed, plan a larger dish if it returns.',
    ],
  },
  {
    label: 'fibre cut',
    weight: 10,
    alarms: { lossOfSignal: 0.66, lossOfFrame: 0.16, remoteAlarm: 0.18 },
    clues: { none: 0.15, excavator: 0.32, otdr: 0.31, noLight: 0.22 },
    circumstances: { work: 0.12, none: 0.5, quiet: 0.38 },
    effects: { linkDown: 0.5, siteDown: 0.25, redundancy: 0.25 },
    done: [
      'Fibre crew sent to splice the cable between {site} and {peer}.',
      'Cable between {site} and {peer} spliced, light is back.',
      'Fibre crew sent to find the break near {site}.',
    ],
    next: [
      'Keep traffic on the spare path until the splice is tested.',
      'Test all fibres and close with a new OTDR trace.',
    ],
  },
  {
    label: 'line card failure',
    weight: 8,
    alarms: { slot: 0.42, lossOfSignal: 0.3, lossOfFrame: 0.28 },
    clues: { none: 0.14, reseat: 0.36, lamp: 0.34, noLight: 0.16 },
    circumstances: { heat: 0.1, work: 0.15, none: 0.45, quiet: 0.3 },
    effects: { linkDown: 0.45, cellDown: 0.2, redundancy: 0.35 },
    done: [
      'Card in slot {slot} replaced at {site}.',
      'Traffic moved and card in slot {slot} of {site} swapped.',
      'Faulty card at {site} swapped with a spare.',
      'Traffic moved and new card fitted at {site}.',
    ],
    next: ['Send the faulty card for repair.', 'Check the port for errors for one day.'],
  },
  {
    label: 'antenna failure',
    weight: 8,
    alarms: { vswr: 0.44, receiveLevel: 0.32, degraded: 0.24 },
    clues: { none: 0.13, misaligned: 0.25, waterFeeder: 0.32, oneSector: 0.3 },
    circumstances: { wind: 0.45, rain: 0.15, none: 0.25, quiet: 0.15 },
    effects: { cellDown: 0.45, drops: 0.3, slow: 0.25 },
    done: [
      'Tower crew sent to {site} to check antenna and feeder of cell {cell}.',
      'Antenna of cell {cell} at {site} realigned and feeder sealed.',
      'Tower crew sent to {site} to check antenna and feeder.',
    ],
    next: ['Measure VSWR after the repair.', 'Climb only when the wind is below the limit.'],
  },
  {
    label: 'clock synchronisation loss',
    weight: 7,
    alarms: { synchronisation: 0.42, timingSource: 0.38, handover: 0.2 },
    clues: { none: 0.16, gps: 0.4, drift: 0.34, afterWork: 0.1 },
    circumstances: { storm: 0.15, work: 0.15, none: 0.4, quiet: 0.3 },
    effects: { drops: 0.5, cellDown: 0.25, slow: 0.25 },
    done: [
      'Reference of {site} moved to the backup clock.',
      'Clock source at {site} restored and offset back in range.',
    ],
    next: ['Check the GPS antenna at {site}.', 'Watch handover success for one day.'],
  },
  {
    label: 'configuration error',
    weight: 9,
    alarms: { pathTrace: 0.42, unavailable: 0.3, handover: 0.28 },
    clues: { none: 0.12, afterWork: 0.34, parameter: 0.32, rollback: 0.22 },
    circumstances: { work: 0.5, none: 0.3, quiet: 0.2 },
    effects: { cellDown: 0.35, drops: 0.35, linkDown: 0.3 },
    done: [
      'Wrong parameter at {site} corrected and cell {cell} unlocked.',
      'Wrong parameter at {site} corrected.',
      'Last change at {site} rolled back, traffic is normal.',
    ],
    next: ['Compare the site with the plan before the next change.', 'Ask planning to correct the template.'],
  },
  {
    label: 'software error',
    weight: 8,
    alarms: { restart: 0.46, unavailable: 0.32, overload: 0.22 },
    clues: { none: 0.13, core: 0.3, release: 0.27, memory: 0.22, afterWork: 0.08 },
    circumstances: { work: 0.2, rush: 0.1, none: 0.4, quiet: 0.3 },
    effects: { cellDown: 0.5, slow: 0.25, drops: 0.25 },
    done: ['Node at {site} restarted and logs sent to the vendor.', 'Software patch loaded at {site} after restart.'],
    next: ['Wait for the vendor fix and restart again if needed.', 'Load the corrected release on all sites.'],
  },
  {
    label: 'cooling fan failure',
    weight: 6,
    alarms: { temperature: 0.5, fan: 0.36, powerModule: 0.06, overload: 0.08 },
    clues: { none: 0.16, dust: 0.44, door: 0.4 },
    circumstances: { heat: 0.5, none: 0.3, quiet: 0.2 },
    effects: { cellDown: 0.3, slow: 0.35, redundancy: 0.35 },
    done: ['Fan tray replaced and filter cleaned at {site}.', 'Field engineer sent to {site} with a new fan unit.'],
    next: ['Watch cabinet temperature for one day.', 'Add the filter to the yearly visit.'],
  },
  {
    label: 'traffic congestion',
    weight: 7,
    alarms: { threshold: 0.46, response: 0.34, overload: 0.2 },
    clues: { none: 0.16, event: 0.34, peak: 0.4, fluctuates: 0.1 },
    circumstances: { rush: 0.55, none: 0.25, quiet: 0.2 },
    effects: { slow: 0.65, drops: 0.35 },
    done: ['Load moved from {site} to neighbour cells.', 'Part of the traffic of {site} rerouted through {node}.'],
    next: ['Order more capacity for {site}.', 'Review load of {site} after the busy hour.'],
  },
];

/** Chance that the ticket leaves a drawn piece of evidence out; the same for every cause. */
export const OMITTED = { alarm: 0.2, clue: 0.2, circumstance: 0.35, effect: 0.15 } as const;

/** What a ticket shows of a fault; null = not written. A clue or circumstance of `none` reads the same as null. */
export interface Evidence {
  alarm: AlarmId | null;
  clue: ClueId | null;
  circumstance: CircumstanceId | null;
  effect: EffectId | null;
}

/** Chance of seeing `id` (or nothing) under one cause. */
function chanceOf<Id extends string>(table: Chances<Id>, id: Id | null, omitted: number, silent?: Id): number {
  const total = Object.values<number | undefined>(table).reduce<number>((a, x) => a + (x ?? 0), 0);
  const share = (key: Id) => (table[key] ?? 0) / total;
  const none = silent === undefined ? 0 : share(silent);
  return id === null || id === silent ? none + (1 - none) * omitted : share(id) * (1 - omitted);
}

/** P(cause | evidence) by Bayes' rule, in the order of `CAUSES`: no classifier of the evidence does better on average. */
export function posterior({ alarm, clue, circumstance, effect }: Evidence): number[] {
  const joint = CAUSES.map(
    (row) =>
      row.weight *
      chanceOf(row.alarms, alarm, OMITTED.alarm) *
      chanceOf(row.clues, clue, OMITTED.clue, 'none') *
      chanceOf(row.circumstances, circumstance, OMITTED.circumstance, 'none') *
      chanceOf(row.effects, effect, OMITTED.effect),
  );
  const total = joint.reduce((a, x) => a + x, 0);
  return joint.map((x) => x / total);
}
