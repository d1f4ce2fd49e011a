import { groupBy } from '../core/group';
import { mean, median, standardDeviation, t975 } from '../core/stats';
import { twoWay } from '../core/two-way';
import { mainReadings } from '../meter/readings';
import { ANSWERING, type RunRecord, type TaskName } from '../schema/run';

/** A slice that takes this many times the fastest was held up by something: the device slept, or did other work. */
export const HELD_UP = 3;

/**
 * A slice that took so many robust standard deviations, and at least so many times, longer than its variant and its block
 * let expect was held up by itself. Without noise of other kinds 1 slice in 30,000 would be taken for such.
 */
const STRUCK_SD = 4;
const STRUCK_RATIO = 1.15;
/** Degrees of freedom that it takes to see one, and the share of slices that may be left out as such at most. */
const STRUCK_DF = 8;
const STRUCK_MOST = 0.15;

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
  /** Slices that were left out because they alone took longer than what ran beside them, by variant. */
  struck: number[];
}

/** Work and joules of one variant in one block: of each task and phase, per ticket. */
interface Cell {
  variant: number;
  block: number;
  slice: number;
  anchor: boolean;
  parts: Map<string, { joules: number; work: number }>;
}

const add = (map: Map<string, number>, key: string, x: number) => map.set(key, (map.get(key) ?? 0) + x);

/** Blocks of a variant in which all tasks were answered and metered. */
function cellsOf(variant: number, runs: readonly RunRecord[], tasks: readonly TaskName[]): Cell[] {
  const counted = runs.every((run) =>
    mainReadings(run.phases).every((p) => !ANSWERING.has(p.phase) || p.flops !== null),
  );
  return [...groupBy(runs, (run) => `${run.block} ${String(run.anchor)}`).values()].flatMap((group): Cell[] => {
    const own = tasks.map((task) => group.find((run) => run.task === task));
    const parts: Cell['parts'] = new Map();
    for (const run of own) {
      const n = run?.tickets.length ?? 0;
      const readings = mainReadings(run?.phases ?? []).filter(({ phase }) => ANSWERING.has(phase));
      if (!run || n === 0 || readings.length === 0) return [];
      for (const { phase, joules, flops } of readings) {
        if (joules === null) return [];
        // A phase that did nothing took nothing: no word was written.
        if (joules.mid > 0)
          parts.set(`${run.task} ${phase}`, { joules: joules.mid / n, work: counted && flops ? flops / n : 1 });
      }
    }
    const [first] = group;
    return parts.size === 0 || !first
      ? []
      : [{ variant, block: first.block, slice: first.slice, anchor: first.anchor, parts }];
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
  /** log of a member's joules in a block, for the group's mean ticket. */
  const points = cells.map(({ variant, block, parts }): Point => {
    let [joules, usual, missing] = [0, 0, 0];
    for (const [key, w] of work) {
      const part = parts.get(key);
      if (part && part.work > 0) {
        joules += (w * part.joules) / part.work;
        usual += w * meanRate(key);
      } else missing += w * meanRate(key);
    }
    // What it did not do in this block costs what it does elsewhere, at its pace in this block.
    return { variant, block, y: Math.log(joules + missing * (usual > 0 ? joules / usual : 1)) };
  });
  /** log of a slice's own work over the mean ticket's, at the group's mean rates. */
  const content = (cell: Cell) =>
    Math.log(
      total(
        [...cell.parts].map(([key, part]) => [key, part.work] as const),
        meanRate,
      ) / standard,
    );
  return { points, content };
}

/** log joules of one variant in one block, for the mean ticket of those that do its work. */
interface Point {
  variant: number;
  block: number;
  y: number;
}

/**
 * Blocks of a group, with how many of its members each rests on. A mean of logarithms, since the fit is one of logarithms:
 * the log of a mean lies above it by what single slices are slowed down, and so would groups of many members above those
 * of one.
 */
const blocksOf = (points: readonly Point[]) =>
  [...groupBy(points, ({ block }) => block)].map(([block, members]) => ({
    block,
    y: mean(members.map(({ y }) => y)),
    weight: members.length,
  }));

/**
 * Points that something held up alone, worst first until none stands out: what else a device does only ever adds, and one
 * such slice would widen all intervals of a plan and still move its own variant by more than they say.
 */
function struckOf(
  points: readonly (Point & { row: number; column: number })[],
  rows: number,
  columns: number,
): Set<number> {
  const out = new Set<number>();
  while (out.size < STRUCK_MOST * points.length - 1) {
    const fit = twoWay(
      points.map((point, k) => ({ ...point, weight: out.has(k) ? 0 : 1 })),
      rows,
      columns,
    );
    if (fit.df < STRUCK_DF) break;
    const residuals = points.flatMap((_, k) => (out.has(k) ? [] : [fit.residuals[k] as number]));
    // 1.4826 makes the median of a normal's deviations its SD; a fit leaves df of n squares.
    const sd = 1.4826 * median(residuals.map(Math.abs)) * Math.sqrt(residuals.length / fit.df);
    const worst = Math.max(...residuals);
    if (!(worst > Math.max(STRUCK_SD * sd, Math.log(STRUCK_RATIO)))) break;
    out.add(points.findIndex((_, k) => !out.has(k) && fit.residuals[k] === worst));
  }
  return out;
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
  const cells = variants.map((runs, i) => cellsOf(i, runs, tasks));
  const names = variants.map((runs, i) => {
    const pass = runs[0]?.pass ?? null;
    return pool && pass !== null && isModel(i) ? `pass ${pass}` : `variant ${i}`;
  });
  const groups = [...new Set(names)];
  const work = names.map((name) => groups.indexOf(name));
  const rates = groups.map((_, g) => groupRates(cells.flatMap((own, i) => (work[i] === g ? own : []))));
  const heldUp = variants.map(() => 0);
  const steady = rates.map(({ points }, g) => {
    const blocks = blocksOf(points);
    const fastest = Math.min(...blocks.map(({ y }) => y));
    const fine = new Set(
      blocks.flatMap(({ block, y }) => (Number.isFinite(y) && y - fastest <= Math.log(HELD_UP) ? [block] : [])),
    );
    work.forEach((own, i) => {
      if (own === g) heldUp[i] = blocks.filter(({ y }) => y - fastest > Math.log(HELD_UP)).length;
    });
    return points.filter(({ block }) => fine.has(block));
  });
  const blockIds = [...new Set(steady.flatMap((own) => own.map(({ block }) => block)))].sort((a, b) => a - b);
  const place = new Map(blockIds.map((block, i) => [block, i]));
  const modelGroups = new Set(work.filter((_, i) => isModel(i)));
  const compared = steady.flatMap((own, row) =>
    modelGroups.has(row) ? own.map((point) => ({ ...point, row, column: place.get(point.block) as number })) : [],
  );
  const found = struckOf(compared, groups.length, blockIds.length);
  const struckPoints = compared.filter((_, k) => found.has(k));
  const struck = variants.map((_, i) => struckPoints.filter(({ variant }) => variant === i).length);
  const isStruck = new Set(struckPoints.map(({ variant, block }) => `${variant} ${block}`));
  const kept = steady.map((own) => blocksOf(own.filter(({ variant, block }) => !isStruck.has(`${variant} ${block}`))));
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
    struck,
    slices: Math.min(
      ...variants.flatMap((_, i) =>
        isModel(i) && known(i) ? [new Set(steady[work[i] as number]?.map(({ block }) => block)).size] : [],
      ),
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
