import { groupBy } from '../core/group';
import { mean, standardDeviation, t975 } from '../core/stats';
import { twoWay } from '../core/two-way';
import type { Phase, RunRecord, TaskName } from '../schema/run';

/** What answering tickets costs. Loading, compressing and warm-up happen once and are reported apart. */
export const ANSWERING: ReadonlySet<Phase> = new Set(['prefill', 'decode']);

/** A slice that takes this many times the fastest was held up by something: the device slept, or did other work. */
export const HELD_UP = 3;

/** Energies of variants by one model: log E = variant + block + rest. */
export interface EnergyFit {
  /** Joules of all tasks of a ticket, in the order of the variants; null = unknown. */
  joules: (number | null)[];
  /** Logarithms of the same. */
  log: (number | null)[];
  /** SD of the difference of two logarithms; null where blocks do not link them or nothing is left to estimate it from. */
  sd: (i: number, j: number) => number | null;
  /** SD of one logarithm by timing alone; null where it cannot be told. */
  own: (number | null)[];
  /** Residual degrees of freedom. */
  df: number;
  /** Blocks that the least measured variant was in. */
  slices: number;
  /** Number of the group whose passes are the same work, by variant. */
  work: number[];
  /** Slices that were left out because something held them up, by variant. */
  heldUp: number[];
}

/** Work and joules of one variant in one block: of each task and phase, per ticket. */
interface Cell {
  block: number;
  slice: number;
  anchor: boolean;
  parts: Map<string, { joules: number; work: number }>;
}

const add = (map: Map<string, number>, key: string, x: number) => map.set(key, (map.get(key) ?? 0) + x);

/** Blocks of a variant in which all tasks were answered and metered. */
function cellsOf(runs: readonly RunRecord[], tasks: readonly TaskName[]): Cell[] {
  const counted = runs.every((run) => run.phases.every((p) => !ANSWERING.has(p.phase) || p.flops !== null));
  return [...groupBy(runs, (run) => `${run.block} ${String(run.anchor)}`).values()].flatMap((group): Cell[] => {
    const own = tasks.map((task) => group.find((run) => run.task === task));
    const parts: Cell['parts'] = new Map();
    for (const run of own) {
      const n = run?.tickets.length ?? 0;
      const readings = run?.phases.filter(({ phase }) => ANSWERING.has(phase)) ?? [];
      if (!run || n === 0 || readings.length === 0) return [];
      for (const { phase, joules, flops } of readings) {
        if (joules === null) return [];
        // A phase that did nothing took nothing: no word was written.
        if (joules.mid > 0)
          parts.set(`${run.task} ${phase}`, { joules: joules.mid / n, work: counted && flops ? flops / n : 1 });
      }
    }
    const [first] = group;
    return parts.size === 0 || !first ? [] : [{ block: first.block, slice: first.slice, anchor: first.anchor, parts }];
  });
}

const total = (parts: Iterable<readonly [string, number]>, rate: (key: string) => number) => {
  let sum = 0;
  for (const [key, work] of parts) sum += work * rate(key);
  return sum;
};

/** Variants of one group of equal work: joules a unit of work in each block, over all of them, and mean work a ticket. */
function groupRates(cells: readonly Cell[]) {
  const work = new Map<string, number>();
  const all = new Map<string, { joules: number; work: number }>();
  const own = cells.filter((cell) => !cell.anchor);
  for (const cell of own)
    for (const [key, part] of cell.parts) {
      add(work, key, part.work / own.length);
      const sum = all.get(key) ?? { joules: 0, work: 0 };
      all.set(key, { joules: sum.joules + part.joules, work: sum.work + part.work });
    }
  const meanRate = (key: string) => {
    const sum = all.get(key);
    return sum && sum.work > 0 ? sum.joules / sum.work : 0;
  };
  const standard = total(work, meanRate);
  /**
   * log of a block's joules for the group's mean ticket, the mean over its members. A mean of logarithms, since the fit is
   * one of logarithms: the log of a mean lies above it by what single slices are slowed down, and so would groups of
   * many members above those of one.
   */
  const blocks = [...groupBy(cells, (cell) => cell.block)].map(([block, members]) => {
    const y = mean(
      members.map(({ parts }) => {
        let [joules, usual, missing] = [0, 0, 0];
        for (const [key, w] of work) {
          const part = parts.get(key);
          if (part && part.work > 0) joules += (w * part.joules) / part.work;
          else missing += w * meanRate(key);
          if (part && part.work > 0) usual += w * meanRate(key);
        }
        // What a member did not do in this block costs what it does elsewhere, at its pace in this block.
        return Math.log(joules + missing * (usual > 0 ? joules / usual : 1));
      }),
    );
    return { block, y, weight: members.length };
  });
  /** log of a slice's own work over the mean ticket's, at the group's mean rates. */
  const content = (cell: Cell) =>
    Math.log(
      total(
        [...cell.parts].map(([key, part]) => [key, part.work] as const),
        meanRate,
      ) / standard,
    );
  return { blocks, content };
}

const byKey = <T>(items: readonly T[], key: (item: T) => number) => new Map(items.map((item) => [key(item), item]));

/**
 * Fits log E = variant + block + rest by least squares over all slices of all stages, its variance pooled over variants.
 * Joules of a block are those of timing (rates of a group of equal work, pooled within the block) times own work (the
 * tokens that a variant read and wrote): rates have the pooled variance; own work differs from that of another variant
 * by what their tickets differ in, so its variance is each pair's own.
 *
 * @param variants runs of each variant; `pool` false keeps variants of equal work apart
 * @param isModel false for those that stay out of the pooled fit (the classical baseline, thousands of times shorter)
 */
export function fitEnergies(
  variants: readonly (readonly RunRecord[])[],
  tasks: readonly TaskName[],
  { isModel, pool = true }: { isModel: (i: number) => boolean; pool?: boolean },
): EnergyFit {
  const cells = variants.map((runs) => cellsOf(runs, tasks));
  const names = variants.map((runs, i) => {
    const pass = runs[0]?.pass ?? null;
    return pool && pass !== null && isModel(i) ? `pass ${pass}` : `variant ${i}`;
  });
  const groups = [...new Set(names)];
  const work = names.map((name) => groups.indexOf(name));
  const rates = groups.map((_, g) => groupRates(cells.flatMap((own, i) => (work[i] === g ? own : []))));
  const heldUp = variants.map(() => 0);
  const kept = rates.map(({ blocks }, g) => {
    const fastest = Math.min(...blocks.map(({ y }) => y));
    const fine = blocks.filter(({ y }) => y - fastest <= Math.log(HELD_UP));
    work.forEach((own, i) => {
      if (own === g) heldUp[i] = blocks.length - fine.length;
    });
    return fine.filter(({ y }) => Number.isFinite(y));
  });
  const blockIds = [...new Set(kept.flatMap((own) => own.map(({ block }) => block)))].sort((a, b) => a - b);
  const place = new Map(blockIds.map((block, i) => [block, i]));
  const modelGroups = new Set(work.filter((_, i) => isModel(i)));
  const timing = twoWay(
    kept.flatMap((own, g) =>
      modelGroups.has(g)
        ? own.map(({ block, y, weight }) => ({ row: g, column: place.get(block) as number, y, weight }))
        : [],
    ),
    groups.length,
    blockIds.length,
  );
  const contents = cells.map((own, i) => {
    const { content } = rates[work[i] as number] as (typeof rates)[number];
    return byKey(
      own.filter((cell) => !cell.anchor).map((cell) => ({ slice: cell.slice, y: content(cell) })),
      ({ slice }) => slice,
    );
  });
  const sliceIds = [...new Set(contents.flatMap((own) => [...own.keys()]))];
  const own = twoWay(
    contents.flatMap((slices, row) =>
      [...slices.values()].map(({ slice, y }) => ({ row, column: sliceIds.indexOf(slice), y })),
    ),
    variants.length,
    Math.max(1, sliceIds.length),
  );
  const df = Math.max(0, Math.floor(timing.df));
  const sigma2 = df > 0 ? timing.variance : null;
  const known = (i: number) => (contents[i]?.size ?? 0) > 0 && (kept[work[i] as number]?.length ?? 0) > 0;

  /** Variance of the mean of paired differences, widened so that the fit's own degrees of freedom serve. */
  const ofDifferences = (differences: readonly number[]): number | null => {
    if (differences.length < 2) return null;
    const variance = standardDeviation(differences) ** 2 / differences.length;
    return variance < 1e-18 ? 0 : variance * (t975(differences.length - 1) / t975(Math.max(1, df))) ** 2;
  };
  const contentVariance = (i: number, j: number): number | null => {
    const [a, b] = [contents[i] as (typeof contents)[number], contents[j] as (typeof contents)[number]];
    return ofDifferences([...a].flatMap(([slice, { y }]) => (b.has(slice) ? [y - (b.get(slice)?.y ?? 0)] : [])));
  };
  /** log joules of each block, own work and all: of variants that are not in the pooled fit. */
  const apart = (i: number) => {
    const timingOf = byKey(kept[work[i] as number] ?? [], ({ block }) => block);
    return new Map(
      (cells[i] ?? []).flatMap((cell) => {
        const rate = timingOf.get(cell.block);
        return rate && !cell.anchor ? [[cell.block, rate.y + (contents[i]?.get(cell.slice)?.y ?? 0)] as const] : [];
      }),
    );
  };
  const apartDifferences = (i: number, j: number): number[] => {
    const [a, b] = [apart(i), apart(j)];
    return [...a].flatMap(([block, y]) => (b.has(block) ? [y - (b.get(block) as number)] : []));
  };

  // One level for all: that of the first variant in the pooled fit, by its own blocks.
  const anchor = variants.findIndex((_, i) => isModel(i) && known(i));
  const relative = (i: number) => (timing.effects[work[i] as number] as number) + (own.effects[i] as number);
  const level = anchor < 0 ? 0 : Math.log(mean([...apart(anchor).values()].map(Math.exp))) - relative(anchor);
  const log = variants.map((_, i): number | null => {
    if (!known(i)) return null;
    if (isModel(i) && (i === anchor || timing.connected(work[anchor] as number, work[i] as number)))
      return relative(i) + level;
    const values = [...apart(i).values()];
    const beside = anchor < 0 ? [] : apartDifferences(i, anchor);
    if (beside.length > 0) return mean(beside) + relative(anchor) + level;
    return values.length > 0 ? mean(values) : null;
  });

  return {
    log,
    joules: log.map((x) => (x === null ? null : Math.exp(x))),
    df,
    work,
    heldUp,
    slices: Math.min(
      ...variants.flatMap((_, i) => (isModel(i) && known(i) ? [kept[work[i] as number]?.length ?? 0] : [])),
      Infinity,
    ),
    own: variants.map((_, i) => {
      const n = kept[work[i] as number]?.length ?? 0;
      return sigma2 === null || !known(i) || n === 0 ? null : Math.sqrt(sigma2 / n);
    }),
    sd: (i, j) => {
      if (i === j) return 0;
      if (!known(i) || !known(j)) return null;
      if (!isModel(i) || !isModel(j)) {
        const variance = ofDifferences(apartDifferences(i, j));
        return variance === null ? null : Math.sqrt(variance);
      }
      const [g, h] = [work[i] as number, work[j] as number];
      const content = contentVariance(i, j);
      if (content === null) return null;
      if (g === h) return Math.sqrt(content);
      if (sigma2 === null) return null;
      const factor = timing.pair(g, h);
      return factor === null ? null : Math.sqrt(sigma2 * factor + content);
    },
  };
}
