/** See layer-scan.mjs. */
export function importsOf(text: string): { from: string; value: boolean }[];
export function circlesOf(nodes: Iterable<string>, next: (node: string) => readonly string[]): string[][];
export function withoutDetours(edges: ReadonlyMap<string, ReadonlySet<string>>): Map<string, string[]>;
export function pageGlobals(
  ts: typeof import('typescript'),
  text: string,
  names: readonly string[],
): { name: string; line: number }[];
export function firstSentence(markdown: string): string;
