/**
 * What redaction hid of labelled sentences: of `n` things `hidden` to the last letter, and of `spans` that it hid
 * `right`. Written by `npm run bench -- --part redaction`; never by hand.
 */
export const MEASURED: {
  date: string;
  sentences: number;
  kinds: readonly { title: string; n: number; hidden: number; spans: number; right: number }[];
} = {
  date: '2026-11-30',
  sentences: 64000,
  kinds: [
    { title: 'name of a person', n: 26000, hidden: 24747, spans: 23851, right: 23851 },
    { title: 'name in a script without capitals', n: 6500, hidden: 6231, spans: 6003, right: 6003 },
    { title: 'e-mail address', n: 2000, hidden: 2000, spans: 2000, right: 2000 },
    { title: 'phone number', n: 1000, hidden: 1000, spans: 1000, right: 1000 },
    { title: 'IPv4 address', n: 1000, hidden: 1000, spans: 1000, right: 1000 },
    { title: 'IPv6 address', n: 1000, hidden: 1000, spans: 1000, right: 1000 },
    { title: 'MAC address', n: 1000, hidden: 1000, spans: 1000, right: 1000 },
    { title: 'web address', n: 1000, hidden: 1000, spans: 1000, right: 1000 },
    { title: 'host name', n: 1000, hidden: 1000, spans: 1000, right: 1000 },
    { title: 'card number', n: 1000, hidden: 1000, spans: 1513, right: 1513 },
    { title: 'IMSI, IMEI or SIM number, bank account (IBAN)', n: 2000, hidden: 2000, spans: 1487, right: 1487 },
    { title: 'circuit or customer number', n: 1000, hidden: 1000, spans: 1002, right: 1002 },
    { title: 'street and house number', n: 2000, hidden: 1998, spans: 1998, right: 1998 },
    { title: 'postcode', n: 1000, hidden: 1000, spans: 1000, right: 1000 },
    { title: 'site code', n: 1000, hidden: 996, spans: 994, right: 994 },
    { title: 'phone number, with no word before it that says so', n: 1000, hidden: 676, spans: 676, right: 676 },
    {
      title: 'street and house number, with no word before it that says so',
      n: 1000,
      hidden: 672,
      spans: 674,
      right: 674,
    },
  ],
};
