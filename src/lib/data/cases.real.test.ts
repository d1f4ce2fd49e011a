import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { JoulewiseError } from '../core/errors';
import { importDataset, type ImportReport } from './import';
import { bytesSource } from './testing';

const folder = new URL('../../../../shared/cases/', import.meta.url);
const missing = !existsSync(folder);
if (missing) console.warn('Skipped: ../shared/cases is absent, so the importer is not tried on real situations.');

/** Three causes of the usual sixty tickets, as most cases hold them. */
const USUAL = { 'Fibre cut': 22, 'Configuration error': 20, 'Power failure': 18 };

interface Right {
  kept?: number;
  /** Causes with their tickets; a number where only how many causes is meant. */
  classes?: Readonly<Record<string, number>> | number;
  text?: string;
  /** What must be said. */
  says?: RegExp;
  /** Groups of tickets that belong together. */
  groups?: number;
}

const usual = (more: Right = {}): Right => ({ kept: 60, classes: USUAL, ...more });
const three = (more: Right = {}): Right => ({ kept: 3, classes: { optic: 1, bgp: 1, power: 1 }, ...more });

/** What is right for each case that differs from the usual one, by its folder and, where it holds several, by its file. */
const RIGHT: Readonly<Record<string, Right>> = {
  'csv-traps': three(),
  'parquet-types/duckdb.parquet': { kept: 3, classes: { 1: 2, 2: 1 } },
  'parquet-types/duckdb-interval.parquet': { kept: 3, classes: { 1: 2, 2: 1 } },
  'parquet-types/duckdb-v2-zstd.parquet': { kept: 3, classes: { 1: 2, 2: 1 } },
  'parquet-types/polars.parquet': { kept: 3, classes: { optic: 2, bgp: 1 } },
  'parquet-types/pyarrow.parquet': { kept: 3, classes: { 0: 2, 1: 1 } },
  'd03-semicolon-decimal-comma': usual(),
  'd05-cp1250': { kept: 60, classes: 3, says: /not valid UTF-8/ },
  'd06-cp1251': { kept: 60, classes: 3, says: /not valid UTF-8/ },
  'd07-shiftjis': { kept: 60, classes: 3, says: /not valid UTF-8/ },
  'd08-preamble': usual({ says: /column names stand in row 4/ }),
  'd10-backslash-quotes': usual({ text: 'Alarm "LOS, near end" raised' }),
  'd14-datasets-server': usual({ says: /"rows" \(60\), not from "features"/ }),
  'd15-zendesk-users-first': usual({ says: /"tickets" \(60\), not from "users"/ }),
  'd18-bigint-cause': {
    kept: 60,
    classes: { '9007199254740992': 22, '9007199254740993': 18, '9007199254740994': 20 },
  },
  'd22-na-class': { kept: 60, classes: { NA: 22, APAC: 20, EMEA: 18 }, says: /"NA" \(22 tickets\)/ },
  'd23-nfd-nfc': { kept: 60, classes: 2 },
  'd24-case-space-variants': { kept: 60, classes: 9, says: /would be 3 if merged/ },
  'd25-jira-repeat': { kept: 60, classes: 2 },
  'd26-unquoted-commas': usual({ says: /42 rows have more cells/ }),
  'd33-odata': usual({ says: /one page of several/ }),
  'd37-single-object-result': { kept: 1 },
  'd39-servicenow-api-one-line-large': { kept: 780, classes: 3 },
  'd42-pandas-table-json-pretty': usual({ says: /not from "schema.fields"/ }),
  'd44-zendesk-users-first-pretty': usual({ says: /not from "users" \(12\)/ }),
  'd46-single-jsonl-line': { kept: 1 },
  'd49-bigint-jsonl-group': usual({ groups: 30 }),
  'd50-unquoted-rows-shift': usual({ says: /4 rows have more cells/ }),
  'd51-short-rows': { kept: 56, classes: 3, says: /4 rows have fewer cells/ },
  'd52-utf8-double-encoded': { kept: 60, classes: 2, says: /encoded twice/ },
  'd53-bool-cause-json': { kept: 60, classes: 3, says: /"1.0" and "1"/ },
  'd54-csv-in-utf16-no-bom': { kept: 60, classes: 2 },
  'd59-tsv-swallow': usual({ says: /plain signs/ }),
  'd60-csv-swallow': usual({ says: /plain signs/ }),
  'd71-phone-like-codes': { kept: 60, classes: 3 },
  'd72-ip-like-versions': { kept: 60, classes: 3 },
  'd73-long-number-codes': { kept: 60, classes: 3 },
  'd74-mac-like': { kept: 60, classes: 3 },
  'd76-email-teams': { kept: 60, classes: 3 },
  'd77-hosts': { kept: 60, classes: 3 },
  'd78-url': { kept: 60, classes: 3 },
  'd79-card-like': { kept: 60, classes: 3 },
  'd80-id-like': { kept: 60, classes: 3 },
  'd81-counters-point': { kept: 60, classes: 3, text: 'attenuation_db 2.1\nvoltage 46.5' },
  'd82-counters-comma': { kept: 60, classes: 3, text: 'attenuation_db 2,1\nvoltage 46,5' },
  'd83-counters-thousands': { kept: 60, classes: 3, text: 'attenuation_db 2.1\ncrc_errors 81,577' },
  'd84-counters-exp': { kept: 60, classes: 3, text: 'attenuation_db 2.10e+00\nvoltage -46.5' },
  'd85-mixed-host-causes': { kept: 60, classes: 3 },
  'e1-three-causes': { kept: 150, classes: 3 },
  'e2-thirty': { kept: 30, classes: 3, says: /are few/ },
  'e3-dominant': { kept: 200, classes: 3, says: /96 % of the tickets have the cause/ },
  'e4-variants': { kept: 150, classes: 12, says: /would be 3 if merged/ },
  'e5-sixty-causes': { kept: 360, classes: 60, says: /60 different causes/ },
  'e7-german': { kept: 119, classes: 3 },
  'e8-japanese': { kept: 119, classes: 3 },
  'e9-comma-causes': { kept: 120, classes: 3 },
  'e10-japanese-answers': { classes: 0 },
  'e11-english-answers': { kept: 120, classes: 0 },
  'p04-class-int64': {
    kept: 60,
    classes: { '9007199254740992': 22, '9007199254740993': 18, '9007199254740994': 20 },
  },
  'p05-class-float-nan': { kept: 38, classes: { 1: 18, 2: 20 } },
  'p10-decimal-class': { kept: 60, classes: { '1.10': 22, '1.20': 18, '10.00': 20 } },
  'p11-nulls-rowgroups': { kept: 46, classes: 3 },
};

const CASE = /^(?:[dep]\d|csv-traps|parquet-types)/;
const files = missing
  ? []
  : readdirSync(folder)
      .filter((name) => CASE.test(name))
      .flatMap((name) =>
        readdirSync(new URL(`${name}/`, folder))
          .filter((file) => !/^README|^expected/.test(file))
          .map((file) => [name, file] as const),
      );

/** Imports one file; redaction is as users have it where it is not said. */
function load(name: string, file: string, redact?: boolean) {
  const bytes = readFileSync(new URL(`${name}/${file}`, folder));
  const slice = (start: number, end: number) => Promise.resolve(Uint8Array.from(bytes.subarray(start, end)).buffer);
  return importDataset({ ...bytesSource(bytes, file), slice }, { seed: 1, ...(redact !== undefined && { redact }) });
}

const said = ({ format, rows, kept, dropped, mapping, classes, warnings }: ImportReport) =>
  `${format}, ${kept} of ${rows} kept (${Object.entries(dropped)
    .filter(([, n]) => n > 0)
    .map(([why, n]) => `${n} ${why}`)
    .join(
      ', ',
    )}), ${mapping.text.join('+')} -> ${mapping.cause ?? mapping.response}, ${classes.length} causes. ${warnings.join(' ')}`;

/** Classes that look like what is hidden, as a user sees them; what only looks so stays. */
const REDACTED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'd71-phone-like-codes': { '[phone 1]': 22, '[phone 2]': 18, '[phone 3]': 20 },
  'd72-ip-like-versions': { 'Firmware 10.2.0.1': 22, 'Firmware 10.2.0.7': 18, 'Firmware 10.2.1.4': 20 },
  'd73-long-number-codes': { 1000000000001: 22, 1000000000002: 18, 1000000000003: 20 },
  'd74-mac-like': { 'Card [mac 1]': 22, 'Card [mac 2]': 18, 'Card [mac 3]': 20 },
  'd76-email-teams': { '[email 1]': 22, '[email 2]': 18, '[email 3]': 20 },
  'd77-hosts': { '[host 1]': 22, '[host 2]': 18, '[host 3]': 20 },
  'd78-url': { '[url 1]': 22, '[url 2]': 18, '[url 3]': 20 },
  'd79-card-like': { '[card 1]': 22, '[card 2]': 18, '[card 3]': 20 },
  'd80-id-like': { 'CUST-100234': 22, 'CUST-100235': 18, 'SUB-998877': 20 },
  'd85-mixed-host-causes': { 'Configuration error': 22, '[host 1] failed': 15, '[host 2] failed': 23 },
};

const countsOf = ({ classes }: ImportReport) => Object.fromEntries(classes.map(({ cause, count }) => [cause, count]));

// Without redaction: that reading is right.
describe.skipIf(missing)('tickets of real situations', () => {
  it.each(files)('%s: %s', async (name, file) => {
    const right = RIGHT[`${name}/${file}`] ?? RIGHT[name] ?? usual();
    const { dataset, report } = await load(name, file, false).catch((error: unknown) => {
      throw error instanceof JoulewiseError ? new Error(`Refused: ${error.message}`) : error;
    });
    // JOULEWISE_CASES=1 lists what is right beside what is said now.
    if (process.env['JOULEWISE_CASES'])
      console.log(`${name}/${file}\n  right: ${JSON.stringify(right)}\n  now:   ${said(report)}`);
    if (right.kept !== undefined) expect(report.kept).toBe(right.kept);
    const classes = countsOf(report);
    if (typeof right.classes === 'number') expect(report.classes).toHaveLength(right.classes);
    else if (right.classes) expect(classes).toEqual(right.classes);
    if (right.text !== undefined) expect(dataset.tickets[0]?.text).toContain(right.text);
    if (right.says) expect(report.warnings.join('\n')).toMatch(right.says);
    if (right.groups !== undefined)
      expect(new Set(dataset.tickets.map(({ group }) => group).filter(Boolean)).size).toBe(right.groups);
  });
});

describe.skipIf(missing)('the same with redaction as users have it', () => {
  it.each(files)('%s: %s', async (name, file) => {
    const [plain, hidden] = [await load(name, file, false), await load(name, file)].map(({ report }) => report);
    expect(hidden?.kept).toBe(plain?.kept);
    // No two classes became one, and no class lost a ticket.
    expect(hidden?.classes.map(({ count }) => count)).toEqual(plain?.classes.map(({ count }) => count));
    expect(hidden?.warnings.join('\n')).not.toMatch(/Redaction made/);
    const right = REDACTED[name];
    if (right && hidden) expect(countsOf(hidden)).toEqual(right);
  });
});
