import { allFakers, type Faker } from '@faker-js/faker';

/**
 * Sentences as tickets hold them, with what must be hidden in each: written before the rules of `data/redact.ts` and from
 * what tickets look like, with names of others (`@faker-js/faker`, MIT). Each ticket belongs to one of two halves: rules
 * may be mended by what they miss in `seen`; figures are told of `unseen`. Both halves draw their values from the same
 * makers, by other seeds. `bare` holds values without a word that
 * says what they are.
 */

/** What a label may be; kinds of names are one kind, however much of the name is said. */
export const LABELS = [
  'person',
  'uncased',
  'email',
  'phone',
  'ipv4',
  'ipv6',
  'mac',
  'url',
  'host',
  'card',
  'id',
  'circuit',
  'street',
  'postcode',
  'site',
] as const;
/** `uncased`: a name in a script without capitals. */
export type Label = (typeof LABELS)[number];

export interface Labelled {
  text: string;
  /** UTF-16 offsets, in order. */
  labels: { label: Label; start: number; end: number }[];
  half: 'seen' | 'unseen' | 'bare';
}

/** Twenty languages whose names begin with capitals. */
export const LANGUAGES = [
  'en', 'de', 'fr', 'es', 'it', 'pt_PT', 'nl', 'pl', 'cs_CZ', 'tr',
  'sv', 'da', 'nb_NO', 'fi', 'ro', 'hu', 'hr', 'el', 'ru', 'vi',
] as const; // prettier-ignore
/** Languages whose script has none. */
export const UNCASED = ['ja', 'ko', 'zh_CN', 'ar', 'he'] as const;

/** Templates of one half. {x} is made by `VALUES`; all else is what stays. */
interface Templates {
  people: readonly string[];
  things: readonly string[];
  /** Nothing in them identifies anybody, however much it looks so. */
  nothing: readonly string[];
}

const SEEN: Templates = {
  people: [
    'Reported by {name} at 08:10, no internet since the storm.',
    'Caller {name} says the modem reboots every ten minutes.',
    'Tech: {name} on site, replaced the SFP in slot 3.',
    'Spoke with {name}, light levels are fine at the ONT.',
    'Escalated to {name} in second line after the reset failed.',
    'Assigned to {name}. Waiting for spare parts.',
    'Good morning,\nthe link is down again.\n\nKind regards,\n{name}\nField Operations',
    'Hi {first}, could you check the BGP session towards the hub?',
    'Mrs {last} has no dial tone since Monday.',
    '2024-05-02 10:11:07 - {name} (Work notes)\nRebooted the router, session is up.',
    'Closed by {name} after 24 h of monitoring.',
    'Customer {name} wants a call back before noon.',
    'Field visit by {name} on Tuesday: water in the joint box.',
    'Please contact {name} for the key to the cabinet.',
    '{name} called again, still no signal on any channel.',
    '{name} confirmed that the service is restored.',
    'Gemeldet von {name}, kein Internet seit gestern.',
    'Signalé par {name} : coupure totale depuis 9 h.',
    'Reportado por {name}, sin servicio desde ayer.',
    'Engineer {name} found a broken patch cord and replaced it.',
    'According to {name} the generator did not start.',
    'Ticket opened by {name}; the ticket was reopened by {name} later.',
    'cc {name}: please watch the optical power over night.',
    'Technician {name} attended, customer not at home.',
  ],
  things: [
    'Please mail {email} when it is back.',
    "User's mailbox '{email}' bounces since the change.",
    'Call back on {phone} after 17:00.',
    'Ping to {ipv4} fails, gateway answers.',
    'Neighbour {ipv6} is idle since 10:30.',
    'CPE with MAC {mac} is seen on port 4.',
    'Portal at {url} shows error 502.',
    'Syslog from {host}: interface flapping.',
    'Paid with card {card}, refund wanted.',
    'IMEI {id} is barred in the register.',
    'Circuit {circuit} is down, no light from the far end.',
    'Customer lives at {street}, third floor.',
    'No service at {street}, {postcode} {city}.',
    'Site {site} lost mains, running on batteries.',
    'Refund to IBAN {iban} is pending.',
  ],
  nothing: [
    'Replaced the Power Supply Unit of the Huawei OLT, alarms cleared.',
    'Reported by Monitoring System at 04:12, severity Major.',
    'Assigned to Network Operations Center for the night.',
    'Firmware 10.4.2.1 was rolled back to version 10.3.0.9 on 2023-11-02.',
    'Loss Of Signal on GigabitEthernet0/0/1 and xe-1/2/3 since 10:30:15.',
    'Escalated to Tier 2, then to Vendor Support.',
    'High Temperature in Rack 12, fan tray 3 of 4 failed, 71 degrees.',
    'Cisco Nexus and Juniper routers show Packet Loss of 12.5 % on ring North.',
    'BER 1e-6, RSL -62.5 dBm, 4096 of 65535 entries, error 0x1F2E.',
    'Customer confirmed that Internet Access works; Voice Service was never down.',
    'Contact Service Desk before any change. Change Request CHG0012345 is approved.',
    'Maintenance Window from 01:00 to 05:00 UTC, expected outage 30 minutes.',
    'The Field Technician found a Broken Fibre near the Main Street cabinet.',
  ],
};

const UNSEEN: Templates = {
  people: [
    'Fault raised by {name} this morning, three houses are affected.',
    'Requested by: {name}\nThe fibre to the premises shows no light.',
    'Contact person {name}, ring the bell twice.',
    'I talked to {name} and she power cycled the box.',
    'Handed over to {name} at the end of the shift.',
    'Owner: {name}. Next update at 14:00.',
    'Please advise.\nThanks,\n{name}',
    'Dear {first},\nyour order has been delayed.',
    'Hello {first} {last}, we could not reach you today.',
    'Mr. {last} refuses the appointment.',
    'Note added by {name} on 12.03.2024: splice redone.',
    'Resolved by {name}, root cause was a bad connector.',
    'Subscriber {name} has slow speed in the evening.',
    'Our fitter {name} will be there at nine.',
    'Ask for {name} at the reception.',
    '{name} reports that the lamp on the box is red.',
    'Melder: {name}, Rückruf erbeten.',
    'Contact client : {name}, joignable le matin.',
    'Técnico {name} en sitio, cambia el conector.',
    'Supervisor {name} approved the outage.',
    'Message from {name}: the door code has changed.',
    'Visit agreed with {name} for Thursday.',
    'Reassigned from {name} to {name}.',
    'Zgłoszone przez {name}, brak sygnału.',
  ],
  things: [
    'Write to <{email}> for access.',
    'Sender {apostrophe} was blocked by the filter.',
    'Phone: {phone}, evenings only.',
    'Traceroute stops at {ipv4}.',
    'DNS server {ipv6} does not answer.',
    'Unknown device {mac} keeps asking for an address.',
    'See {url} for the graph.',
    'Cannot log in to {host} since the upgrade.',
    'He gave {card} as the card number.',
    'SIM {id} does not register.',
    'Service ID {circuit} shows errors on both ends.',
    'Address: {street}',
    'New line for {street} in {postcode} {city}, second cabinet.',
    'Alarm at {site}: door open.',
    'Bank account {iban} bounced.',
  ],
  nothing: [
    'Optical Line Terminal shelf 2 shows Dying Gasp from 14 customers.',
    'Opened by Automatic Alarm Correlation, priority Critical.',
    'Handed over to Transmission Team and Access Planning.',
    'Raised by Nagios after five failed checks.',
    'Resolved by Software Update, build 4.19.0.112 is stable.',
    'Contact Customer Care if Call Waiting does not work.',
    'Ericsson Radio Unit in Sector 3 reports VSWR Over Threshold.',
    'Spanning Tree topology change on VLAN 1203, 18 ports, 5 minutes.',
    'From Monday to Friday the Core Router reloads at 03:15.',
    'Message from Element Manager: Link Aggregation Group down.',
    'Owner: Regional Operations. Next step: Vendor Escalation.',
    'Spare part 3HE00027CA, serial NS1234F5678, revision 02 was sent.',
    'Reboot did not help. Cable Modem is offline, Upstream Power 52 dBmV.',
  ],
};

const BARE: Templates = {
  people: [],
  things: [
    'Seen again today, {phone}, no change.',
    'As before {street}, third floor.',
    'Again {url} without a change.',
    'As before {host} without a change.',
    'Again {circuit} without a change.',
    'Again {id} without a change.',
  ],
  nothing: [],
};

/** One of a list, by the faker's own numbers. */
const one = <T>(faker: Faker, from: readonly T[]): T => faker.helpers.arrayElement(from);

/** A name as people write it in a ticket: now and then with an initial, a second surname or the surname alone. */
function nameOf(faker: Faker): string {
  const [first, last] = [faker.person.firstName(), faker.person.lastName()];
  const form = faker.number.int(19);
  if (form < 13) return `${first} ${last}`;
  if (form < 15) return first;
  if (form < 17) return `${first.slice(0, 1)}. ${last}`;
  if (form < 18) return `${last}, ${first}`;
  return `${first} ${last}-${faker.person.lastName()}`;
}

/** A noun of several words, as a host's name and a path can hold it: neither has white space or typographic quotes. */
const joined = (words: string, by: string) => words.replace(/[\s’]+/g, by);

const SITES: readonly ((f: Faker) => string)[] = [
  (f) => f.helpers.fromRegExp(/[A-Z]{3}-[0-9]{4}/),
  (f) => f.helpers.fromRegExp(/[A-Z]{2}[0-9]{5}/),
  (f) => f.helpers.fromRegExp(/[A-Z]{3}[0-9]{3}[A-Z]/),
];
const HOSTS: readonly ((f: Faker) => string)[] = [
  (f) => `${joined(f.word.noun(), '-')}${f.number.int(99)}.${f.internet.domainName()}`,
  (f) => `${f.airline.airport().iataCode.toLowerCase()}-core-rtr${f.number.int({ min: 1, max: 9 })}`,
  (f) => `sw${f.number.int(99)}.${joined(f.word.noun(), '-')}.corp`,
  (f) => `${f.helpers.fromRegExp(/[a-z]{3}[0-9]{2}/)}-${one(f, ['olt', 'bng', 'pe', 'sw', 'fw'])}-0${f.number.int(9)}`,
];
const CIRCUITS: readonly ((f: Faker) => string)[] = [
  (f) => `${f.number.int({ min: 10, max: 99 })}/${f.string.alpha({ length: 4, casing: 'upper' })}/${f.string.numeric(6)}/${f.helpers.fromRegExp(/[A-Z]{3}/)}`,
  (f) => `CKT-${f.string.numeric(7)}`,
  (f) => `EVC${f.string.numeric(8)}`,
]; // prettier-ignore

/** What stands for each {x}: its label (null: it stays) and a value, by a faker of one language. */
const VALUES: Readonly<Record<string, { label: Label | null; make: (f: Faker) => string }>> = {
  name: { label: 'person', make: nameOf },
  first: { label: 'person', make: (f) => f.person.firstName() },
  last: { label: 'person', make: (f) => f.person.lastName() },
  city: { label: null, make: (f) => f.location.city() },
  email: { label: 'email', make: (f) => f.internet.email() },
  apostrophe: { label: 'email', make: (f) => `o'${f.internet.email()}` },
  phone: { label: 'phone', make: (f) => f.phone.number({ style: one(f, ['international', 'national', 'human']) }) },
  ipv4: { label: 'ipv4', make: (f) => f.internet.ipv4() },
  ipv6: { label: 'ipv6', make: (f) => f.internet.ipv6() },
  mac: { label: 'mac', make: (f) => f.internet.mac({ separator: one(f, [':', '-']) }) },
  url: { label: 'url', make: (f) => `${f.internet.url()}/${joined(f.word.noun(), '%20')}?id=${f.number.int(999)}` },
  host: { label: 'host', make: (f) => one(f, HOSTS)(f) },
  card: { label: 'card', make: (f) => f.finance.creditCardNumber(one(f, ['visa', 'mastercard', 'american_express'])) },
  id: { label: 'id', make: (f) => f.phone.imei().replace(/-/g, one(f, ['', '-'])) },
  iban: { label: 'id', make: (f) => f.finance.iban({ formatted: f.datatype.boolean() }) },
  circuit: { label: 'circuit', make: (f) => one(f, CIRCUITS)(f) },
  street: { label: 'street', make: (f) => f.location.streetAddress() },
  postcode: { label: 'postcode', make: (f) => f.location.zipCode() },
  site: { label: 'site', make: (f) => one(f, SITES)(f) },
};

/** Of each half its own seeds. */
const OFFSETS: Readonly<Record<Labelled['half'], number>> = { seen: 0, unseen: 500, bare: 700 };

/** A template with its values; `uncased` where the names' script has no capitals. */
function fill(template: string, faker: Faker, half: Labelled['half'], uncased: boolean): Labelled {
  const labels: Labelled['labels'] = [];
  let text = '';
  for (const [i, part] of template.split(/\{(\w+)\}/).entries()) {
    const value = i % 2 === 1 ? VALUES[part] : undefined;
    const said = value ? value.make(faker) : part;
    if (value?.label)
      labels.push({
        label: uncased && value.label === 'person' ? 'uncased' : value.label,
        start: text.length,
        end: text.length + said.length,
      });
    text += said;
  }
  return { text, labels, half };
}

/**
 * Labelled sentences, the same for the same seed: of each half every template of people in every language, every other
 * template `rounds` times in each language, and what names nobody as often.
 *
 * @param rounds how often; 1 gives some 2,400 sentences
 */
export function labelledSet(rounds: number, seed = 7): Labelled[] {
  const out: Labelled[] = [];
  for (const [half, templates] of [
    ['seen', SEEN],
    ['unseen', UNSEEN],
    ['bare', BARE],
  ] as const)
    for (const [l, language] of [...LANGUAGES, ...UNCASED].entries()) {
      const uncased = l >= LANGUAGES.length;
      const faker = allFakers[language];
      faker.seed(seed * 1000 + l + OFFSETS[half]);
      const wanted = uncased ? templates.people : [...templates.people, ...templates.things, ...templates.nothing];
      for (let round = 0; round < rounds; round++)
        for (const template of wanted) out.push(fill(template, faker, half, uncased));
    }
  return out;
}
