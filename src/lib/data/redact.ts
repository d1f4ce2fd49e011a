/**
 * Removes what identifies people, customers and machines from ticket text. A rule is a row: patterns, and where a pattern
 * alone would also hit dates, versions or alarm names, a validator. Each kind is a switch of its own.
 *
 * Every pattern runs in linear time: a match begins only where a token begins (look-behind), or every repetition is
 * bounded, so a hostile text of a megabyte costs milliseconds.
 */

import { ASKED_KINDS, REDACTION_KINDS, type RedactionKind } from './redaction-kinds';
import type { OwnWords } from './own-words';
import { NAMES_BEFORE, NAMES_BESIDE, UNCASED_BEFORE, UNCASED_BESIDE, nameLength, type Beside } from './people';
import { Placeholders } from './placeholders';
import { isCalledPhone, isDonePhone, isPhone, PHONES, PHONES_CALLED, PHONES_DONE } from './phones';
import { isLedPlace, isNamedPlace, isStreet, PLACES_BESIDE, POSTCODES, STREETS, STREETS_BESIDE } from './places';

export { ASKED_KINDS, REDACTION_KINDS, REDACTION_TITLES, type RedactionKind } from './redaction-kinds';

export interface RedactionSpan {
  kind: RedactionKind;
  /** UTF-16 offsets in the text as it came. */
  start: number;
  end: number;
  /** What stands there now: `[host 1]`. */
  placeholder: string;
}

/** Kind and UTF-16 offsets of what is to be hidden. */
type Found = Omit<RedactionSpan, 'placeholder'>;

export interface RedactOptions {
  /** Kinds that are not hidden; those of `ASKED_KINDS` by default. */
  off?: ReadonlySet<RedactionKind>;
  /** Words of the user's own that are hidden wherever they stand. */
  words?: OwnWords | null;
  /** Words of people who are known beforehand: of this ticket's other columns, and those found in it earlier. */
  people?: Set<string>;
  /** Numbers what is hidden; one object for all texts of a ticket. */
  placeholders?: Placeholders;
}

export interface Redaction {
  text: string;
  counts: Partial<Record<RedactionKind, number>>;
  /** In order of `start`, without overlap. */
  spans: RedactionSpan[];
}

interface Row {
  kind: RedactionKind;
  /** A cheap test that a text with such a thing passes; most texts fail most of them. */
  needs?: RegExp;
  /** Where a pattern has a group, only what the group matched is hidden; the group stands at the match's end. */
  patterns: readonly RegExp[];
  /** What is hidden stands behind something of any case. */
  beside?: readonly Beside[];
  /** How many of its characters are hidden; 0 = it is none. */
  length?: (hidden: string) => number;
  /** `before`: up to 24 characters in front of the hidden part. */
  valid?: (hidden: string, before: string) => boolean;
}

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
    'local lan corp internal intra intranet home localdomain priv рф укр срб ελ'
  ).split(' '),
);
const FILE_ENDING = /\.(?:app|com|info|int|local)$/i;

const FILES =
  /^(?:log|txt|xml|conf|config|cfg|ini|json|ya?ml|csv|tar|zip|tgz|bin|img|iso|exe|dll|bat|pdf|docx?|xlsx?|pptx?|png|jpe?g|pcap|html?|php|java|class|jar|sql|bak|old|tmp|out|err|service|spec)$/;

/** The check digit of payment cards (ISO/IEC 7812-1, Luhn). */
function isCard(text: string): boolean {
  const figures = text.replace(/\D/g, '');
  let sum = 0;
  for (let i = 0; i < figures.length; i++) {
    const digit = Number(figures[figures.length - 1 - i]) * (i % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return figures.length >= 13 && figures.length <= 19 && sum % 10 === 0;
}

/** The check of bank accounts (ISO 13616): letters are 10 to 35, the first four signs go last, the rest of 97 is 1. */
function isIban(text: string): boolean {
  const signs = text.replaceAll(' ', '');
  let rest = 0;
  for (const sign of signs.slice(4) + signs.slice(0, 4)) {
    const value = parseInt(sign, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return signs.length >= 15 && signs.length <= 34 && rest === 1;
}

/** Two letters at the end may be a country or the next word of a sentence: such names need a third label or a digit. */
function isHost(text: string): boolean {
  const labels = text.toLowerCase().split('.');
  const last = labels.at(-1) ?? '';
  if (labels.length === 2 && FILE_ENDING.test(text) && !/\.com$/i.test(text)) return /[\d-]/.test(text);
  if (TOP_LEVEL.has(last)) return true;
  // Any top-level domain, where three labels or more are no words alone and no name of a file.
  if (
    labels.length > 2 &&
    /^\p{L}{3,}$/u.test(last) &&
    !FILES.test(last) &&
    labels.some((l) => /\p{L}.*[\d-]|[\d-].*\p{L}/u.test(l))
  )
    return true;
  const country = last.length === 2 && /^[a-z]+$/.test(last);
  return country && labels.every((label) => label.length > 1) && (labels.length > 2 || /\d/.test(labels[0] ?? ''));
}

/** What a web address is made of: an apostrophe within a word, and brackets that are closed again. */
const URL_SIGN = `(?:[^\\s<>"'“”„«»()[\\]{}\\\\\\0]|'(?=\\p{L})|\\([^\\s<>"'()[\\]{}\\0]{0,100}\\))`;

/** A host's name or an IPv4 address before the path; behind the latter a digit is the length of a network's prefix. */
function isBareUrl(text: string): boolean {
  const [host = '', path = ''] = /^([^/]*)\/(.*)$/s.exec(text)?.slice(1) ?? [];
  const name = host.replace(/:\d+$/, '');
  return /^\d+(?:\.\d+){3}$/.test(name) ? isIpv4(name, '') && /^\p{L}/u.test(path) : isHost(name);
}

/** A site's code is no ticket's number and no protocol's. */
const NO_SITE =
  /^(?:INC|CHG|PRB|RITM|REQ|TASK|SCTASK|CS|SR|TT|WO|VLAN|AS|RFC|MTU|ISO|IEEE|HTTP|ERR|BER|DBM|UTC|GMT|SHA|AES|RSA|RAM|CPU|PID|TCP|UDP|PORT|ETH|GE|XE|TE|BGP|FE|ASN|QAM|CAT|USB|DS|STM|OC|OM)-?\d/;

const ROLE =
  /^(?:rtr|router|sw|switch|fw|srv|server|host|gw|core|edge|agg|pe|ce|bng|olt|dslam|msan|asr|mx|vm|db|dns|ns|web|app)\d*$/i;
const isDeviceName = (text: string) => /\d/.test(text) && text.split('-').some((part) => ROLE.test(part));

/** A number, or what says that a house has none. */
const ADDRESS_NEEDS = /\d|[sb]\/n|snc/i;
const PHONE_NEEDS = /\d[\d ()./-]{4}/;

/** Order matters: a host inside a URL or an e-mail address is part of that. */
const TABLE: readonly Row[] = [
  {
    kind: 'url',
    needs: /:\/\/|www\./i,
    patterns: [
      new RegExp(`(?<![\\p{L}\\p{N}])[a-z][a-z0-9+.-]{1,15}:\\/\\/(?:\\[[\\da-f:.%]{2,50}\\]${URL_SIGN}*|${URL_SIGN}+)`, 'giu'),
      new RegExp(`(?<![\\p{L}\\p{N}_.])www\\.[\\p{L}\\p{N}-]{1,63}\\.(?=[\\p{L}\\p{N}])${URL_SIGN}+`, 'giu'),
    ],
  }, // prettier-ignore
  {
    kind: 'email',
    needs: /@/,
    patterns: [
      // O'Neil@example.net and "o'neil"@example.net whole, and 'neil@example.net' without its quotes.
      /(?<![\p{L}\p{N}._%+-])(?:(?:[\p{L}\p{N}._%+-]{1,40}['’])?[\p{L}\p{N}._%+-]+|"[^"\s@\0]{1,64}")@(?:[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,20}|\p{L}[\p{L}\p{N}-]{1,62})/gu,
    ],
  },
  {
    // Without a scheme: a host or an address, and a path.
    kind: 'url',
    needs: /\.[\p{L}\p{N}-]+(?::\d+)?\//u,
    patterns: [
      new RegExp(`(?<![\\p{L}\\p{N}_.@/:\\\\-])[\\p{L}\\p{N}_][\\p{L}\\p{N}_-]{0,62}(?:\\.[\\p{L}\\p{N}_][\\p{L}\\p{N}_-]{0,62}){1,12}(?::\\d{2,5})?\\/${URL_SIGN}*`, 'giu'),
    ],
    valid: isBareUrl,
  }, // prettier-ignore
  {
    kind: 'secret',
    needs: /[:=]/,
    patterns: [
      /\b(?:password|passwd|passphrase|pwd|api[ _-]?key|access[ _-]?token|auth[ _-]?token|secret|community)[ \t]{0,4}[:=][ \t]{0,4}([^\s[\]\0]+)/gi,
    ],
  },
  {
    kind: 'mac',
    needs: /[\da-f]{2}[:-][\da-f]{2}[:-][\da-f]{2}|[\da-f]{4}\.[\da-f]{4}/i,
    patterns: [
      /(?<![\w:-])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])/gi,
      /(?<![\w:-])(?:[0-9a-f]{2}-){5}[0-9a-f]{2}(?![\w-])/gi,
      /(?<![\w.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.]?\w)/gi,
    ],
    valid: (text) => /\d/.test(text) || /[:-]/.test(text),
  },
  {
    kind: 'ipv6',
    needs: /:[\da-f]{0,4}:/i,
    patterns: [/(?<![\w:.])[0-9a-f:]{2,39}(?:\d\.\d{1,3}\.\d{1,3}\.\d{1,3})?(?:%\w{1,16})?(?:\/\d{1,3})?(?![\w:])/gi],
    valid: isIpv6,
  },
  {
    kind: 'ipv4',
    needs: /\d\.\d{1,3}\.\d/,
    patterns: [/(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:\/\d{1,2}|:\d{2,5})?(?!\d|\.\d)/g],
    valid: isIpv4,
  },
  {
    kind: 'account',
    needs: /[A-Z]{2}\d{2}/,
    patterns: [/(?<![\w-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w-])/g],
    valid: isIban,
  },
  {
    kind: 'card',
    needs: /\d[\d -]{11}/,
    patterns: [/(?<![\w.,+-])[2-6](?:[ -]?\d){12,18}(?![\w-]|\.\d)/g],
    valid: isCard,
  },
  {
    kind: 'subscriber',
    needs: /\d{6}/,
    patterns: [/(?<![\w.,+-])(?:\d{15}|\d{19,20}|\d{2}-\d{6}-\d{6}-\d)(?![\w-]|\.\d)/g],
  },
  { kind: 'phone', needs: PHONE_NEEDS, patterns: PHONES_CALLED, valid: isCalledPhone },
  { kind: 'phone', needs: PHONE_NEEDS, patterns: PHONES_DONE, valid: isDonePhone },
  { kind: 'phone', needs: PHONE_NEEDS, patterns: PHONES, valid: isPhone },
  {
    kind: 'circuit',
    needs: /\d{4}/,
    patterns: [
      /\b(?:circuit|service|line|account|customer|contract|order)[ \t]{0,2}(?:id|identifier|no|nr|number|ref|reference)s?\b[\s:#.=()-]{1,12}([A-Z0-9](?:[\w./-]{2,48}\w))(?![^\s,;.)\]])/gi,
      /(?<![\w/-])(?:IC|CIR|CID|SID|CKT|CCT|EVC|VXC|SR|EP|UNI|NNI)[-_ ]?\d{4,12}(?!\w)/g,
      /(?<![\w/.-])[A-Z0-9]{1,12}(?:\/[A-Z0-9-]{1,16}){2,6}(?![\w/])/gi,
    ],
    valid: (text) => /\d{4}/.test(text) && (!text.includes('/') || (/\d{5}/.test(text) && /[a-z]/i.test(text))),
  },
  {
    kind: 'host',
    needs: /[\p{L}\p{N}_]\.[\p{L}\p{N}_]/u,
    patterns: [
      /(?<![\p{L}\p{N}_.@-])[\p{L}\p{N}_][\p{L}\p{N}_-]{0,62}(?:\.[\p{L}\p{N}_][\p{L}\p{N}_-]{0,62}){1,12}(?![\p{L}\p{N}_-]|\.[\p{L}\p{N}_])/giu,
    ],
    valid: isHost,
  },
  {
    kind: 'host',
    needs: /\w-\w+-\w/,
    patterns: [/(?<![\w.-])[a-z][a-z0-9]{0,20}(?:-[a-z0-9]{1,20}){2,7}(?![\w-])/gi],
    valid: isDeviceName,
  },
  {
    kind: 'host',
    needs: /host/i,
    patterns: [/\bhost[ -]?name[ \t]{0,4}[:=][ \t]{0,4}([^\s,;[\]\0]{2,80})/gi],
  },
  // First where a word leads to an address, which tells where it begins.
  { kind: 'street', needs: ADDRESS_NEEDS, patterns: [], beside: [STREETS_BESIDE], valid: isLedPlace },
  { kind: 'street', needs: ADDRESS_NEEDS, patterns: STREETS, valid: isStreet },
  { kind: 'street', needs: /\d/, patterns: [], beside: [PLACES_BESIDE], valid: isNamedPlace },
  { kind: 'postcode', needs: /\d/, patterns: POSTCODES },
  {
    kind: 'site',
    needs: /[A-Z]{2}-?\d{3}/,
    patterns: [/(?<![\w/.-])(?:[A-Z]{2,4}-\d{3,5}[A-Z]?|[A-Z]{2,4}\d{3,5}[A-Z]?)(?![\w-]|\/\d|\.\d)/g],
    valid: (text) => !NO_SITE.test(text),
  },
  {
    kind: 'person',
    needs: /\p{Lu}/u,
    patterns: [],
    beside: NAMES_BESIDE,
    length: nameLength,
  },
  { kind: 'person', needs: /\p{Lu}/u, patterns: NAMES_BEFORE, length: nameLength },
  {
    kind: 'uncased',
    needs: /\p{Lo}/u,
    patterns: UNCASED_BEFORE,
    beside: UNCASED_BESIDE,
  },
];

/** Placeholders that stand in a text already: of this version, and of those that did not number them. */
const PLACEHOLDERS = new RegExp(`\\[(?:name|${REDACTION_KINDS.join('|')})(?: \\d{1,6})?\\]`, 'g');
/** Stands for hidden text while searching: no pattern matches it, and offsets stay as they were. */
const HIDDEN = '\0';
/** Hiding one thing can uncover the start of another beside it; real text needs two rounds. */
const MAX_ROUNDS = 8;
const CONTEXT = 24;
/** Punctuation at the end of a web address belongs to the sentence. */
const TRAILING = /[.,;:!?…’*]+$/;

/** Cheap test that lets most texts pass untouched: every row needs one of these. */
const SUSPICIOUS = /[@\d:]|www\.|\.[a-z]|\p{Lu}\p{L}|\p{Lo}/iu;

function hide(text: string, spans: readonly { start: number; end: number }[]): string {
  let out = '';
  let at = 0;
  for (const { start, end } of spans) {
    out += text.slice(at, start) + HIDDEN.repeat(end - start);
    at = end;
  }
  return out + text.slice(at);
}

function search(work: string, row: Row, pattern: RegExp): Found[] {
  const found: Found[] = [];
  // Not matchAll: it clones the pattern, which costs more than the search on a short text.
  pattern.lastIndex = 0;
  for (let match = pattern.exec(work); match; match = pattern.exec(work)) {
    const end = match.index + match[0].length;
    const hidden = row.kind === 'url' ? match[0].replace(TRAILING, '') : (match[1] ?? match[0]);
    take(work, row, row.kind === 'url' ? match.index : end - hidden.length, hidden, found);
  }
  return found;
}

/** In small letters, of the same length: one letter alone would become two. */
const inSmall = (text: string) => text.replaceAll('İ', 'I').toLowerCase();

/** The same behind something of any case; a name that is found may stand in front of the next. */
function searchBeside(work: string, small: string, row: Row, { front, then }: Beside): Found[] {
  const found: Found[] = [];
  front.lastIndex = 0;
  for (let match = front.exec(small); match; match = front.exec(small)) {
    then.lastIndex = match.index + match[0].length;
    const [all, hidden] = then.exec(work) ?? [];
    if (all === undefined || hidden === undefined) continue;
    const start = match.index + match[0].length + all.length - hidden.length;
    const end = take(work, row, start, hidden, found);
    if (end > 0) front.lastIndex = end;
  }
  return found;
}

/** Takes what is valid; where it ends, or 0. */
function take(work: string, { kind, valid, length }: Row, start: number, hidden: string, found: Found[]): number {
  if (valid && !valid(hidden, work.slice(Math.max(0, start - CONTEXT), start))) return 0;
  const end = start + (length ? length(hidden) : hidden.length);
  if (end === start) return 0;
  found.push({ kind, start, end });
  return end;
}

const WORDS = /\p{Lu}[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*/gu;

/** Words of names that were found elsewhere in the ticket: who is "Aylin Demir" once is "Aylin" later. */
function searchKnown(work: string, people: ReadonlySet<string>): Found[] {
  const found: Found[] = [];
  WORDS.lastIndex = 0;
  for (let match = WORDS.exec(work); match; match = WORDS.exec(work)) {
    if (!people.has(match[0])) continue;
    const last = found.at(-1);
    const end = match.index + match[0].length;
    if (last && /^[ ,]{1,2}$/.test(work.slice(last.end, match.index))) last.end = end;
    else found.push({ kind: 'person', start: match.index, end });
  }
  return found;
}

/** Adds the words of a name that are sought in the rest of its ticket. */
export function addPerson(people: Set<string>, name: string): void {
  for (const [word] of name.matchAll(WORDS)) if (word.length > 2 && nameLength(word) > 0) people.add(word);
}

const ASKED: ReadonlySet<RedactionKind> = new Set(ASKED_KINDS);

/** Hides every kind of the table that is on. Doing it twice changes nothing. Time is linear in the text's length. */
export function redact(text: string, options: RedactOptions = {}): Redaction {
  const { off = ASKED, words = null, people = new Set<string>(), placeholders = new Placeholders() } = options;
  if (!SUSPICIOUS.test(text) && !words) return { text, counts: {}, spans: [] };
  const old = Array.from(text.matchAll(PLACEHOLDERS), (m) => ({ start: m.index, end: m.index + m[0].length }));
  for (const { start, end } of old) placeholders.reserve(text.slice(start, end));
  let work = hide(text, old);
  const all: Found[] = [];
  const add = (found: Found[]) => {
    if (found.length === 0) return;
    work = hide(work, found);
    for (const span of found) {
      all.push(span);
      if (span.kind === 'person') addPerson(people, text.slice(span.start, span.end));
    }
  };
  if (words && !off.has('listed')) add(words.search(work));
  let [small, smallOf] = ['', ''];
  const rows = TABLE.filter(({ kind }) => !off.has(kind));
  for (let round = 0, before = -1; round < MAX_ROUNDS && all.length > before; round++) {
    before = all.length;
    for (const row of rows) {
      if (row.needs && !row.needs.test(work)) continue;
      for (const pattern of row.patterns) add(search(work, row, pattern));
      for (const pair of row.beside ?? []) {
        if (smallOf !== work) [small, smallOf] = [inSmall(work), work];
        add(searchBeside(work, small, row, pair));
      }
    }
    if (people.size > 0 && !off.has('person')) add(searchKnown(work, people));
  }
  all.sort((a, b) => a.start - b.start);
  const counts: Redaction['counts'] = {};
  const spans: RedactionSpan[] = [];
  let out = '';
  let at = 0;
  for (const span of all) {
    const placeholder = placeholders.of(span.kind, text.slice(span.start, span.end));
    spans.push({ ...span, placeholder });
    counts[span.kind] = (counts[span.kind] ?? 0) + 1;
    out += text.slice(at, span.start) + placeholder;
    at = span.end;
  }
  return { text: out + text.slice(at), counts, spans };
}
