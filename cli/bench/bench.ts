import { writeFileSync } from 'node:fs';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import { parseMapping } from '../../src/lib/data/mapping';
import type { Mapping } from '../../src/lib/schema/dataset';
import { parseArgs } from '../shared/args';
import { answerRows } from './answer/answer';
import { calibratedRows } from './speed/calibrated';
import { smollm2 } from './speed/checkpoint';
import { fullRows } from './speed/full';
import { kernelRows, scaleRows } from './speed/kernels';
import { MOUNTS } from './speed/peer';
import { recipeTable } from './speed/recipes';
import { sharingRows } from './speed/sharing';
import { renderBench, type BenchRow } from '../shared/rows';
import { compressRows, modelRows, pageRows } from './speed/spine';
import { tuneRows } from './speed/tune';
import { redactionRows } from './redaction/redaction';
import { swapRows } from './swap';
import { energyRows } from './stages/energy';
import { publishedRows } from './stages/published';
import { stageRows } from './stages/stages';
import { drive, type Driver } from '../shared/browser';
import { existing, fromHere } from '../shared/context';
import { print } from '../shared/print';

interface BenchOptions {
  checkpoint: string;
  threads: number;
  quick: boolean;
  /** Tickets of others, for the parts `answer`, `sharing` and `tune`; null = none. */
  tickets: string | null;
  /** Which columns of theirs are what; null = as guessed. */
  mapping: Partial<Mapping> | null;
}

/** Parts of the bench, one row each; `--part` runs some of them. */
const PARTS: Readonly<Record<string, (d: Driver, o: BenchOptions) => Promise<BenchRow[]>>> = {
  spine: async (d, o) => [
    ...(await modelRows(d, o.checkpoint, o.threads, o.quick ? 1 : 3)),
    ...(await compressRows(d, o.quick ? 15 : 60)),
    ...(await pageRows()),
  ],
  kernels: (d, o) => kernelRows(d, o.checkpoint, o.threads, o.quick ? 1 : 3),
  sharing: (d, o) => sharingRows(d, { ...o, checkpoint: o.checkpoint, rounds: o.quick ? 5 : 15 }),
  swap: swapRows,
  full: (d, o) => fullRows(d, { threads: o.threads, steps: o.quick ? 4 : 8, rounds: o.quick ? 3 : 5 }),
  tune: (d, o) => tuneRows(d, { ...o, checkpoint: o.checkpoint, steps: o.quick ? 3 : 8 }),
  scale: (d, o) => scaleRows(d, o.threads, o.quick ? 5 : 15),
  calibrated: (d, o) => calibratedRows(d, o.checkpoint, o.threads),
  stages: (_, o) => stageRows(o.quick ? 1 : 3),
  energy: (_, o) => Promise.resolve(energyRows(o.quick ? 50 : 500)),
  // Figures of a quick run are not for the page.
  redaction: (_, o) => redactionRows(o.quick ? 1 : 50, !o.quick),
  published: () => Promise.resolve(publishedRows()),
  answer: (d, o) =>
    answerRows(d, { plans: o.quick ? 20 : 1000, runs: o.quick ? 2 : 10, threads: o.threads, data: o.tickets }),
};

const mappingOf = (map: string | null) => (map === null ? null : parseMapping(map, 'rca'));
const fromHereOrNull = (path: string | null) => (path === null ? null : fromHere(path));

export async function bench(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, {
    checkpoint: 'text',
    threads: 'whole',
    quick: 'flag',
    part: 'text',
    recipes: 'flag',
    calib: 'text',
    text: 'text',
    json: 'text',
    tickets: 'text',
    map: 'text',
  });
  const named = a.text('checkpoint');
  const parts = a.text('part')?.split(',') ?? Object.keys(PARTS);
  const unknown = parts.find((p) => !Object.hasOwn(PARTS, p));
  if (unknown !== undefined)
    throw new JoulewiseError(
      'option.unknown',
      `The bench has no part ${quote(unknown)}. Parts: ${Object.keys(PARTS).join(', ')}.`,
    );
  const options = {
    // Asked for by those parts alone that open one: it may have to be downloaded.
    get checkpoint() {
      return named === null ? smollm2() : existing(named, 'Checkpoint');
    },
    threads: a.whole('threads', 2),
    quick: a.flag('quick'),
    tickets: fromHereOrNull(a.text('tickets')),
    mapping: mappingOf(a.text('map')),
  };
  const json = a.text('json');
  const d = await drive({ mounts: MOUNTS });
  if (a.flag('recipes')) {
    try {
      await recipeTable(d, { ...options, calib: a.text('calib'), text: a.text('text'), json });
    } finally {
      await d.close();
    }
    return;
  }
  const rows: BenchRow[] = [];
  try {
    for (const part of parts) rows.push(...((await PARTS[part]?.(d, options)) ?? []));
  } finally {
    await d.close();
  }
  print(renderBench(rows));
  if (json !== null) writeFileSync(fromHere(json), `${JSON.stringify(rows, null, 2)}\n`);
}
