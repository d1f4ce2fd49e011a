import { redact, type RedactionKind } from '../../../src/lib/data/redact';
import { LABELS, labelledSet, type Label, type Labelled } from './labelled';

/** Which kinds of the product answer for a label. */
export const KINDS: Readonly<Record<Label, readonly RedactionKind[]>> = {
  person: ['person'],
  uncased: ['uncased'],
  email: ['email'],
  phone: ['phone'],
  ipv4: ['ipv4'],
  ipv6: ['ipv6'],
  mac: ['mac'],
  url: ['url'],
  host: ['host'],
  card: ['card'],
  id: ['subscriber', 'account'],
  circuit: ['circuit'],
  street: ['street'],
  postcode: ['postcode'],
  site: ['site'],
};

/** How one kind fares on labelled sentences. */
export interface Fared {
  label: Label;
  /** Labelled things, and those of them of which no letter or digit is left, by whatever rule. */
  n: number;
  hidden: number;
  /** What rules of the kind hid, and how often that was labelled to the last letter and digit, as whatever kind. */
  spans: number;
  right: number;
}

/** What went wrong, for whoever mends the rules. */
export interface Wrong {
  label: Label;
  text: string;
  what: string;
}

const SIGN = /[\p{L}\p{N}]/u;

/** Hides each sentence with every rule on, and counts. `wrong` gets what was left and what was hidden in excess. */
export function measure(set: readonly Labelled[], wrong: Wrong[] = []): Fared[] {
  const fared = new Map<Label, Fared>(LABELS.map((label) => [label, { label, n: 0, hidden: 0, spans: 0, right: 0 }]));
  const labelOf = new Map(LABELS.flatMap((label) => KINDS[label].map((kind) => [kind, label] as const)));
  for (const { text, labels } of set) {
    const { spans } = redact(text, { off: new Set() });
    const inside = (ranges: readonly { start: number; end: number }[], at: number) =>
      ranges.some(({ start, end }) => at >= start && at < end);
    const whole = (ranges: readonly { start: number; end: number }[], start: number, end: number) => {
      for (let i = start; i < end; i++) if (SIGN.test(text.charAt(i)) && !inside(ranges, i)) return false;
      return true;
    };
    for (const { label, start, end } of labels) {
      const row = fared.get(label) as Fared;
      row.n++;
      if (whole(spans, start, end)) row.hidden++;
      else wrong.push({ label, text, what: `left: ${text.slice(start, end)}` });
    }
    for (const { kind, start, end } of spans) {
      const label = labelOf.get(kind);
      if (!label) continue;
      const row = fared.get(label) as Fared;
      row.spans++;
      if (whole(labels, start, end)) row.right++;
      else wrong.push({ label, text, what: `too much: ${text.slice(start, end)}` });
    }
  }
  return [...fared.values()];
}

export const measureHalf = (half: Labelled['half'], rounds: number, wrong: Wrong[] = [], seed?: number) =>
  measure(
    labelledSet(rounds, seed).filter((sentence) => sentence.half === half),
    wrong,
  );

export const recall = ({ hidden, n }: Fared) => hidden / n;
/** Null where nothing was hidden. */
export const precision = ({ right, spans }: Fared) => (spans === 0 ? null : right / spans);

/** Sentences of one round of a half. */
export const sentencesOf = (half: Labelled['half']) =>
  labelledSet(1).filter((sentence) => sentence.half === half).length;
