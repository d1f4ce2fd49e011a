/**
 * Removes what identifies people, customers and machines from ticket text. One row per kind; a row is a pattern, a
 * placeholder and, where a pattern alone would also hit dates, versions or alarm names, a validator.
 *
 * Every pattern runs in linear time: a match begins only where a token begins (look-behind), or every repetition is
 * bounded, so a hostile text of a megabyte costs milliseconds.
 */

export const REDACTION_KINDS = [
  'url',
  'email',
  'secret',
  'mac',
  'ipv6',
  'ipv4',
  'phone',
  'subscriber',
  'circuit',
  'host',
  'person',
] as const;
export type RedactionKind = (typeof REDACTION_KINDS)[number];

export interface RedactionSpan {
  kind: RedactionKind;
  /** UTF-16 offsets in the text as it came. */
  start: number;
  end: number;
}

export interface Redaction {
  text: string;
  counts: Partial<Record<RedactionKind, number>>;
  /** In order of `start`, without overlap. */
  spans: RedactionSpan[];
}

interface Row {
  kind: RedactionKind;
  title: string;
  /** Where a pattern has a group, only what the group matched is hidden; the group stands at the match's end. */
  patterns: readonly RegExp[];
  /** `before`: up to 24 characters in front of the hidden part. */
  valid?: (hidden: string, before: string) => boolean;
}

export const placeholder = (kind: RedactionKind) => `[${kind}]`;

const digits = (text: string) => text.replace(/\D/g, '').length;

const VERSION_WORD = /(?:\bv|\b(?:ver|version|release|rel|firmware|fw|sw|software|build|patch|os|ios|junos))[\s.:=]*$/i;

function isIpv4(text: string, before: string): boolean {
  const octets = text.split(/[/:]/, 1)[0]?.split('.') ?? [];
  return octets.every((octet) => Number(octet) <= 255) && !VERSION_WORD.test(before);
}

/** Eight groups, or fewer with one "::"; "::1", times and the "::" of programming languages are not addresses. */
function isIpv6(text: string): boolean {
  const address = text.split(/[/%]/, 1)[0] ?? '';
  const halves = address.split('::');
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const wellFormed = groups.every((group, i) =>
    group.includes('.') ? i === groups.length - 1 : /^[0-9a-f]{1,4}$/i.test(group),
  );
  const fits = halves.length === 1 ? groups.length === 8 : halves.length === 2 && groups.length <= 7;
  return wellFormed && fits && groups.join('').length >= 4;
}

const TOP_LEVEL = new Set(
  (
    'com net org edu gov mil int info biz io cloud online tech network telecom dev app arpa ' +
    'local lan corp internal intra intranet home localdomain priv'
  ).split(' '),
);
const FILE_ENDING = /\.(?:app|com|info|int|local)$/i;

/** Two letters at the end may be a country or the next word of a sentence: such names need a third label or a digit. */
function isHost(text: string): boolean {
  const labels = text.toLowerCase().split('.');
  const last = labels.at(-1) ?? '';
  if (labels.length === 2 && FILE_ENDING.test(text) && !/\.com$/i.test(text)) return /[\d-]/.test(text);
  if (TOP_LEVEL.has(last)) return true;
  const country = last.length === 2 && /^[a-z]+$/.test(last);
  return country && labels.every((label) => label.length > 1) && (labels.length > 2 || /\d/.test(labels[0] ?? ''));
}

const ROLE =
  /^(?:rtr|router|sw|switch|fw|srv|server|host|gw|core|edge|agg|pe|ce|bng|olt|dslam|msan|asr|mx|vm|db|dns|ns|web|app)\d*$/i;
const isDeviceName = (text: string) => /\d/.test(text) && text.split('-').some((part) => ROLE.test(part));

/** Teams and forms of address: words that follow a greeting or a closing and name nobody. */
const NOBODY = new RegExp(
  '\\b(?:' +
    'all|admins?|business|cent(?:er|re)|change|colleagues?|communications?|customers?|cheers|clients?|dear|department|' +
    'desk|engineering|everyone|folks|global|group|help|hello|hi|inc|it|limited|ltd|madam|maintenance|management|network|' +
    'networks|noc|notice|operations?|partners?|planned|please|regards|service|services|sir|sirs|support|team|telecom|' +
    'thanks?|the|there|this|user|users|valued|we|you|your' +
    ')\\b',
  'iu',
);

/** The part of a name after the first letter; bounded, so that a long run of letters is no name. */
const NAME = "\\p{Lu}[\\p{L}'’.-]{1,24}";
const FULL_NAME = `${NAME}(?:[ \\t]{1,2}(?:${NAME}|\\p{Lu}\\.?(?![\\p{L}]))){0,3}`;
const CLOSING =
  '(?:(?:best|kind|warm|many|with)[ \\t]+)?(?:regards|wishes|greetings|thanks|thank you|thx|cheers|br|rgds|sincerely|' +
  'yours truly|mfg|mit freundlichen grüßen|cordialement|saludos)';

/** Letter case is free in the closing only: a name is known by its capitals. Escapes such as \\t stay as they are. */
const freeCase = (pattern: string) =>
  pattern.replace(/(?<!\\)[a-zü]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);

/** Order matters: a host inside a URL or an e-mail address is part of that. */
const TABLE: readonly Row[] = [
  {
    kind: 'url',
    title: 'web address',
    patterns: [
      /(?<![\p{L}\p{N}])(?:https?|s?ftp|ssh|telnet|wss?|file|ldaps?|tftp):\/\/[^\s<>"'()[\]{}\0]+/giu,
      /(?<![\p{L}\p{N}.])www\.[^\s<>"'()[\]{}\0]+/giu,
    ],
  },
  {
    kind: 'email',
    title: 'e-mail address',
    patterns: [
      /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]+@(?:[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,20}|\p{L}[\p{L}\p{N}-]{1,62})/gu,
    ],
  },
  {
    kind: 'secret',
    title: 'password or key',
    patterns: [
      /\b(?:password|passwd|passphrase|pwd|api[ _-]?key|access[ _-]?token|auth[ _-]?token|secret|community)[ \t]{0,4}[:=][ \t]{0,4}([^\s[\]\0]+)/gi,
    ],
  },
  {
    kind: 'mac',
    title: 'MAC address',
    patterns: [
      /(?<![\w:-])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])/gi,
      /(?<![\w:-])(?:[0-9a-f]{2}-){5}[0-9a-f]{2}(?![\w-])/gi,
      /(?<![\w.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.]?\w)/gi,
    ],
    valid: (text) => /\d/.test(text) || /[:-]/.test(text),
  },
  {
    kind: 'ipv6',
    title: 'IPv6 address',
    patterns: [/(?<![\w:.])[0-9a-f:]{2,39}(?:\d\.\d{1,3}\.\d{1,3}\.\d{1,3})?(?:%\w{1,16})?(?:\/\d{1,3})?(?![\w:])/gi],
    valid: isIpv6,
  },
  {
    kind: 'ipv4',
    title: 'IPv4 address',
    patterns: [/(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:\/\d{1,2}|:\d{2,5})?(?!\d|\.\d)/g],
    valid: isIpv4,
  },
  {
    kind: 'phone',
    title: 'phone number',
    patterns: [
      /(?<![\p{L}\p{N}+])\+\d(?:[ \t().-]{0,3}\/?\d){6,14}(?!\d)/gu,
      /(?<![\w+.\-/])(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w/]|[-.]\d)/g,
      /\b(?:tel|telephone|phone|mobile|mob|cell phone|fax|hotline|msisdn|call(?:back)?(?: (?:me|us))?(?: (?:at|on))?)\b[ \t]{0,4}(?:no|nr|number)?[.:]{0,2}[ \t]{0,4}(\(?\d(?:[ \t().-]{0,3}\/?\d){6,14})(?!\d)/gi,
    ],
    valid: (text) => digits(text) >= 7 && digits(text) <= 15 && !/\d{1,4}[./-]\d{1,2}[./-]\d{1,4} \d/.test(text),
  },
  {
    kind: 'subscriber',
    title: 'IMSI, IMEI or SIM number',
    patterns: [/(?<![\w.,+-])(?:\d{15}|\d{19,20})(?![\w-]|\.\d)/g],
  },
  {
    kind: 'circuit',
    title: 'circuit or customer number',
    patterns: [
      /\b(?:circuit|service|line|account|customer|contract|order)[ \t]{0,2}(?:id|identifier|no|nr|number|ref|reference)s?\b[\s:#.=()-]{1,12}([A-Z0-9](?:[\w./-]{2,48}\w))(?![^\s,;.)\]])/gi,
      /(?<![\w/-])(?:IC|CIR|CID|SID|CKT|CCT|EVC|VXC|SR|EP|UNI|NNI)[-_ ]?\d{4,12}(?!\w)/g,
      /(?<![\w/.-])[A-Z0-9]{1,12}(?:\/[A-Z0-9-]{1,16}){2,6}(?![\w/])/gi,
    ],
    valid: (text) => /\d{4}/.test(text) && (!text.includes('/') || (/\d{5}/.test(text) && /[a-z]/i.test(text))),
  },
  {
    kind: 'host',
    title: 'host name',
    patterns: [/(?<![\w.@-])[a-z0-9_][\w-]{0,62}(?:\.[a-z0-9_][\w-]{0,62}){1,12}(?![\w-]|\.\w)/gi],
    valid: isHost,
  },
  {
    kind: 'host',
    title: 'host name',
    patterns: [/(?<![\w.-])[a-z][a-z0-9]{0,20}(?:-[a-z0-9]{1,20}){2,7}(?![\w-])/gi],
    valid: isDeviceName,
  },
  {
    kind: 'host',
    title: 'host name',
    patterns: [/\bhost[ -]?name[ \t]{0,4}[:=][ \t]{0,4}([^\s,;[\]\0]{2,80})/gi],
  },
  {
    kind: 'person',
    title: 'name of a person',
    patterns: [
      // A closing that ends a line, then a line that is a name.
      new RegExp(
        `(?<![\\p{L}])${freeCase(CLOSING)}[ \\t]{0,4}[,.!-]{0,2}[ \\t]{0,4}\\r?\\n\\s{0,8}(${FULL_NAME})(?=[ \\t]{0,8}(?:\\r?\\n|[,|(]|$))`,
        'gu',
      ),
      // The same on one line, where a comma parts them, at the end of the text or line.
      new RegExp(
        `(?<![\\p{L}])${freeCase(CLOSING)}[ \\t]{0,4}[,!][ \\t]{0,4}(${FULL_NAME})(?=[ \\t.]{0,8}(?:\\r?\\n|$))`,
        'gu',
      ),
      new RegExp(`(?<![\\p{L}])(?:Mr|Mrs|Ms|Dr|Herr|Frau|Mme)\\.?[ \\t]{1,2}(${NAME}(?:[ \\t]${NAME}){0,2})`, 'gu'),
      new RegExp(`(?<![\\p{L}])(?:Dear|Hi|Hello|Hey)[ \\t]{1,2}(${NAME}(?:[ \\t]${NAME})?)(?=[ \\t]{0,2}[,!])`, 'gu'),
      new RegExp(
        `(?<![\\p{L}])${freeCase('(?:contact|caller|reported by|opened by|assigned to|requester|technician|engineer)')}(?:[ \\t]${freeCase('(?:name|person)')})?[ \\t]{0,4}[:=][ \\t]{0,4}(${FULL_NAME})`,
        'gu',
      ),
    ],
    valid: (text) => !NOBODY.test(text),
  },
];

/** Title of each kind, for people. */
export const REDACTION_TITLES = Object.fromEntries(TABLE.map(({ kind, title }) => [kind, title])) as Readonly<
  Record<RedactionKind, string>
>;

const PLACEHOLDERS = new RegExp(`\\[(?:${REDACTION_KINDS.join('|')})\\]`, 'g');
/** Stands for hidden text while searching: no pattern matches it, and offsets stay as they were. */
const HIDDEN = '\0';
/** Hiding one thing can uncover the start of another beside it; real text needs two rounds. */
const MAX_ROUNDS = 8;
const CONTEXT = 24;
/** Punctuation at the end of a web address belongs to the sentence. */
const TRAILING = /[.,;:!?]+$/;

/** Cheap test that lets most texts pass untouched: every row needs one of these. */
const SUSPICIOUS = /[@\d:]|www\.|\.[a-z]|\p{Lu}\p{L}/iu;

function hide(text: string, spans: readonly { start: number; end: number }[]): string {
  let out = '';
  let at = 0;
  for (const { start, end } of spans) {
    out += text.slice(at, start) + HIDDEN.repeat(end - start);
    at = end;
  }
  return out + text.slice(at);
}

function search(work: string, { kind, valid }: Row, pattern: RegExp): RedactionSpan[] {
  const found: RedactionSpan[] = [];
  // Not matchAll: it clones the pattern, which costs more than the search on a short text.
  pattern.lastIndex = 0;
  for (let match = pattern.exec(work); match; match = pattern.exec(work)) {
    const end = match.index + match[0].length;
    const hidden = kind === 'url' ? match[0].replace(TRAILING, '') : (match[1] ?? match[0]);
    const start = kind === 'url' ? match.index : end - hidden.length;
    if (!valid || valid(hidden, work.slice(Math.max(0, start - CONTEXT), start)))
      found.push({ kind, start, end: start + hidden.length });
  }
  return found;
}

/** Hides every kind of the table. Doing it twice changes nothing. Time is linear in the text's length. */
export function redact(text: string): Redaction {
  if (!SUSPICIOUS.test(text)) return { text, counts: {}, spans: [] };
  const old = Array.from(text.matchAll(PLACEHOLDERS), (m) => ({ start: m.index, end: m.index + m[0].length }));
  let work = hide(text, old);
  const spans: RedactionSpan[] = [];
  for (let round = 0, before = -1; round < MAX_ROUNDS && spans.length > before; round++) {
    before = spans.length;
    for (const row of TABLE)
      for (const pattern of row.patterns) {
        const found = search(work, row, pattern);
        if (found.length === 0) continue;
        work = hide(work, found);
        for (const span of found) spans.push(span);
      }
  }
  spans.sort((a, b) => a.start - b.start);
  const counts: Redaction['counts'] = {};
  let out = '';
  let at = 0;
  for (const { kind, start, end } of spans) {
    counts[kind] = (counts[kind] ?? 0) + 1;
    out += text.slice(at, start) + placeholder(kind);
    at = end;
  }
  return { text: out + text.slice(at), counts, spans };
}
