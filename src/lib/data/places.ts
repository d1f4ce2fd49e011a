/** Streets and postcodes, as people of many countries write them. */
import { isOrdinary } from './ordinary';

const LETTER = '[\\p{L}\\p{M}]';
const CAP = `(?:\\p{Lu}${LETTER}{0,24}(?:['’-]${LETTER}{1,24}){0,4}|\\p{Lu}${LETTER}{0,2}\\.)`;
const LINK =
  "(?:de|del|della|dello|di|da|do|dos|das|du|des|la|le|les|el|los|las|van|von|der|den|dem|the|of|and|y|e|zu|zum|zur|am|im|an|af|og|och|i|na|pod|nad|v|u|d['’])";
const CAPS = `(?:${LINK}[ \\t]){0,2}(?:${CAP}|\\d{1,2}\\.?)(?:[ \\t](?:${LINK}[ \\t]){0,2}(?:${CAP}|${LETTER}{3,20}(?=[ \\t,]{1,3}\\d)|\\d{1,2}\\.)){0,5}`;
/** A house number: 12, 12a, 12-14, 12/3, nº 4, with what follows it. */
const HOUSE =
  '(?:(?:[Nn]o|[Nn]r|nº|n°|č\\.p\\.|[Bb]l(?:oc|\\.)?|lok\\.?|hus|д|дом)[.:]?[ \\t]?)?\\d{1,5}(?:[ \\t]?[/-][ \\t]?\\d{1,4}){0,2}(?:[ \\t]?[A-Za-zА-Яа-яΑ-Ωα-ω](?![\\p{L}\\p{M}\\d]))?(?:[ \\t](?:bis|ter|[IVX]{1,4})(?![\\p{L}\\p{M}]))?';
const UNIT =
  '(?:,?[ \\t](?:apt|apartment|suite|unit|flat|floor|fl|bloc|bl|ap|et|sc|lok|kv|кв)\\.?[ \\t]?\\d{1,4}[A-Za-z]?)?';

const listOf = (list: string) => list.trim().split(/\s+/).join('|');

/** Ends of street names that are one word with them, or the last word. */
const ENDINGS = listOf(
  'straße strasse str\\. strase weg gasse allee platz (?<=\\p{L})ring damm ufer steig pfad chaussee graben markt straat laan plein kade dijk singel gracht steeg (?<=\\p{L})pad (?<=\\p{L})hof (?<=\\p{L})park ' +
    'gade vej vænget stræde torv allé vägen väg gatan gata gränd torget stigen gate veien vei veg vegen plass torg bakken løkka svingen katu (?<=\\p{L})tie kuja polku ranta rinne raitti aukio kaari ' +
    'utca utja útja tér köz sétány körút u\\. ulice třída náměstí nám\\. ulica trg sokak sokağı caddesi cadde bulvarı bulvar mahallesi cad\\. sok\\. cd\\. sk\\.',
);
/** Words that stand before the name of a street. */
const BEFORE = listOf(
  'rue avenue av\\.? ave\\.? boulevard bd\\.? blvd\\.? place pl\\.? quai chemin impasse allée route passage cours square faubourg via viale piazza piazzale corso contrada strada vicolo largo borgo rotonda incrocio salita ' +
    'calle avenida avda\\.? plaza paseo carretera camino ronda travesía colonia rua travessa estrada praça largo quinta alameda beco ul\\. ulica al\\. aleja aleje os\\. osiedle pl\\. plac wyb\\. rondo ' +
    'str\\. strada aleea bulevardul b-dul calea splaintul intrarea piața ulice náměstí ulica trg obala vrt улица ул\\. пр\\. проспект пл\\. площадь пер\\. переулок наб\\. набережная шоссе бульвар đường phố ngõ ' +
    'οδός λεωφόρος λεωφ\\. πλατεία',
);
const ENGLISH = listOf(
  'street st road rd avenue ave lane ln drive dr court ct trail way place pl square sq terrace close crescent boulevard blvd highway hwy parkway pkwy circle cir walk gardens grove hill mews rise alley ' +
    'bypass causeway corner cove crossing estate expressway garden glen glens green harbor heights island islands junction knoll knolls meadow meadows mill mills motorway mountain ' +
    'orchard oval overpass park parks passage path pike pine pines plaza prairie ranch ridge river roads shoal shoals shore shores skyway spur squares ' +
    'stravenue summit throughway trace trafficway tunnel turnpike underpass valley viaduct village ville vista walks wells',
);
/** What says that an address follows. */
const LEADS =
  '(?:address|adr\\.?|adresse|anschrift|dirección|direccion|indirizzo|endereço|adres|adresa|cím|osoite|location|premises|lives|living|located|situated|resides|house|home|residence|visit|installation|delivery|new[ \\t]line|line|service|outage|wohnt|domicilio)';

const street = (pattern: string, flags = 'gu') =>
  new RegExp(`(?<![\\p{L}\\p{M}\\p{N}])${pattern}(?![\\p{L}\\p{M}\\d]|[.,:]\\d)`, flags);

export const STREETS: readonly RegExp[] = [
  // Rue X 12, ul. X 12/4, Via X, 12; French writes the number first.
  new RegExp(
    `(?<![\\p{L}\\p{M}\\p{N}])(?:\\d{1,4}[A-Za-z]?(?:[ \\t](?:bis|ter))?,?[ \\t])?(?:${casesOf(BEFORE)})[ \\t]?${CAPS}(?:,?[ \\t]{1,2}${HOUSE})${UNIT}(?![\\p{L}\\p{M}\\d]|[.:]\\d)`,
    'gu',
  ),
  new RegExp(
    `(?<![\\p{L}\\p{M}\\p{N}])\\d{1,4}[A-Za-z]?(?:[ \\t](?:bis|ter))?,?[ \\t](?:${casesOf(BEFORE)})[ \\t]?${CAPS}(?![\\p{L}\\p{M}\\d])`,
    'gu',
  ),
  // Hauptstraße 12, Stora gatan 3, Atatürk Caddesi 5.
  street(
    `(?:${CAP}[ \\t-](?:${LINK}[ \\t])?){0,4}(?:\\p{Lu}${LETTER}{0,24}(?:-${LETTER}{1,24}){0,4}-?)?(?:${casesOf(ENDINGS)})(?![\\p{L}\\p{M}]),?[ \\t]{0,2}${HOUSE}${UNIT}`,
  ),
  // 12 High Street.
  street(`\\d{1,5}[A-Za-z]?[ \\t](?:${CAP}[ \\t]){1,4}(?:${casesOf(ENGLISH)})(?![\\p{L}\\p{M}])\\.?${UNIT}`),
];

/** Each word as it stands and with a first capital. */
function casesOf(list: string): string {
  return list
    .split('|')
    .map((word) => word.replace(/^\p{L}/u, (letter) => `[${letter.toUpperCase()}${letter}]`))
    .join('|');
}

/** Behind words that lead to an address, a name with a number of any form. */
export const STREETS_BESIDE = {
  front: new RegExp(
    `(?<![\\p{L}\\p{M}\\p{N}])(?:${LEADS}(?:[ \\t](?:at|in|is|for|to|of))?[ \\t]{0,2}[:=]?|(?:at|for|an der|in der|am|auf))(?=[ \\t])`,
    'gu',
  ),
  then: new RegExp(
    `[ \\t]{1,3}((?:${CAPS}|${LETTER}{2,12}\\.?[ \\t]${CAPS}),?[ \\t]{1,2}${HOUSE}${UNIT}|\\d{1,5}[A-Za-z]?[ \\t]${CAP}(?:[ \\t]${CAP}){1,4})(?![\\p{L}\\p{M}\\d]|[.:]\\d)`,
    'uy',
  ),
} as const;

/** Not where the words before the number are all ordinary: "at Rack 12", "Change Window 3". */
export function isStreet(text: string): boolean {
  const named = text.match(/\p{L}[\p{L}\p{M}'’-]*/gu) ?? [];
  return named.some((word) => word.length > 1) && !named.every((word) => word.length < 2 || isOrdinary(word));
}
/** Behind a word that only may lead to an address, no ordinary word may be in it. */
export const isNamedPlace = (text: string) =>
  (text.match(/\p{L}[\p{L}\p{M}'’-]*/gu) ?? []).every((word) => !isOrdinary(word)) && /\p{Ll}/u.test(text);

/** Where the place behind it is no ordinary word; in front stands a comma, an address or a word that leads to one. */
const TOWN = `(?=[ \\t]{1,2}(?:[\\p{Lu}\\p{Lo}]|['’]))`;
const CODE =
  '\\d{4} ?[A-Z]{2}(?![\\p{L}])|\\d{4}-\\d{3}|\\d{5}-\\d{4}|\\d{2}[ -]\\d{3}|\\d{3} \\d{2}|(?:[A-Z]{1,3}-)?\\d{4,6}';
export const POSTCODES: readonly RegExp[] = [
  // United Kingdom and Ireland by their form alone.
  /(?<![\w-])[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?![\w-])/g,
  /(?<![\w-])[A-Z]\d{2} [A-Z]\d[A-Z\d]{2}(?![\w-])/g,
  // Behind their names.
  /(?<![\p{L}\p{N}])(?:zip|zip code|zipcode|postcode|postal code|post code|plz|postleitzahl|cap|code postal|código postal|cep|psč|postnummer|postinumero|kod pocztowy|irányítószám|индекс)[ \t]{0,2}[.:=]?[ \t]{0,2}([A-Z]{0,2}-?\d[\dA-Z]{1,5}(?:[ -]?[\dA-Z]{2,4})?)(?![\w])/giu,
  // Before a town: behind a hidden address, a comma or a word for a place.
  new RegExp(`(?:\\0,?[ \\t\\n]{1,2}|(?<=[\\p{L}\\d]),[ \\t]|(?<![\\p{L}\\p{M}])(?:in|near|nach|à|en|w|v|i)[ \\t])(${CODE})${TOWN}`, 'gu'),
  /(?<=, |\b[A-Z]\p{L}{2,20} )[A-Z]{2} \d{5}(?:-\d{4})?(?![\w-])/gu,
]; // prettier-ignore
