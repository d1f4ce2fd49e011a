/** Names of people by what stands beside them: roles, verbs, greetings and closings in the languages of Europe. */
import { isOrdinary } from './ordinary';

/** A word of a name: a capital, then letters; joined by apostrophes and hyphens. Bounded, so that a long run is no name. */
const LETTER = '[\\p{L}\\p{M}]';
const WORD = `(?:\\p{Lu}|[dl]['’]\\p{Lu}|(?:al|el|ad|ar|as)-\\p{Lu})${LETTER}{0,24}(?:['’‘\`]\\p{Lu}?${LETTER}{1,24}|-${LETTER}{1,24}){0,3}`;
const INITIAL = '\\p{Lu}\\.(?:-?\\p{Lu}\\.){0,2}';
const PARTICLES =
  'van von der den dem de da do dos das del della degli di du la le el al bin binti ibn ben bar ter ten te zu zum zur af av y e i und mac op het st';
const PARTICLE = `(?:${PARTICLES.replaceAll(' ', '|')}|'t|d[’'])`;
const TOKEN = `(?:${INITIAL}|${WORD})`;
const GAP = '[ \\t\\u00a0]{1,2}';
/** One to five words, particles between them; initials need no space behind them. */
const NAME = `(?:${PARTICLE}${GAP}){0,2}${TOKEN}(?:(?:${GAP}|(?<=\\.))(?:${PARTICLE}${GAP}){0,3}${TOKEN}){0,4}`;
/** Surname first. */
const TURNED = `(?:${PARTICLE}${GAP}){0,2}${WORD}(?:${GAP}${WORD}){0,2},[ \\t]${WORD}(?:${GAP}${WORD})?`;
/** Scripts without capitals. */
const BARE_WORD = '[\\p{Lo}\\p{M}]{1,24}';
const BARE = `${BARE_WORD}(?:(?:[ .,·・-]|, |\\. )${BARE_WORD}){0,5}`;
/** Two words at least, for places where one capitalised word says little. */
const PAIR = `(?:${PARTICLE}${GAP}){0,2}${TOKEN}(?:(?:${GAP}|(?<=\\.))(?:${PARTICLE}${GAP}){0,3}${TOKEN}){1,4}`;

const TITLE_WORDS =
  'Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Ing|Dipl\\.-Ing|Herr|Herrn|Frau|Hr|Fr|Mme|Mlle|Monsieur|Madame|Sr|Sra|Srta|Señor|Señora|Don|Doña|Sig|Signor|Signora|Dott|Dhr|Mevr|Pan|Pani|Bay|Bayan';
const TITLE = `(?:${TITLE_WORDS})(?![\\p{L}\\p{M}])\\.?`;
const SMALL_TITLE = TITLE.replace(TITLE_WORDS, TITLE_WORDS.toLowerCase());

const words = (list: string) =>
  list
    .trim()
    .split(/\s*[\n|]\s*/)
    // The longest first: what is found is not tried again in a shorter form.
    .sort((a, b) => b.length - a.length)
    .join('|')
    .replaceAll(' ', '[ \\t]');

/** People by what they do; a name follows at once, or after a colon. */
const ROLES = words(`
caller|customer|client|subscriber|user|end user|contact|contact person|contact name|requester|requestor|requesting user|reporter|submitter|technician|tech|field tech|engineer|field engineer|fitter|installer|electrician
operator|agent|dispatcher|supervisor|manager|shift lead|team lead|team leader|shift manager|owner|assignee|opened for|requested for|on behalf of|colleague|coordinator|specialist|analyst|admin|administrator|resident|tenant|landlord|neighbour|neighbor
janitor|caretaker|receptionist|patient|nurse|doctor|teacher|foreman|contractor|employee|attn|attention|cc|c/o|name|full name|first name|last name|surname|signed|author|poc|site contact|local contact|key holder|keyholder|account manager|project manager|on-call|on call
anrufer|anruferin|melder|melderin|meldende|kunde|kundin|kd|ansprechpartner|ansprechpartnerin|ap|bearbeiter|bearbeiterin|techniker|technikerin|monteur|mitarbeiter|mitarbeiterin|kollege|kollegin|hausmeister|nutzer|mieter|herr|frau|kontakt|laut
appelant|demandeur|demandeuse|technicien|technicienne|cliente|contact client|interlocuteur|utilisateur|responsable|selon|de la part de
técnico|técnica|tecnico|tecnica|contacto|usuario|solicitante|encargado|según|segun|referente|richiedente|utente|contatto|responsabile|utilizador|solicitante|contato|usuário|segundo
klant|melder|contactpersoon|gebruiker|beller|aanvrager|volgens|kund|tekniker|kontaktperson|användare|anmälare|enligt|kunde|montør|bruger|bruker|ifølge|asiakas|asentaja|ilmoittaja|yhteyshenkilö
klient|klientka|technik|zgłaszający|zgłosił|zgłosiła|osoba kontaktowa|użytkownik|zákazník|zákaznice|kontaktní osoba|nahlásil|nahlásila|müşteri|arayan|teknisyen|bildiren|tehnician|persoana de contact|ügyfél|bejelentő|technikus|korisnik|prijavio|prijavila|tehničar
πελάτης|τεχνικός|πελάτισσα|абонент|клиент|заявитель|техник|инженер|сообщил|сообщила|обратился|обратилась|khách hàng|kỹ thuật viên|người báo
`);

/** What was done, in the languages where a preposition names who did it. */
const DONE_BY = [
  // English verbs by their ending: a list of verbs would always lack some.
  `(?:\\p{L}{2,16}(?:ed|ied|en|wn|nt|lt|id|de|ut|it)|call|note|visit|update|entry|comment|work|repair|ticket|report|request|complaint|escalation|approval|inspection|diagnosis|call[- ]?out)[ \\t](?:in[ \\t]|up[ \\t]|on[ \\t]site[ \\t])?by`,
  words(
    'gemeldet von|erfasst von|erstellt von|erledigt von|geschlossen von|bearbeitet von|geändert von|gesendet von|gesprochen mit|zugewiesen an|weitergeleitet an|übergeben an|rücksprache mit|laut aussage von',
  ),
  words(
    'signalé par|signalée par|ouvert par|créé par|fermé par|clôturé par|résolu par|traité par|transmis à|assigné à|affecté à|appel de|échange avec',
  ),
  words(
    'reportado por|reportada por|abierto por|cerrado por|creado por|resuelto por|atendido por|asignado a|escalado a|llamada de|hablado con|segnalato da|aperto da|chiuso da|risolto da|assegnato a|parlato con|reportado por|aberto por|fechado por|criado por|resolvido por|atribuído a',
  ),
  words(
    'gemeld door|aangemeld door|gesloten door|opgelost door|toegewezen aan|gesproken met|rapporterat av|rapporterad av|anmäld av|anmält av|meldt av|meldt af|rapporteret af|lukket af|løst af|løst av|pratat med|talt med',
  ),
  words(
    'zgłoszone przez|zgłoszony przez|zamknięte przez|przypisane do|rozmowa z|nahlášeno od|hovor s|raportat de|închis de|rezolvat de|bejelentette|prijavljeno od|αναφέρθηκε από|заявка от|от имени|передано|báo bởi',
  ),
].join('|');

/** Verbs with the preposition that leads to a person. */
const TO_PEOPLE = words(`
spoke with|spoke to|spoken with|spoken to|speak with|speak to|speaking with|speaking to|talked with|talked to|talk to|talking to|chatted with|met with|agreed with|arranged with|discussed with|confirmed with
coordinated with|liaised with|liaise with|in contact with|appointment with|meeting with|conversation with|chat with|escalated to|escalate to|assigned to|assign to|reassigned to|re-assigned to|reassigned from
handed over to|hand over to|forwarded to|passed to|passed on to|passed over to|delegated to|allocated to|left message with|left a message with|left voicemail for|left a voicemail for|please contact|ask for|asked for|ask
please ask|please call|tried calling|emailed|e-mailed|phoned|texted|thanked|call from|called from|message from|mail from|email from|e-mail from|reply from|note from|letter from|according to|responsible is|my name is
name is
`);

/** What may lead to a place, a team or a thing as well: a person has two words there. */
const TO_ANY = words(`
sent to|contact|contacted|per|via|given to|complaint from|information from|update from|response from|feedback from|request from|waiting for|waiting on|pending with|belongs to|covered by|replaced by|refer to|referred to
reported to|dispatched to|transferred to|transferred from|handed to|courtesy of|attention of|notified|informed|asked|called|call|advised|left with|confirmation from|thanks to|works for|checked with|met|call with
reachable via|responsible|i am|this is
`);

/** Behind the name of a journal entry, as ServiceNow writes it: `2024-05-02 10:11:07 - Name (Work notes)`. */
const JOURNAL = '\\d{1,2}:\\d{2}(?::\\d{2})?(?:[ \\t][ap]m)?[ \\t]-';

/** What people do: a name of two words stands before these. */
const DOES = words(`
called|calls|says|said|reports|reported|confirmed|confirms|wants|wanted|asked|asks|states|stated|requests|requested|complains|complained|advised|advises|mentioned|mentions|claims|claimed|explained|informed|informs|wrote|writes|replied|replies|answered|responded|phoned|rang|told|tells|found|attended|arrived|visited|approved|approves|refused|refuses|agreed|needs|needed|thinks|noticed|notices|believes|experiences|experienced|is on site|is onsite|is not at home|was not at home|is away|is out|is on leave|is on holiday|is on call|will|would|could|cannot|can't|can not|has|had|tried|rebooted|restarted|replaced|repaired|checked|tested|fixed|closed|opened|escalated|resolved|installed|moved|forgot|lost|sent|sends|received|lives|works|from
`);
/** Of those, what people alone do: one capitalised word before them is a name. */
const SAYS = words(
  'says|said|wants|wanted|asked|asks|complains|complained|phoned|rang|told|tells|wrote|writes|thinks|believes|refuses|refused|called|called again|called back',
);

const CLOSING = words(
  'best regards|kind regards|warm regards|many thanks|with best regards|with kind regards|best wishes|regards|wishes|greetings|thanks|thank you|thx|cheers|br|rgds|kr|sincerely|yours sincerely|yours truly|yours faithfully|best|mfg|vg|lg|mit freundlichen grüßen|mit freundlichem gruß|viele grüße|freundliche grüße|beste grüße|cordialement|bien à vous|cdlt|saludos|un saludo|atentamente|cordiali saluti|distinti saluti|atenciosamente|cumprimentos|met vriendelijke groet|groeten|mvh|med vänlig hälsning|hilsen|med venlig hilsen|terveisin|pozdrawiam|s pozdravem|saygılarımla|cu stimă|üdvözlettel|pozdrav|με εκτίμηση|с уважением|trân trọng',
);
const GREETING = words(
  'dear|hi|hello|hey|good morning|good afternoon|good evening|hallo|liebe|lieber|guten tag|sehr geehrter|sehr geehrte|guten morgen|bonjour|bonsoir|cher|chère|hola|buenos días|estimado|estimada|ciao|buongiorno|gentile|olá|bom dia|beste|geachte|hej|hei|dzień dobry|dobrý den|merhaba|sayın|bună ziua|kedves|poštovani|γεια σας|αγαπητέ|здравствуйте|уважаемый|уважаемая|chào|kính gửi',
);

/** What stands in front is found without case, then the name by its capitals: `[front, name]`. */
export interface Beside {
  /** Sought in small letters, flags `gu`: so many words in any case would take several times as long. Where it ends, the name begins. */
  front: RegExp;
  /** Sticky, flags `uy`; its first group is the name. */
  then: RegExp;
}

const beside = (front: string, then: string): Beside => ({
  front: new RegExp(`(?<![\\p{L}\\p{M}\\p{N}])(?:${front})`, 'gu'),
  then: new RegExp(then, 'uy'),
});

const END = `(?!${LETTER})`;
const LEAD = `(?:${TITLE}[ \\t]{1,2})?`;
const SEP = '(?:[ \\t\\u00a0]{0,3}[:=–-][ \\t\\u00a0]{0,3}|[ \\t\\u00a0]{1,3})(?:["“„(<\'‘][ \\t]?)?';
const FOLLOWS = '(?=[ \\t.]{0,8}(?:\\r?\\n|[,|(;]|$))';

/** Every name after these; order matters little. */
export const NAMES_BESIDE: readonly Beside[] = [
  beside(`(?:${ROLES})(?:(?:/in|\\(in\\)|'s)?(?:[ \\t](?:name|person|is|was|named|called|ist|war|est))?)`, `${SEP}${LEAD}(${TURNED}|${NAME})${END}`),
  beside(DONE_BY, `${SEP}${LEAD}(?:(?:the|our|my|his|her)[ \\t])?(?:(?:${words('customer|colleague|technician|engineer|supervisor|manager|tenant|client|user|agent|operator|neighbour')})[ \\t])?(${TURNED}|${NAME})${END}`),
  beside(TO_PEOPLE, `${SEP}${LEAD}(?:(?:our|my|his|her|the)[ \\t]\\p{Ll}{3,16}[ \\t])?(${TURNED}|${NAME})${END}`),
  beside(TO_ANY, `${SEP}${LEAD}(${PAIR}|${TURNED})${END}`),
  beside(JOURNAL, `[ \\t]{1,2}(${TURNED}|${NAME})(?=[ \\t]{0,2}\\()`),
  beside(SMALL_TITLE, `[ \\t]{1,2}${LEAD}(${NAME})${END}`),
  beside(`(?:${CLOSING})[ \\t]{0,4}[,.!-]{0,2}[ \\t]{0,4}\\r?\\n\\s{0,8}`, `${LEAD}(${TURNED}|${NAME})${FOLLOWS}`),
  beside(`(?:${CLOSING})[ \\t]{0,4}[,!-]`, `[ \\t]{0,4}(${NAME})${FOLLOWS}`),
  beside(GREETING, `[ \\t]{1,2}${LEAD}(${NAME})(?=[ \\t]{0,2}(?:[,!.:]|\\r?\\n|$))`),
]; // prettier-ignore

/** The same for scripts without capitals: after roles and verbs alone, else every word would be a name. */
export const UNCASED_BESIDE: readonly Beside[] = [
  beside(`(?:${ROLES}|${DONE_BY}|${TO_PEOPLE}|${TO_ANY}|${GREETING}|${SMALL_TITLE}|${JOURNAL})`, `${SEP}(${BARE})`),
  beside(`(?:${CLOSING})[ \\t]{0,4}[,.!-]{0,2}[ \\t]{0,4}\\r?\\n\\s{0,8}`, `(${BARE})`),
];

/** Names that stand before what people do; the group is the name, and what follows is looked at only. */
export const NAMES_BEFORE: readonly RegExp[] = [
  new RegExp(`(?<![\\p{L}\\p{M}\\p{N}'’.-])(${PAIR}|${TURNED})(?=[ \\t]{1,2}(?:${DOES})(?![\\p{L}\\p{M}]))`, 'gu'),
  new RegExp(`(?<![\\p{L}\\p{M}\\p{N}'’.-])(${WORD})(?=[ \\t]{1,2}(?:${SAYS})(?![\\p{L}\\p{M}]))`, 'gu'),
];

/** Names without capitals before what people do. */
export const UNCASED_BEFORE: readonly RegExp[] = [
  new RegExp(`(?<![\\p{Lo}\\p{M}])(${BARE})(?=[ \\t]{1,2}(?:${DOES})(?![\\p{L}\\p{M}]))`, 'gu'),
];

const PARTICLE_SET = new Set(PARTICLES.split(' '));

/**
 * How many characters of what looks like a name are one: up to the first ordinary word, without particles, commas and an
 * 's at the end; 0 where none is left. A lone letter is no name.
 */
export function nameLength(text: string): number {
  let end = 0;
  let whole = false;
  for (const match of text.matchAll(/[^\s,]+/gu)) {
    const word = match[0];
    const bare = word.replace(/['’]s$/u, '');
    if (PARTICLE_SET.has(bare.toLowerCase()) && !/^\p{Lu}{2,}/u.test(bare)) continue;
    // The last word of a name may be a letter: "Nguyễn Văn A".
    if (end > 0 && /^[^\P{Lu}I]$/u.test(bare) && match.index + word.length === text.length) return text.length;
    if (isOrdinary(bare) || bare.split('-').some((part) => part.length > 1 && isOrdinary(part))) break;
    // Product names and codes: "MPLS", "NetScaler"; people who write in capitals alone are found by lists.
    if (/^\p{Lu}{2,5}$/u.test(bare) && end === 0) break;
    if (/^\p{Lu}\.?$/u.test(bare) && end === 0 && !/\s\p{L}['’\p{L}]/u.test(text.slice(match.index))) break;
    end = match.index + bare.length;
    whole ||= bare.replace('.', '').length > 1;
  }
  return whole ? end : 0;
}
