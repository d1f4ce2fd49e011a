/** What redaction hid of labelled sentences. Written by `npm run bench -- --part redaction`; never by hand. */
export const MEASURED: {
  date: string;
  sentences: number;
  kinds: readonly { title: string; n: number; recall: number; precision: number | null }[];
} = {
  date: '2026-11-30',
  sentences: 11600,
  kinds: [
    { title: 'name of a person', n: 5200, recall: 0.95, precision: 1 },
    { title: 'name in a script without capitals', n: 1300, recall: 0.956, precision: 1 },
    { title: 'e-mail address', n: 400, recall: 1, precision: 1 },
    { title: 'phone number', n: 200, recall: 0.98, precision: 1 },
    { title: 'IPv4 address', n: 200, recall: 1, precision: 1 },
    { title: 'IPv6 address', n: 200, recall: 1, precision: 1 },
    { title: 'MAC address', n: 200, recall: 1, precision: 1 },
    { title: 'web address', n: 200, recall: 0.975, precision: 1 },
    { title: 'host name', n: 200, recall: 0.995, precision: 1 },
    { title: 'card number', n: 200, recall: 1, precision: 1 },
    { title: 'IMSI, IMEI or SIM number, bank account (IBAN)', n: 400, recall: 1, precision: 1 },
    { title: 'circuit or customer number', n: 200, recall: 1, precision: 1 },
    { title: 'street and house number', n: 400, recall: 0.93, precision: 1 },
    { title: 'postcode', n: 200, recall: 1, precision: 1 },
    { title: 'site code', n: 200, recall: 1, precision: 1 },
  ],
};
