/** Streets and postcodes, as people of many countries write them. */
import { isOrdinary } from './ordinary';
import {
  BEFORE, BEHIND, CAPITAL_BEFORE, ENDINGS, ENGLISH_LED, ENGLISH_MORE, ENGLISH_SURE, SMALL_NAMED, capitalOf, casesOf,
} from './street-words'; // prettier-ignore

const LETTER = '[\\p{L}\\p{M}]';
/** d'Orsel, l'Odéon, dell'Arco: an elided article is one with its word. */
const ELIDED = "(?:(?:\\p{L}{0,4}l|[dsnDL])['’])?";
const CAP = `${ELIDED}(?:\\p{Lu}${LETTER}{0,24}(?:['’-]${LETTER}{1,24}){0,4}|\\p{Lu}${LETTER}{0,2}\\.)`;
const LINKS = 'de del della dello dei degli di da do dos das du des la le les el los las van von vom der den dem the of and y e zu zum zur am im an in a auf af og och i na pod nad za u v k kod lès sur sous en'; // prettier-ignore
const LINK = `(?:${LINKS.replaceAll(' ', '|')}|d['’])`;
const CAPS = `(?:${LINK}[ \\t]){0,2}(?:${CAP}|\\d{1,2}\\.?(?=[ \\t]\\p{L}))(?:[ \\t](?:${LINK}[ \\t]){0,2}(?:${CAP}|${LETTER}{3,20}(?=[ \\t,]{1,3}\\d)|\\d{1,2}\\.)){0,5}`;
/** In Dutch and German, particles are a part: "van den Berggracht", "An der Luisenburg". */
const PARTICLES = "(?:(?:van|von)[ \\t](?:(?:de|den|der|het)[ \\t])?|(?:de|den|het|ter|ten|op de|aan de|['’]t)[ \\t])?";
/** A house number: 12, 12a, 12-14, 12/3, nº 4, with what follows it. */
const NUMBER =
  '(?:(?:[Nn]o|[Nn]r|[Nn]um|[Nn]º|[Nn]°|č\\.p\\.|[Bb]l(?:oc|\\.)?|lok\\.?|hus|д|дом|буд)[.:]?[ \\t]?)?\\d{1,5}(?:[ \\t]?[/-][ \\t]?\\d{1,4}){0,2}(?:-[IVX]{1,4}(?![\\p{L}\\d]))?(?:[ \\t]?[A-Za-zА-Яа-яΑ-Ωα-ω](?![\\p{L}\\p{M}\\d]))?(?:[ \\t](?:bis|ter|[IVX]{1,4})(?![\\p{L}\\p{M}]))?';
/** Streets whose houses have none: "Calle Mayor s/n". Behind other words "s/n" is a serial number, or signal to noise. */
const NONE = '(?:s/n|S/N|s\\.n\\.|snc|b/n)(?:[º°]|(?![\\p{L}\\p{N}]))';
const HOUSE = `(?:${NUMBER}|${NONE})`;
const UNIT = `(?:,?[ \\t](?:(?:${casesOf('apt|apartment|suite|ste|unit|flat|floor|fl|rm|bloc|bl|ap|et|sc|lok|kv|m')}|кв)\\.?[ \\t]?|#[ \\t]?)\\d{1,4}[A-Za-z]?(?![\\p{L}\\d]))?`;
/** A number that counts is none of a house: "Northgate 83 subscribers", "Harbour 3 hours". */
const COUNTED =
  '(?![ \\t]?(?:%|(?:h|hrs?|hours?|min|mins|minutes?|sec|seconds?|days?|weeks?|months?|times|x|percent|subscribers?|customers?|users?|clients?|ports?|cards?|circuits?|links?|lines?|sites?|cells?|alarms?|homes|households|premises|of|d[Bb]m?|[kKMGT]?(?:[Bb]it|bps|B|Hz|W)|V|km|ms|Kunden|Teilnehmer|Stunden|Minuten|Tagen?|heures?|jours?|horas?|clientes?|abonnés)(?![\\p{L}\\p{N}])))';
const END = `(?![\\p{L}\\p{M}\\d]|[.,:]\\d|\\.[ \\t]\\p{Ll}{3,20}[ \\t]\\d)${COUNTED}`;
/** "Rue du 8 Mai 1945". */
const YEAR = '(?:[ \\t]1[89]\\d{2}(?=[ \\t,]|$))?';
const START = '(?<![\\p{L}\\p{M}\\p{N}])';
/** Before a number that begins an address: not inside another number. */
const START_NUMBER = '(?<![\\p{L}\\p{M}\\p{N}/.:_-]|\\d,)';
const FIRST_NUMBER = '\\d{1,5}(?:[-/]\\d{1,4})?[A-Za-z]?(?:[ \\t](?:bis|ter|quater))?,?[ \\t]';
/** A dot ends an abbreviation, and a name may follow it at once. */
const named = (before: string) => `(?:${before})(?:(?<=[./])[ \\t]?|[ \\t]{1,2})`;
/** Small, the rarer words are of other kinds: "256 B curve". */
const ENGLISH = `${casesOf(ENGLISH_SURE)}|${capitalOf(ENGLISH_MORE)}`;
const ORDINAL = '\\d{1,3}(?:st|nd|rd|th|ST|ND|RD|TH)';
const ENGLISH_NAME = `(?:(?:${CAP}|${ORDINAL})[ \\t]){1,4}`;
const COMPASS = '(?:[ \\t](?:[NSEW]|[NS][EW]|North|South|East|West)(?![\\p{L}\\p{M}\\d])\\.?)?';
const rows = (...patterns: readonly string[]) => patterns.map((pattern) => new RegExp(pattern, 'gu'));

export const STREETS: readonly RegExp[] = rows(
  // Örs vezér liget 3: a small word between.
  `${START}${CAP}[ \\t]\\p{Ll}${LETTER}{2,14}[ \\t](?:utca|tér|liget|fasor|sétány|körút|köz)[ \\t]${NUMBER}${UNIT}${END}`,
  // Hauptstraße 12, Stora gatan 3, Von-der-Tann-Str. 1, 30 Ağustos Caddesi 14, van den Berggracht 9.
  `${START}(?:\\d{1,2}\\.?[ \\t](?=\\p{Lu}))?${PARTICLES}(?:${CAP}[ \\t-](?:${LINK}[ \\t])?){0,4}(?:\\p{Lu}${LETTER}{0,24}(?:[.-]{1,2}${LETTER}{1,24}){0,4}[.]?-?)?(?:${casesOf(ENDINGS)})(?![\\p{L}\\p{M}])(?:(?<=\\.)|[ \\t]{1,2}|,[ \\t]?(?=[Nn]o))${NUMBER}${UNIT}${END}`,
  // Лесная ул., 457.
  `${START}(?:${CAP}[ \\t]){1,3}(?:${BEHIND})(?![\\p{L}\\p{M}]),?[ \\t]{0,2}${NUMBER}${UNIT}${END}`,
  // 12 rue X, where French writes the number first; Rue X 12, ul. X 12/4, Via X, 12.
  `${START_NUMBER}${FIRST_NUMBER.replace('5', '4')}${named(`${casesOf(BEFORE)}|${casesOf(CAPITAL_BEFORE)}`)}${CAPS}${YEAR}(?![\\p{L}\\p{M}\\d])`,
  `(?<![\\p{L}\\p{M}\\p{N}-])${named(`${casesOf(BEFORE)}|${capitalOf(CAPITAL_BEFORE)}`)}${CAPS}${YEAR},?[ \\t]{1,2}(?!\\d{5}[ \\t]\\p{Lu})${HOUSE}${UNIT}${END}`,
  `(?<![\\p{L}\\p{M}])(?<=(?:in|a|di|presso|abita)[ \\t])via[ \\t]${CAPS},?[ \\t]{1,2}${HOUSE}${UNIT}${END}`,
  `${START}(?:${SMALL_NAMED})(?:[ \\t]${LETTER}{2,20}\\.?){1,4}[ \\t]${NUMBER}${UNIT}${END}`,
  // Solar Dorotea s/n: where nothing follows that it would be the serial number of.
  `${START}${CAP}(?:[ \\t](?:${LINK}[ \\t]){0,2}${CAP}){1,5},?[ \\t]s/n(?:[º°]|(?![\\p{L}\\p{N}]))\\.?(?=[ \\t]{0,2}(?:[,;)\\r\\n]|$))`,
  // An der Luisenburg 30, Am Steinberg 9: small, it is no name.
  `${START}(?:Am|Im|An der|An den|In der|In den|In dem|Auf der|Auf dem|Auf den|Zum|Zur|Beim|Bei der|Unter den|Hinter der|Hinter dem|Vor dem|Vor der|Über dem)[ \\t]${CAP}(?:[ \\t]${CAP})?[ \\t]\\d{1,3}(?:[ \\t]?[a-z](?![\\p{L}\\d]))?(?:-\\d{1,3}[a-z]?)?${END}`,
  // 12 High Street, 812 Third Street, 3626 E 6th Avenue.
  `${START_NUMBER}(?<!\\0,?[ \\t])(?:\\d{5}|\\d{1,4}(?:[-/]\\d{1,4})?)[A-Za-z]?[ \\t]${ENGLISH_NAME}(?:${ENGLISH}|${ENGLISH_SURE.toUpperCase()})(?![\\p{L}\\p{M}])\\.?${COMPASS}${UNIT}`,
  // Any name with a number, a postcode and a town behind it.
  `${START}${PARTICLES}${CAPS}[ \\t]${NUMBER}(?=,[ \\t\\n]{1,2}(?:[A-Z]{1,2}-)?(?:\\d{5}|\\d{2}-\\d{3}|\\d{3} \\d{2}|\\d{4} ?[A-Z]{2})[ \\t]\\p{Lu}\\p{Ll})`,
);

/** What says that an address follows: by itself, and with a preposition or a colon. */
const LEADS =
  '(?:lives|living|located|situated|resides|residing|wohnt|wohnhaft|habite|vive|abita|woont|mieszka|bor|bydlí|new[ \\t]line)';
const LEADS_WITH =
  '(?:address|adr\\.?|adresse|anschrift|dirección|direccion|domicilio|indirizzo|endereço|morada|adres|adresa|cím|lakcím|osoite|gatuadress|адрес|διεύθυνση|premises|house|home|residence|location|visit|installation|delivery|line|service|outage|site|technician|engineer)';
const PREPOSITION = '(?:at|in|on|is|for|to|en|à|au|em|ved|på|przy|a|am|an)';

/** Behind such words, a name with a number of any form. */
export const STREETS_BESIDE = {
  front: new RegExp(
    `${START}(?:${LEADS}(?:[ \\t]${PREPOSITION})?|${LEADS_WITH}(?:[ \\t]${PREPOSITION}|[ \\t]{0,2}[:=]))(?=[ \\t])`,
    'gu',
  ),
  then: new RegExp(
    `[ \\t]{1,3}((?:${LETTER}{2,12}\\.?[ \\t])?(?:${CAPS}|${CAP}(?:[ \\t](?:${LETTER}{2,20}|[IVX])){1,5}),?[ \\t]{1,2}${HOUSE}${UNIT}${END}\\.?|\\d{1,5}[A-Za-z]?[ \\t](?:${LINK}[ \\t]){0,2}(?:${CAP}|${ORDINAL})(?:[ \\t](?:${LINK}[ \\t]){0,2}(?:${CAP}|${ORDINAL})){0,4}${COMPASS}${UNIT}(?![\\p{L}\\p{M}\\d]|[.:]\\d))`,
    'uy',
  ),
} as const;

/** The same behind words that lead to anything: of two words at least. */
export const PLACES_BESIDE = {
  front: new RegExp(`${START}(?:at|an der|in der|am)(?=[ \\t])`, 'gu'),
  then: new RegExp(
    `[ \\t]{1,3}(${CAP}(?:[ \\t](?:${LINK}[ \\t]){0,2}${CAP}){1,4},?[ \\t](?!\\d{4})${NUMBER}${UNIT}${END}(?![ \\t]\\p{Ll})|\\d{1,5}[A-Za-z]?[ \\t]${CAP}(?:[ \\t]${CAP}){1,4})(?![\\p{L}\\p{M}\\d]|[.:]\\d)`,
    'uy',
  ),
} as const;

const LINK_SET = new Set(LINKS.split(' '));
const setOf = (list: string) => new Set(list.split('|'));
const SURE = setOf(ENGLISH_SURE);
const MORE = setOf(ENGLISH_MORE);
const LED = setOf(ENGLISH_LED);

/** Words that name, in order: without articles, numbers and what they are called, numerals of floors and "s/n". */
const namesOf = (text: string) =>
  Array.from(
    text.replace(/s[/.]n\.?[º°]?/giu, '').matchAll(/(?<![\p{L}\p{M}\d])\p{L}[\p{L}\p{M}'’-]*/gu),
    ([word]) => word,
  ).filter(
    (word) =>
      word.length > 1 &&
      !LINK_SET.has(word.toLowerCase()) &&
      !/^(?:[IVX]+|[Nn]o|[Nn]r|[Nn]um|[Bb]l|[Bb]loc|lok|hus)$/.test(word),
  );

/** Machines that end as Dutch paths do. */
const PADS = /^(?:track|touch|key|note|think|i)pad$/i;

/** Not where the words are all ordinary ("Route Table 12"), unless it can be nothing but a street ("12 Main Street"). */
export function isStreet(text: string): boolean {
  const names = namesOf(text);
  if (PADS.test(names.at(-1) ?? '')) return false;
  // What a street is said to be names nothing: "4 Optical Lane".
  const telling = /^\d/.test(text) && MORE.has(names.at(-1)?.toLowerCase() ?? '') ? names.slice(0, -1) : names;
  if (telling.some((word) => !isOrdinary(word) && !NO_STREET.has(word.toLowerCase()))) return true;
  return (
    /^\d/.test(text) &&
    (names.length > 1 || /\dth|\dst|\dnd|\drd/i.test(text)) &&
    names.some((word) => SURE.has(word.toLowerCase()))
  );
}

/** Behind a word that leads to an address: what stands next to the number is no part of a machine or a network. */
export function isLedPlace(text: string): boolean {
  const names = namesOf(text);
  const last = names.at(-1)?.toLowerCase() ?? '';
  if (names.length === 0 || !/\p{Ll}/u.test(text)) return false;
  if (!/^\d/.test(text)) return !isOrdinary(last) && !NO_STREET.has(last);
  if (SURE.has(last) || MORE.has(last)) return names.length > 1 || /\d\p{L}{2}| The /u.test(text);
  if (LED.has(last)) return names.slice(0, -1).some((word) => !isOrdinary(word));
  return (
    names.every((word) => !isOrdinary(word)) ||
    (!isOrdinary(last) && (MORE.has(names[0]?.toLowerCase() ?? '') || / The /.test(text)))
  );
}

/** Behind a word that may lead to anything, no ordinary word may be in it. */
export function isNamedPlace(text: string): boolean {
  const names = namesOf(text);
  return (
    names.length > 1 &&
    /\p{Ll}/u.test(text) &&
    names.every((word) => !isOrdinary(word) && !NO_STREET.has(word.toLowerCase()))
  );
}

/** Numbered parts of a building, a network or a year in other languages. */
const NO_STREET = new Set(
  (
    'schrank gebäude raum keller stockwerk etage obergeschoss baugruppe karte modul steckplatz standort knoten bereich segment kanal block abschnitt strecke verteiler kasten gestell netz zeitraum ' +
    'umkreis turm sektor kabel faser mast zelle haus ende tag abend morgen router switch port slot server host montag januar april mai august september november monat jahr quartal ' +
    'baie salle bâtiment étage carte emplacement armoire zone bloc janvier février mars avril juin juillet août septembre octobre novembre décembre armario sala edificio piso tarjeta nodo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre ' +
    'scheda stanza edificio piano nodo szafa karta budynek piętro węzeł kast ruimte kaart reflector target distinguisher'
  ).split(' '),
);
/** A town: a capital, and no unit of memory. */
const TOWN = `(?=[ \\t]{1,2}(?![KMGT]i?[Bb](?![\\p{L}]))(?:[\\p{Lu}\\p{Lo}]|['’]))`;
const CODE =
  '\\d{4} ?[A-Z]{2}(?![\\p{L}])|\\d{4}-\\d{3}|\\d{5}-\\d{4}|\\d{2}[ -]\\d{3}|\\d{3} \\d{2}|(?:(?:[A-Z]{1,2}|FIN)-)?\\d{4,6}';
const STATES =
  'AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC'.replaceAll(
    ' ',
    '|',
  );
export const POSTCODES: readonly RegExp[] = [
  // United Kingdom and Ireland by their form alone.
  /(?<![\w-])[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?![\w-])/g,
  /(?<![\w-])[A-Z]\d{2} [A-Z]\d[A-Z\d]{2}(?![\w-])/g,
  // Behind their names.
  /(?<![\p{L}\p{N}])(?:zip|zip code|zipcode|postcode|postal code|post code|plz|postleitzahl|cap|code postal|código postal|cep|psč|postnummer|postinumero|kod pocztowy|irányítószám|индекс)(?:[ \t]{0,2}[.:=][ \t]{0,2}|[ \t]{1,2})([A-Z]{0,2}-?\d[\dA-Z]{1,5}(?:[ -]?[\dA-Z]{2,4})?)(?![\w])/giu,
  // Before a town: behind a hidden address, where no year is meant; behind a comma or a word for a place, where one may be.
  new RegExp(`\\0['’"]?,?[ \\t\\n]{1,2}(?:(?:in|near|nach|à|en|w|v|i)[ \\t])?(${CODE})${TOWN}`, 'gu'),
  new RegExp(`(?:(?<=[\\p{L}\\d]),[ \\t]|(?<![\\p{L}\\p{M}])(?:in|near|nach|à|en|w|v|i)[ \\t])(?!(?:19|20)\\d{2}(?!\\d))(${CODE})${TOWN}`, 'gu'),
  new RegExp(`(?<=, |\\b[A-Z]\\p{L}{2,20} )(?:${STATES}) \\d{5}(?:-\\d{4})?(?![\\w-])`, 'gu'),
]; // prettier-ignore
