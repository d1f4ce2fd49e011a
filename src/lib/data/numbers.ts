/** Numbers as people and spreadsheets of any country write them. */

const SIGN = String.raw`[-+\u2212]?\s?`;
const EXPONENT = String.raw`(?:[eE][-+]?\d{1,3})?`;
/** Digits with at most one decimal sign, a point or a comma. */
const PLAIN = new RegExp(String.raw`^(${SIGN})(\d*)(?:[.,](\d*))?(${EXPONENT})\s?%?$`);
/** Groups of three digits, all parted by one sign, and then decimals behind another. */
const GROUPED = new RegExp(
  String.raw`^(${SIGN})(\d{1,3}(?:([,.'’\u00a0\u202f ])\d{3})(?:\3\d{3})*)(?:[.,](\d+))?\s?%?$`,
);

/**
 * The value of a cell that is one number; null where it is none. Knows decimal commas and points, groups of thousands,
 * exponents, a sign and percent ("12 %" is 12: what counts is the figure that was written). "1,234" alone may be either;
 * it is taken as grouped unless it begins with 0, as "0,123" does.
 */
export function numberOf(cell: string): number | null {
  const text = cell.trim();
  if (text.length > 400 || !/\d/.test(text)) return null;
  const value = (sign: string, digits: string, decimals: string, exponent = '') =>
    Number(`${/[-\u2212]/.test(sign) ? '-' : ''}${digits || '0'}.${decimals || '0'}${exponent}`);
  const grouped = GROUPED.exec(text);
  if (grouped && !/^0/.test(grouped[2] ?? ''))
    return value(grouped[1] ?? '', (grouped[2] ?? '').replace(/\D/g, ''), grouped[4] ?? '');
  const plain = PLAIN.exec(text);
  return plain ? value(plain[1] ?? '', plain[2] ?? '', plain[3] ?? '', plain[4]) : null;
}
