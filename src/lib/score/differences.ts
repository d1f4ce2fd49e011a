/** A run of words that both texts share, or that only one of them has. */
export interface Piece {
  text: string;
  shared: boolean;
}

const words = (text: string) => text.split(/\s+/).filter(Boolean);
/** Beyond this many words a text is compared by its beginning: the table grows with the square. */
const MOST_WORDS = 400;

/** Neighbours of one kind become one piece. */
function joined(items: readonly Piece[]): Piece[] {
  const out: Piece[] = [];
  for (const { text, shared } of items) {
    const last = out.at(-1);
    if (last && last.shared === shared) last.text += ` ${text}`;
    else out.push({ text, shared });
  }
  return out;
}

/** Two texts with what they share and what not: the longest common subsequence of their words. */
export function differences(a: string, b: string): { a: Piece[]; b: Piece[] } {
  const [x, y] = [words(a).slice(0, MOST_WORDS), words(b).slice(0, MOST_WORDS)];
  const rest = [words(a).slice(MOST_WORDS), words(b).slice(MOST_WORDS)] as const;
  const width = y.length + 1;
  // common[i][j]: length of the longest common subsequence of x[i..] and y[j..].
  const common = new Uint16Array((x.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] as number;
  for (let i = x.length - 1; i >= 0; i--)
    for (let j = y.length - 1; j >= 0; j--)
      common[i * width + j] = x[i] === y[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const left: Piece[] = [];
  const right: Piece[] = [];
  const own = (text: string): Piece => ({ text, shared: false });
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    const [p, q] = [x[i], y[j]];
    if (p !== undefined && p === q) {
      left.push({ text: p, shared: true });
      right.push({ text: p, shared: true });
      i++;
      j++;
    } else if (q === undefined || (p !== undefined && at(i + 1, j) >= at(i, j + 1))) {
      left.push(own(p as string));
      i++;
    } else {
      right.push(own(q));
      j++;
    }
  }
  return { a: joined([...left, ...rest[0].map(own)]), b: joined([...right, ...rest[1].map(own)]) };
}
