/** Values of Parquet as text: every type, at any depth, with its digits as they were written. */
import type { SchemaElement, SchemaTree } from 'hyparquet';
import { parseKept } from './json';

/** How the library is kept from rounding or refusing a leaf; `textOf` reads what then comes raw. */
type Raw = (value: unknown, element: SchemaElement) => string | null;

const bigOf = (value: unknown): bigint | null => {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  if (!(value instanceof Uint8Array)) return null;
  let big = 0n;
  for (const byte of value) big = (big << 8n) | BigInt(byte);
  return value.length === 0 ? 0n : BigInt.asIntN(8 * value.length, big);
};

/** Of the unscaled integer: a decimal of any width keeps its zeros. */
const decimal: Raw = (value, { scale = 0 }) => {
  const big = bigOf(value);
  if (big === null) return null;
  const digits = (big < 0n ? -big : big).toString().padStart(scale + 1, '0');
  const at = digits.length - scale;
  return `${big < 0n ? '-' : ''}${digits.slice(0, at)}${scale > 0 ? `.${digits.slice(at)}` : ''}`;
};

/** Months, days and milliseconds, as ISO 8601 writes durations. */
const interval: Raw = (value) => {
  if (!(value instanceof Uint8Array) || value.length < 12) return null;
  const view = new DataView(value.buffer, value.byteOffset, 12);
  const [months, days, ms] = [0, 4, 8].map((at) => view.getUint32(at, true)) as [number, number, number];
  return `P${months > 0 ? `${months}M` : ''}${days > 0 || months + ms === 0 ? `${days}D` : ''}${ms > 0 ? `T${ms / 1000}S` : ''}`;
};

const RAW: Readonly<Record<string, Raw>> = {
  DECIMAL: decimal,
  INTERVAL: interval,
  BSON: (value) => bytesText(value as Uint8Array),
};

/** The leaves that `textOf` reads itself. Takes the types off the schema, so that the library gives them raw. */
export function takeRaw(schema: readonly SchemaElement[]): Map<SchemaElement, Raw> {
  const raw = new Map<SchemaElement, Raw>();
  for (const element of schema) {
    const reader = RAW[element.converted_type ?? element.logical_type?.type ?? ''];
    if (!reader) continue;
    delete element.converted_type;
    delete element.logical_type;
    raw.set(element, reader);
  }
  return raw;
}

/** What is no text is shown by its first bytes. */
const SHOWN_BYTES = 32;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000e-\u001f]/;

function bytesText(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!CONTROL.test(text)) return text;
  } catch {
    // Shown as hexadecimal digits.
  }
  const hex = Array.from(bytes.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `0x${hex}${bytes.length > SHOWN_BYTES ? '...' : ''}`;
}

/** The fewest digits that give the same single-precision number: 1.1, not 1.10000002384. */
function singleText(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

const PER_SECOND: Readonly<Record<string, bigint>> = { MILLIS: 1000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n };

/** A time of day, from units since midnight. */
function timeText(value: bigint, unit: string): string {
  const per = PER_SECOND[unit] ?? 1000n;
  const seconds = value / per;
  const part = (n: bigint) => n.toString().padStart(2, '0');
  const rest = (value % per)
    .toString()
    .padStart(per.toString().length - 1, '0')
    .replace(/0+$/, '');
  return `${part(seconds / 3600n)}:${part((seconds / 60n) % 60n)}:${part(seconds % 60n)}${rest === '' ? '' : `.${rest}`}`;
}

function leafText(value: unknown, element: SchemaElement): unknown {
  const { converted_type: converted, logical_type: logical } = element;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return bytesText(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (
    (typeof value === 'bigint' || typeof value === 'number') &&
    (logical?.type === 'TIME' || converted?.startsWith('TIME_M'))
  )
    return timeText(BigInt(value), logical?.type === 'TIME' ? logical.unit : (converted?.slice('TIME_'.length) ?? ''));
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return element.type === 'FLOAT' ? singleText(value) : String(value);
  if (typeof value === 'string' && (converted === 'JSON' || logical?.type === 'JSON')) return jsonValue(value);
  return value;
}

function jsonValue(text: string): unknown {
  try {
    return parseKept(text);
  } catch {
    return text;
  }
}

const isList = ({ element }: SchemaTree) => element.converted_type === 'LIST' || element.logical_type?.type === 'LIST';
const isMap = ({ element }: SchemaTree) => element.converted_type === 'MAP' || element.logical_type?.type === 'MAP';

/** What the items of a list are: the standard has three levels, older writers two, and a repeated field is its own item. */
function itemOf(node: SchemaTree): SchemaTree {
  const [repeated] = node.children;
  if (!isList(node) || !repeated) return node;
  return repeated.children.length === 1 ? (repeated.children[0] as SchemaTree) : repeated;
}

/** A value with all numbers, times, decimals and bytes in it as text; null where it says nothing. */
export function textOf(value: unknown, node: SchemaTree | undefined, raw: ReadonlyMap<SchemaElement, Raw>): unknown {
  if (value === null || value === undefined || !node) return value ?? null;
  const reader = raw.get(node.element);
  if (Array.isArray(value)) return value.map((item) => textOf(item, itemOf(node), raw));
  if (reader) return reader(value, node.element);
  if (typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array)
    return leafText(value, node.element);
  const inner = isMap(node) ? node.children[0]?.children[1] : undefined;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      textOf(item, inner ?? node.children.find(({ element }) => element.name === name) ?? node, raw),
    ]),
  );
}
