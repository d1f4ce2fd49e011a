import type { Ticket } from '../schema/dataset';
import type { Duplicates } from './duplicates';

/**
 * One label per set of tickets that belong together, by the source's group or as near duplicates; null where alone.
 * The labels are our own: a source's incident numbers can identify a customer.
 */
export function groupsOf(drafts: readonly Pick<Ticket, 'group'>[], { kept, group }: Duplicates): Map<number, string> {
  const parent = new Map<number, number>();
  const find = (i: number): number => {
    let root = i;
    for (let up = parent.get(root); up !== undefined; up = parent.get(root)) root = up;
    return root;
  };
  const join = (a: number, b: number) => {
    const [x, y] = [find(a), find(b)];
    if (x !== y) parent.set(Math.max(x, y), Math.min(x, y));
  };
  const bySource = new Map<string, number>();
  for (const i of kept) {
    const near = group[i] ?? i;
    if (near !== i) join(i, near);
    const source = drafts[i]?.group ?? null;
    if (source === null) continue;
    const first = bySource.get(source);
    if (first === undefined) bySource.set(source, i);
    else join(i, first);
  }
  const sizes = new Map<number, number>();
  for (const i of kept) sizes.set(find(i), (sizes.get(find(i)) ?? 0) + 1);
  const labels = new Map<number, string>();
  const out = new Map<number, string>();
  for (const i of kept) {
    const root = find(i);
    if ((sizes.get(root) ?? 0) < 2) continue;
    const label = labels.get(root) ?? `group ${labels.size + 1}`;
    labels.set(root, label);
    out.set(i, label);
  }
  return out;
}
