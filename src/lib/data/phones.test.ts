import { describe, expect, it } from 'vitest';
import { redact } from './redact';

const HIDDEN = [
  ['call +49 (0)30 1234567 now', 'call [phone 1] now'],
  ['+49 30/123 45-67', '[phone 1]'],
  ['Tel. 0171/1234567', 'Tel. [phone 1]'],
  ['reach him under 0171 1234567.', 'reach him under [phone 1].'],
  ['(555) 123-4567 x89', '[phone 1]'],
  ['555-123-4567 ext. 12, then 1-555-123-4567', '[phone 1], then [phone 2]'],
  ['00 48 22 123 45 67', '[phone 1]'],
  ['0049 (0)30 1234567', '[phone 1]'],
  ['dial 0048221234567', 'dial [phone 1]'],
  ['joignable au 06 12 34 56 78', 'joignable au [phone 1]'],
  ['06.12.34.56.78 le soir', '[phone 1] le soir'],
  ['móvil: 612 345 678', 'móvil: [phone 1]'],
  ['tel. kom. 601-234-567', 'tel. kom. [phone 1]'],
  ['cell. 333 1234567', 'cell. [phone 1]'],
  ['Mobiel: 06-12345678', 'Mobiel: [phone 1]'],
  ['8 (901) 099-37-30', '[phone 1]'],
  ['Phone: 030 123456 Durchwahl 42', 'Phone: [phone 1]'],
  ['mob 07700 900123', 'mob [phone 1]'],
  ['020 7946 0958', '[phone 1]'],
  ['call back on 563846', 'call back on [phone 1]'],
  ['call back on 53 00 23 47', 'call back on [phone 1]'],
] as const;

const KEPT = [
  'ge-0/0/1, xe-1/2/3, Gi1/0/24, 0/1/3/12, TenGigE0/0/0/1.100',
  'firmware 04.12.34.56.78, SW 05-31-2040',
  'Customer called 2023-05-02, 02.05.2023 and 2023/05/02 10:15',
  'access 0800-1700, 08.00-17.30, call between 0900 - 1730',
  'call back on 240502',
  'alarm id 0203 4366 3992, part no 02-3110-4455, P/N 0203-4366-01',
  'GSM 900/1800 and LTE 800/1800/2600, cell 1234567',
  'slot 3/port 12, shelf 1 slot 0 port 15, rack 12-14',
  'TT#(00123456), ID 00123456789012',
  'counters 0000 0012 3456, bytes 02 00 00 00',
  '601 234 567 packets, 1 234 567 890 bytes',
  'commit cb010744cc98f651, cb6337329d3c858c',
  '02-687535-fix.patch, version 1:10~+20191229111838',
];

describe('phone numbers', () => {
  it.each(HIDDEN)('hides: %s', (text, hidden) => expect(redact(text).text).toBe(hidden));
  it.each(KEPT)('keeps: %s', (text) => expect(redact(text).text).toBe(text));

  it('takes ranges of addresses for addresses', () =>
    expect(redact('10.0.0.1-10.0.0.20, 10.0.0.1 - 10.0.0.20 and 172.16.0.0/12').counts).toEqual({ ipv4: 5 }));
});
