import { canonicalJson, type Json } from '../core/canonical';
import { stateEstimate, stateNumber } from '../core/digits';
import { JoulewiseError } from '../core/errors';
import { fromLogByte, fromText } from '../core/log-bytes';
import { withinHalf } from '../rank/evidence';
import { parseRecord } from '../schema/record';
import {
  RESULT_LIMITS,
  SharedRecipe,
  SharedResult,
  type SharedRecipeRecord,
  type SharedResultRecord,
  type VariantResult,
} from '../schema/result';
import type { PlanRecord } from '../schema/plan';
import { TASKS } from '../schema/run';
import { METRICS } from '../score/metrics';
import { ALPHABET, deflate, fromBase64Url, inflate, toBase64Url } from './bytes';
import { shorten, restore } from './shorten';
import { withoutPhrases, withPhrases } from './phrases';

/** `e3.` + base64url(deflate-raw(canonical JSON of the packed record, common phrases shortened)). */
const CODEC = 'e3';
/** Links of these are read. */
const KNOWN: readonly string[] = ['e1', 'e2', CODEC];

/** Longest link, in characters, and longest JSON that one may inflate to, in bytes. */
export const MAX_LINK = 64 * 1024;
const MAX_JSON = 1024 * 1024;
/** Brackets open at once; our own links have fewer than ten. */
const MAX_NESTING = 64;

export type SharedRecord = SharedResultRecord | SharedRecipeRecord;

const isNumberOrNull = (value: Json | undefined) => value === null || typeof value === 'number';

/** An estimate or a range, which is rounded as one. */
const isEstimate = (value: Record<string, Json>): value is { low: number | null; mid: number; high: number | null } =>
  typeof value['mid'] === 'number' && isNumberOrNull(value['low']) && isNumberOrNull(value['high']);

function roundJson(value: Json): Json {
  if (typeof value === 'number') return stateNumber(value);
  if (Array.isArray(value)) return value.map(roundJson);
  if (typeof value !== 'object' || value === null) return value;
  return isEstimate(value)
    ? stateEstimate(value)
    : Object.fromEntries(Object.entries(value).map(([key, v]) => [key, roundJson(v)]));
}

/** A record as plain JSON: validated records hold nothing else. */
const asJson = (record: SharedRecord) => JSON.parse(canonicalJson(record)) as Json;

interface Kind {
  parse: (input: unknown) => SharedRecord;
  prepare: (json: Json) => Json;
}

/** One row per kind of link. A recipe's numbers (its seed) must arrive exactly; a result's are stated (`core/digits.ts`). */
const KINDS: Readonly<Record<SharedRecord['kind'], Kind>> = {
  result: { parse: (input) => parseRecord(SharedResult, input), prepare: roundJson },
  recipe: { parse: (input) => parseRecord(SharedRecipe, input), prepare: (json) => json },
};

const isKind = (kind: unknown): kind is keyof typeof KINDS => typeof kind === 'string' && Object.hasOwn(KINDS, kind);

/** What a link of this result will say: its numbers rounded. */
export const roundResult = (record: SharedResultRecord): SharedResultRecord =>
  parseRecord(SharedResult, roundJson(asJson(record)));

/**
 * The text after `#` in `/r#...`. Equal records give equal links.
 * @throws record.invalid where the record breaks its schema; link.too-large beyond MAX_LINK characters
 */
export async function encodeLink(record: SharedRecord): Promise<string> {
  const { parse, prepare } = KINDS[record.kind];
  const json = canonicalJson(shorten(withoutPhrases(prepare(asJson(parse(record))))));
  const text = `${CODEC}.${toBase64Url(await deflate(new TextEncoder().encode(json)))}`;
  if (text.length > MAX_LINK)
    throw new JoulewiseError(
      'link.too-large',
      'This is too much for a link. Share fewer variants, or download a file.',
    );
  return text;
}

const COUNTS = new Set(METRICS.filter((m) => m.inRho).map((m) => `${m.task}.${m.name}`));

/** Which metrics stay in a link, from most to fewest; quality itself, with its interval, always does. */
const KEPT_METRICS = {
  all: () => true,
  // What the answer is decided by always stays.
  counted: (name: string) => COUNTS.has(name),
} satisfies Record<string, (name: string) => boolean>;

export type KeptMetrics = keyof typeof KEPT_METRICS;

/**
 * `encodeLink` of a result, with no more metrics than fit into `longest` characters: mail and chat cut long links. What
 * stayed behind is told. Where even those that count would not do, all of them go.
 */
export async function encodeShort(
  record: SharedResultRecord,
  longest: number,
): Promise<{ link: string; metrics: KeptMetrics }> {
  for (const metrics of ['all', 'counted'] as const) {
    const variants = record.variants.map((v) => ({
      ...v,
      metrics: Object.fromEntries(Object.entries(v.metrics).filter(([name]) => KEPT_METRICS[metrics](name))),
    }));
    const link = await encodeLink({ ...record, variants });
    if (link.length <= longest) return { link, metrics };
  }
  return { link: await encodeLink(record), metrics: 'all' };
}

const damaged = (cause?: unknown) =>
  new JoulewiseError('link.invalid', 'This link is damaged or cut off. Ask for it again.', { cause });

/** Splits `e3.payload`, from a whole URL or from its fragment alone. */
function payloadOf(text: string): { codec: string; payload: string } {
  if (text.length > MAX_LINK)
    throw new JoulewiseError('link.too-large', `This link is longer than ${MAX_LINK} characters, so it is not read.`);
  const fragment = text.slice(text.indexOf('#') + 1).trim();
  const [, codec, payload] = /^(e\d{1,4})\.(.*)$/s.exec(fragment) ?? [];
  if (codec === undefined || payload === undefined)
    throw new JoulewiseError('link.invalid', 'This is not a Joulewise link: it should have "#e3." in it.');
  if (!KNOWN.includes(codec))
    throw new JoulewiseError('link.newer', 'This link was made by a newer Joulewise. Reload the page to get that one.');
  if (payload === '' || !ALPHABET.test(payload)) throw damaged();
  return { codec, payload };
}

/** Whether brackets outside strings nest no deeper than MAX_NESTING: a parser may recurse. One pass, no backtracking. */
function isShallow(json: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const character = json.charAt(i);
    if (inString && character === '\\') i++;
    else if (character === '"') inString = !inString;
    else if (inString) continue;
    else if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (depth > MAX_NESTING) return false;
  }
  return true;
}

async function jsonOf(payload: string): Promise<Json> {
  let inflated: Uint8Array<ArrayBuffer> | null;
  try {
    inflated = await inflate(fromBase64Url(payload), MAX_JSON);
  } catch (cause) {
    throw damaged(cause);
  }
  if (!inflated)
    throw new JoulewiseError('link.too-large', 'This link unfolds into more than a megabyte, so it is not read.');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(inflated);
    if (!isShallow(text)) throw damaged();
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw damaged(cause);
  }
}

/** Upgrades step by step and validates. An upgrader that stumbles over a malformed old record is the link's fault. */
function recordOf(json: Json): SharedRecord {
  const kind = typeof json === 'object' && json !== null && !Array.isArray(json) ? json['kind'] : undefined;
  if (!isKind(kind)) throw damaged();
  try {
    return KINDS[kind].parse(json);
  } catch (error) {
    if (!(error instanceof JoulewiseError)) throw damaged(error);
    throw error.code === 'record.newer' ? new JoulewiseError('link.newer', error.message, { cause: error }) : error;
  }
}

/**
 * Reads a link from anyone: length cap, alphabet, inflate with a cap, parse, unfold with a cap, upgrade, validate.
 * Strings in the result are data: show them as text.
 * @param text a whole URL, `#e2....` or `e2....`
 * @throws link.too-large, link.invalid, link.newer, record.invalid
 */
export async function decodeLink(text: string): Promise<SharedRecord> {
  const { codec, payload } = payloadOf(text);
  const json = restore(await jsonOf(payload));
  return recordOf(codec === CODEC ? withPhrases(json) : json);
}

export type SharedMeta = Omit<SharedResultRecord, 'v' | 'kind' | 'variants'>;

const clip = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 3)}...` : text);

const clipVariant = (result: VariantResult, evidence: boolean): VariantResult => ({
  ...result,
  variant: clip(result.variant, RESULT_LIMITS.name),
  kernel: clip(result.kernel, RESULT_LIMITS.sentence),
  latency: timed(result.latency),
  // Its ends are the evidence's half-widths (`openedResults`).
  energy: result.energy && evidence ? { ...result.energy, low: null, high: null } : result.energy,
  metrics: Object.fromEntries(Object.entries(result.metrics).slice(0, RESULT_LIMITS.metrics)),
  fallbacks: result.fallbacks.slice(0, RESULT_LIMITS.fallbacks).map((text) => clip(text, RESULT_LIMITS.sentence)),
});

/** Seconds without their interval, which nothing reads. */
const timed = (latency: VariantResult['latency']) =>
  latency && { ...latency, mid: Number(latency.mid.toPrecision(3)), low: null, high: null };

/** A record to share: texts and lists cut to what a link may carry, and nothing that is not in the schema. */
export function toShared(results: readonly VariantResult[], meta: SharedMeta): SharedResultRecord {
  const name = (text: string) => clip(text, RESULT_LIMITS.name);
  const { device } = meta;
  return parseRecord(SharedResult, {
    v: 4,
    kind: 'result',
    ...meta,
    device: {
      name: name(device.name),
      profile: name(device.profile),
      browser: device.browser === null ? null : name(device.browser),
    },
    checkpoint: name(meta.checkpoint),
    dataset: name(meta.dataset),
    variants: results.slice(0, RESULT_LIMITS.variants).map((result) => clipVariant(result, meta.evidence !== null)),
  });
}

/** Results as the page that made them had them: the ends of their joules come back from the evidence. */
export function openedResults({ variants, evidence }: SharedResultRecord): VariantResult[] {
  const halves = evidence ? fromText(evidence.energyHalf) : [];
  return variants.map((variant, i) =>
    variant.energy && evidence
      ? { ...variant, energy: withinHalf(variant.energy, fromLogByte(halves[i] ?? 255)) }
      : variant,
  );
}

/**
 * A stored plan as a link carries it. A prompt of one's own may be confidential, so its words stay behind unless they
 * are asked for; which tasks had one is told.
 */
export function toRecipe(
  { v: _, checkpoint, templates = {}, ...plan }: PlanRecord,
  o: { prompts: boolean },
): SharedRecipeRecord {
  const own = TASKS.filter((task) => templates[task]);
  const record = { v: 3, kind: 'recipe', checkpoint } as const;
  if (own.length === 0) return { ...record, plan };
  return o.prompts ? { ...record, plan: { ...plan, templates } } : { ...record, plan, withheld: own };
}
