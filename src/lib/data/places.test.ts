import { describe, expect, it } from 'vitest';
import { redact } from './redact';

const HIDDEN = [
  ['Kunde wohnt Hauptstraße 12, 80331 München', 'Kunde wohnt [street 1], [postcode 1] München'],
  ['Störung in der Königsallee 5a', 'Störung in der [street 1]'],
  ['An der Luisenburg 30 und Im Bruch 12b', '[street 1] und [street 2]'],
  ['Von-Eichendorff-Str. 1', '[street 1]'],
  ["12 bis rue de l'Odéon, 75006 Paris", '[street 1], [postcode 1] Paris'],
  ["27 Avenue d'Orsel", '[street 1]'],
  ['rue du 8 Mai 1945 12', '[street 1]'],
  ['3, place de la République', '[street 1]'],
  ['Calle Mayor s/n, Madrid', '[street 1], Madrid'],
  ['C/ Alcalá 45', '[street 1]'],
  ['ul. Długa 12/4, 31-147 Kraków', '[street 1], [postcode 1] Kraków'],
  ['al. Jana Pawła II 23', '[street 1]'],
  ['12 Old State Road, 812 Third Street and 467 1st Avenue', '[street 1], [street 2] and [street 3]'],
  ['1600 Pennsylvania Ave NW, Apt. 4', '[street 1]'],
  ['Keizersgracht 123-II', '[street 1]'],
  ['van den Berggracht 279c', '[street 1]'],
  ['Lange Voorhout 8, 2514 EA Den Haag', '[street 1], [postcode 1] Den Haag'],
  ['abita in via Garibaldi 5', 'abita in [street 1]'],
  ["Viale dell'Arco 7", '[street 1]'],
  ['Corso Vittorio Emanuele II 12', '[street 1]'],
  ['ulice 28. října 5', '[street 1]'],
  ['Лесная ул., 457', '[street 1]'],
  ['Atatürk Cad. No: 5', '[street 1]'],
  ['Örs vezér liget 3', '[street 1]'],
  ['Trg hrvatskih branitelja 6', '[street 1]'],
  ['Rua Augusta, 274', '[street 1]'],
  ['lives at Alte Ziegelei 58a, second floor', 'lives at [street 1], second floor'],
  ['Aleea Matei Millo, Bloc 65', '[street 1]'],
  ['Nygade 4 in 2000 Frederiksberg', '[street 1] in [postcode 1] Frederiksberg'],
  ["Lives at 'Hauptstr. 12a', 80331 München", "Lives at '[street 1]', [postcode 1] München"],
] as const;

const KEPT = [
  'Breaker tripped in Northgate, 83 subscribers without service',
  'Breaker tripped at Westpark, 280 customers',
  'kein Signal auf Strecke 312',
  'Im Schrank 12, Am Router 3, Im Januar 12',
  'outage at Hilltop 3 hours, service at Oakfield 40 users',
  'Rack 12, Slot 3, Port 4; Ring North 3; location: Hilltop Rack 12',
  'Card Failure, S/N 2102, Low s/n 12, Huawei Board s/n 2102359',
  'Route Reflector 12, Route Target 65000, Route Table 3',
  'via Telia 100, routed via Level 3, via Core 12',
  '5 Hard Drives, 3 Base Station, 2 Media Gateway, 4 Optical Lane',
  'Visual Studio 2019, Windows Server 2016, Cisco Prime 3',
  'Digger hit the duct near Elm Street - light level lost on span 676',
  'Copyright 2007, 2010 Free Software; in 2016 Microsoft; 3, 4096 MiB',
  'String16 and String32 for Apple Magic Trackpad 2, in ISO-10646 Unicode',
  'Fix PR 29972, alarm 12 High Temperature',
];

describe('streets and postcodes', () => {
  it.each(HIDDEN)('hides: %s', (text, hidden) => expect(redact(text).text).toBe(hidden));
  it.each(KEPT)('keeps: %s', (text) => expect(redact(text).text).toBe(text));
});
