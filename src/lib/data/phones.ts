/** Phone numbers: by a country's code or their own form, and behind words that lead to one. */

/** An extension: x89, ext. 89, Durchwahl 12. */
const EXTENSION =
  '(?:[ ,]{0,2}(?:x|ext\\.?|extn\\.?|extension|durchwahl|dw\\.?|poste|int\\.|wew\\.?)[ .:]{0,2}\\d{1,6}(?!\\d))?';

const listed = (list: string) =>
  list
    .trim()
    .split(/\s*\|\s*/)
    .sort((a, b) => b.length - a.length)
    .join('|')
    .replaceAll(' ', '[ \\t]');

/** What a phone number is called: six digits behind it are one. */
const CALLED = listed(
  'tel|tel.|phone|telephone|telephone number|phone number|landline|land line|fax|telefax|hotline|whatsapp|msisdn|cell phone|cellphone|mobile phone|mobile number|contact number|callback number|call-back number|' +
    'telefon|telefonnummer|telefonnr|tel.-nr|tel.nr|rufnummer|rückrufnummer|mobilnummer|mobiltelefon|mobilnr|festnetz|' +
    'téléphone|téléphone portable|numéro|portable|tél|tél.|joignable au|teléfono|telefono|número de teléfono|móvil|celular|cellulare|telefone|telemóvel|' +
    'telefoonnummer|telefoon|mobiel|telefonnummer|mobilnummer|mobiltelefon|puhelin|puhelinnumero|puh.|numer telefonu|nr telefonu|nr tel.|tel. kom.|telefonní číslo|telefonszám|număr de telefon|τηλέφωνο|τηλ.|тел.|телефон|моб.|số điện thoại',
);
/** The same words where a network has such things too ("GSM 900/1800", "cell 1234567"): only with a colon or the like. */
const CALLED_ALSO = listed('mobile|mob|mob.|mobil|handy|gsm|cell|sms|contact|cb');
/** What is done with a phone: seven digits, for six may be a time or a ticket. */
const DONE = listed(
  'call|called|calling|caller|ring|dial|dialled|dialed|phone|phoned|text|reach|reached|reachable|contact|contacted|rückruf|rückruf unter|erreichbar|erreichbar unter|anrufen unter|appeler le|rappeler le|rappeler au|llamar al|llamar a|chiamare|chiamare il|ligar|bellen op|zadzwonić',
);
const ADVERBS = '(?:[ \\t](?:me|us|him|her|them|customer|back))?(?:[ -]?back)?';
const PREPOSITION = '(?:[ \\t](?:is|at|on|under|via|unter|au|al|le|op|pod|na|på))?';
const NUMBER_WORD = '(?:[ \\t]?(?:no|nr|num|number|nummer|n°|nº)\\.?)?';
/** Digits with what people put between them; how many is counted apart. */
const DIGITS = `(\\(?\\+?\\d(?:[ \\t().-]{0,3}\\/?\\d){5,14}${EXTENSION})(?![\\p{L}\\d]|[-/.:]\\d)`;

const behind = (words: string, between: string) =>
  new RegExp(`(?<![\\p{L}\\p{N}])(?:${words})(?![\\p{L}])${between}[ \\t]{0,4}${DIGITS}`, 'giu');

export const PHONES: readonly RegExp[] = [
  new RegExp(`(?<![\\p{L}\\p{N}+~])\\+\\d(?:[ \\t().-]{0,3}\\/?\\d){6,14}${EXTENSION}(?!\\d)`, 'giu'),
  // 00 48 22 123 45 67, 0049 (0)30 1234567.
  new RegExp(`(?<![\\w+.,\\-/:]|\\d )00[ .-]?[1-9]\\d{0,2}(?:[ \\t]?\\(0\\)[ \\t]?)?(?:[ \\t()./-]{1,3}\\d{1,8}){2,6}${EXTENSION}(?![\\w/:]|[-.]\\d)`, 'gi'),
  // (555) 123-4567 x89, 1-555-123-4567.
  new RegExp(`(?<![\\w+.\\-/]|\\d )(?:1[-. ])?(?:\\(\\d{3}\\) ?|[2-9]\\d{2}[-. ])\\d{3}[-. ]\\d{4}${EXTENSION}(?![\\w/-]|\\.\\d| \\d)`, 'gi'),
  // A trunk prefix and groups: (04089) 8619286, 05 90 31 78 65, 0203 4366 3992, 0171/1234567.
  new RegExp(`(?<![\\w+.,\\-/:)]|\\d )(?!0+[ /-])(?:\\(0\\d{1,5}\\)[ ]?|0\\d{1,5}[ /-]{1,2})\\d{2,8}(?:[ -]\\d{2,8}){0,4}${EXTENSION}(?![\\w/:-]|\\.\\d)`, 'gi'),
  // 8 (901) 099-37-30.
  /(?<![\w+.\-/)])(?:8[ -]?)?\(\d{3,5}\)[ -]?\d{1,3}[ -]\d{2}[ -]\d{2}(?![\w/:]|[-.]\d)/g,
  // 06.12.34.56.78.
  /(?<![\w+.,\-/:])0[1-9](?:\.\d{2}){4}(?![\w/:]|[-.]\d)/g,
]; // prettier-ignore

export const PHONES_CALLED: readonly RegExp[] = [
  behind(CALLED, `${NUMBER_WORD}${PREPOSITION}[.:=]{0,2}`),
  behind(CALLED_ALSO, `(?:[ \\t]?(?:no|nr|num|number|nummer|n°|nº)\\.?[:=]?|${PREPOSITION}[.:=]{1,2}|(?=[ \\t]{0,4}[+(0]))`),
  // Five digits and a preposition: "call back on 563846".
  behind(`(?:call|ring|phone|dial)${ADVERBS}[ \\t](?:on|under)`, ''),
]; // prettier-ignore

export const PHONES_DONE: readonly RegExp[] = [
  behind(`(?:${DONE})${ADVERBS}${NUMBER_WORD}`, `${PREPOSITION}[.:=]{0,2}`),
];

/** What says of a number that it is another's. */
const OTHERS =
  /(?<![\p{L}])(?:v|ver|version|release|rel|firmware|fw|sw|software|build|patch|rev|revision|p\/?n|part|part no|part number|s\/?n|serial|serial no|serial number|sku|model|alarm|alarm id|error|code|ticket|incident|ref|reference|vlan|frequency|band|oid|date|version no)[\s.:=#]*$/iu;

const DAY = '(?:0?[1-9]|[12]\\d|3[01])';
const YEAR_FIRST = new RegExp(`^(?:19|20)\\d{2}([./ -])${DAY}\\1${DAY}(?!\\d)`);
const YEAR_LAST = new RegExp(`^${DAY}(?:([./-])${DAY}\\1(?:19|20)?\\d{2}| ${DAY} (?:19|20)\\d{2})$`);
const DATE_AND_TIME = /\d{1,4}[./-]\d{1,2}[./-]\d{1,4} \d/;
/** From one time to another: 0800-1700, 08.00-17.30. */
const TIMES = /^(?:[01]\d|2[0-3])[.]?[0-5]\d ?[-/ ] ?(?:[01]\d|2[0-4])[.]?[0-5]\d$/;

const bareOf = (text: string) => text.replace(/[ ,]{0,2}(?:x|ext|dw|durchwahl|poste|int|wew).*$/i, '');
const digitsOf = (text: string) => bareOf(text).replace(/\D/g, '');

/** Neither a date nor a span of times, and not too long. */
function isNumber(text: string): boolean {
  const bare = bareOf(text);
  return (
    digitsOf(text).length <= 15 &&
    !DATE_AND_TIME.test(bare) &&
    !YEAR_FIRST.test(bare) &&
    !YEAR_LAST.test(bare) &&
    !TIMES.test(bare)
  );
}

/** By its own form: seven digits at least, not all zeros, and no other thing's number. */
export const isPhone = (text: string, before: string) =>
  digitsOf(text).length >= 7 &&
  !(/^\(?0/.test(text) && digitsOf(text).length < 8) &&
  // Two digits at a time are French, in fives; else bytes or counters. Five and four after a zero are a ZIP code.
  !(/^\d{2}(?: \d{2})+$/.test(text) && text.length !== 14) &&
  !/^\d{5}-\d{4}$/.test(text) &&
  isNumber(text) &&
  !OTHERS.test(before);

/** Behind what a number is called. */
export const isCalledPhone = (text: string, before: string) =>
  digitsOf(text).length >= 6 &&
  isNumber(text) &&
  // Behind a verb, six digits may be a day: 240502.
  !(
    /[ \t]on[ \t]*$/i.test(before) &&
    /^(?:2\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])2\d)$/.test(text)
  );

/** Behind what is done with a phone. */
export const isDonePhone = (text: string) => digitsOf(text).length >= 7 && isNumber(text);
