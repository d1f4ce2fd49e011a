/** Words that streets are called by, of public lists: USPS Publication 28 (C1), the tipos de vía of Spain's land register, and others. */

/** Alternatives of a pattern, the words as they stand. */
export const listOf = (list: string) => list.trim().split(/\s+/).join('|');

/** Each alternative as it stands and with a first capital. */
export const casesOf = (list: string) =>
  list
    .split('|')
    .map((word) => word.replace(/^\p{L}/u, (letter) => `[${letter.toUpperCase()}${letter}]`))
    .join('|');

/** With a first capital only: small, these are words of other kinds, or of English. */
export const capitalOf = (list: string) =>
  list
    .split('|')
    .map((word) => word.replace(/^\p{L}/u, (letter) => letter.toUpperCase()))
    .join('|');

/** Ends of street names that are one word with them, or the last word. */
export const ENDINGS = listOf(
  'straße strasse str\\. strase weg gasse allee platz (?<=\\p{L})ring damm ufer steig pfad chaussee graben wiesen (?<=\\p{L})stieg (?<=\\p{L})berg (?<=\\p{L})kamp ' +
    'markt straat laan plein kade dijk singel gracht steeg plantsoen dreef (?<=\\p{L})weide (?<=\\p{L})pad (?<=\\p{L})hof (?<=\\p{L})park (?<=\\p{L})baan ' +
    'gade vej vænget stræde torv allé kvarter vägen väg gatan gata gränd torget stigen (?<=\\p{L})gate veien vei veg vegen plass torg bakken løkka svingen katu (?<=\\p{L})tie kuja polku ranta rinne raitti aukio kaari ' +
    'utca utja útja út fasor liget rakpart tér köz sétány körút u\\. ulice třída náměstí nábřeží nám\\. ulica trg sokak sokağı caddesi cadde bulvarı bulvar mahallesi cad\\. sok\\. cd\\. sk\\.',
);

/** Words that stand behind an adjective in Russian, Ukrainian and their kin: "Лесная ул., 5". */
export const BEHIND = listOf(
  'улица ул\\. проспект пр\\. пр-т площадь пл\\. переулок пер\\. набережная наб\\. аллея ал\\. шоссе ш\\. бульвар бул\\. б-р проезд тупик вулиця вул\\. просп\\. площа провулок',
);

/** Words that stand before the name of a street. */
export const BEFORE = listOf(
  'rue avenue av\\. ave\\. boulevard bd bd\\. blvd\\. pl\\. quai chemin impasse allée sentier venelle ruelle esplanade faubourg hameau lotissement viale piazza piazzale piazzetta corso contrada vicolo borgo lungomare frazione rotonda incrocio salita ' +
    'calle c/ carrer cra\\. crta\\. ctra\\. avenida avda\\. plaza paseo carretera camino travesía glorieta rambla callejón urbanización polígono rua travessa estrada praça alameda beco ' +
    'ul\\. ulica al\\. aleja aleje os\\. osiedle pl\\. plac wyb\\. wybrzeże bulw\\. bulwar rondo rynek skwer szosa zaułek droga trakt ' +
    'str\\. strada aleea bulevardul b-dul calea splaiul intrarea piața ulice náměstí třída nábřeží ulica trg obala улица ул\\. пр\\. проспект пл\\. площадь пер\\. переулок наб\\. набережная шоссе бульвар ал\\. аллея вул\\. đường phố ngõ ' +
    'οδός λεωφόρος λεωφ\\. πλατεία',
);

/** The same, with a capital only where no house number stands before them. */
export const CAPITAL_BEFORE = listOf(
  'via route place square passage cours voie cité cour clos villa montée promenade parvis largo strada colonia quinta ronda barrio huerta cuesta vereda senda travesera riera subida vrt prolaz šetalište',
);

/** Their names may be small throughout: "Trg hrvatskih branitelja 6". */
export const SMALL_NAMED = listOf(
  'Trg Ulica Obala Prolaz Šetalište Prilaz Cesta Nabrežje Perivoj Náměstí Nábřeží Třída',
);

/** What an English street is that nothing else with a number is: "12 Old State Road" though every word is ordinary. */
export const ENGLISH_SURE = listOf(
  'street st road rd avenue ave boulevard blvd highway hwy parkway pkwy crescent terrace mews close motorway turnpike',
);
/** What else an English street may be called. */
export const ENGLISH_MORE = listOf(
  'lane ln drive dr court courts ct trail way ways place pl square squares sq circle circles cir walk walks gardens garden grove groves hill hills rise alley ' +
    'arcade bayou beach bend bluff bluffs brook brooks burg burgs bypass camp canyon cape causeway cliff cliffs common commons corner corners course cove coves creek crest crossing crossroad crossroads curve dale dam ' +
    'estate estates expressway falls ferry flats ford fords forest forge forges fort freeway glen glens green greens harbor harbour harbors haven heights hollow inlet island islands isle junction knoll knolls lake lakes landing ' +
    'lodge mall manor manors meadow meadows mill mills mount mountain mountains neck orchard oval overpass park parks passage path pike pine pines plain plains plaza prairie ramp ranch rapids ridge ridges river roads ' +
    'shoal shoals shore shores skyway springs spur spurs stravenue summit throughway trace trafficway tunnel underpass valley valleys viaduct view views village villages ville vista wells',
);
/** The same where a word that leads to an address stands before: by itself it is a part of a network. */
export const ENGLISH_LED = listOf(
  'bottom branch bridge center centers centre club divide dam extension extensions field fields fork forks gateway gateways key keys land light lights loaf lock locks loop mission pass point points port ports radial rapid rest route row rue run ' +
    'spring squares station stations stream streets terrace track trailer union unions wall well',
);
