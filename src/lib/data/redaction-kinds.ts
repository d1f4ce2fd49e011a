/** Kinds of what redaction hides, each a switch of its own; the rules are rows of `redact.ts`. */
export const REDACTION_KINDS = [
  'url',
  'email',
  'secret',
  'mac',
  'ipv6',
  'ipv4',
  'account',
  'card',
  'subscriber',
  'phone',
  'circuit',
  'host',
  'street',
  'postcode',
  'site',
  'listed',
  'person',
  'uncased',
] as const;
export type RedactionKind = (typeof REDACTION_KINDS)[number];

/** Kinds that are hidden only where they are asked for: sites tell where a fault is, which may be its cause. */
export const ASKED_KINDS: readonly RedactionKind[] = ['site'];

/** Title of each kind, for people. */
export const REDACTION_TITLES: Readonly<Record<RedactionKind, string>> = {
  url: 'web address',
  email: 'e-mail address',
  secret: 'password or key',
  mac: 'MAC address',
  ipv6: 'IPv6 address',
  ipv4: 'IPv4 address',
  account: 'bank account (IBAN)',
  card: 'card number',
  subscriber: 'IMSI, IMEI or SIM number',
  phone: 'phone number',
  circuit: 'circuit or customer number',
  host: 'host name',
  street: 'street and house number',
  postcode: 'postcode',
  site: 'site code',
  listed: 'word of your list',
  person: 'name of a person',
  uncased: 'name in a script without capitals',
};
