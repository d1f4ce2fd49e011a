import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asks2of4, linearRecipe, parseRecipe } from '../../../src/lib/compress/recipe';
import { JoulewiseError } from '../../../src/lib/core/errors';
import type { RecipeMeasured } from '../../../src/lib/workers/bench/protocol';
import type { Driver } from '../../shared/browser';
import { calibrationTexts, textsOf } from '../../shared/calibration';
import { checkpointOf, existing, fromHere } from '../../shared/context';
import { print, say } from '../../shared/print';
import { renderTable } from '../../shared/table';

const TEXTS = fileURLToPath(new URL('../../../tests/fixtures/texts', import.meta.url));

/** What the table compares: each precision alone, with 2:4 chosen three ways, 50 % masks, and smaller shapes. */
const RECIPES = [
  'fp32',
  'fp16',
  'int8',
  'int4',
  'int8.gptq',
  'int4.gptq',
  'fp16+2:4',
  'fp16+wanda2:4',
  'fp16+sparsegpt2:4',
  'int8+2:4',
  'int8+wanda2:4',
  'int8+sparsegpt2:4',
  'int8+sparsegpt2:4t',
  'int4.gptq+sparsegpt2:4',
  'fp16+sparsegpt50',
  'int8+wanda50',
  'int8+sparsegpt50',
  'int8+ffn25',
  'int8+neurons25',
  'int8+blocks10',
  'int4+neurons25',
  'int8+kvgroups33',
  'int8+kv8',
  'int4.gptq+kv8',
];

/** Budgets lie between these shares of the bytes of int4.gptq and int8, since only a mixture can meet them. */
const BUDGET_SHARES = [0.25, 0.5];

/** A unit of work like a ticket. */
const UNIT = { prefill: 256, decode: 32, repeats: 3 };

export interface RecipeTableOptions {
  /** As `--checkpoint` takes it. */
  checkpoint: string;
  threads: number;
  /** `--calib`; null = the fixture's calibration texts. */
  calib?: string | null;
  /** JSONL with `text`; null = the fixture's evaluation texts. */
  text?: string | null;
  json?: string | null;
}

export interface RecipeRow extends RecipeMeasured {
  recipe: string;
  /** No other recipe has both fewer joules and a lower NLL. */
  front: boolean;
  twoOfFour: boolean;
}

/** Marks the rows that no other beats in joules (mid) and NLL at once. */
export function withFront(rows: readonly (RecipeMeasured & { recipe: string })[]): RecipeRow[] {
  const point = (r: RecipeMeasured) => [r.joules?.mid ?? Infinity, r.nll] as const;
  return rows.map((r) => {
    const [j, n] = point(r);
    const beaten = rows.some((other) => {
      const [oj, on] = point(other);
      return oj <= j && on <= n && (oj < j || on < n);
    });
    return { ...r, front: r.joules !== null && !beaten, twoOfFour: asks2of4(linearRecipe(parseRecipe(r.recipe))) };
  });
}

/** Measures all recipes on our own kernels, prints the table, and says whether 2:4 pays. */
export async function recipeTable(d: Driver, o: RecipeTableOptions): Promise<RecipeRow[]> {
  const checkpoint = await checkpointOf(d, o.checkpoint);
  const calibration = await calibrationTexts(d, o.calib ?? join(TEXTS, 'calibration.jsonl'));
  const texts = textsOf(o.text ? existing(o.text, 'Text file') : join(TEXTS, 'evaluation.jsonl'));
  const rows: (RecipeMeasured & { recipe: string })[] = [];
  const leftOut: string[] = [];
  const measureRecipe = (recipe: string) =>
    d.call('measureRecipe', {
      checkpoint,
      recipe,
      engine: 'cpu',
      threads: o.threads,
      calibration,
      texts,
      ...UNIT,
    });
  const measure = async (recipe: string) => {
    try {
      const row = await measureRecipe(recipe);
      rows.push({ ...row, recipe });
      say(
        `${recipe}: NLL ${row.nll.toFixed(4)}, ${row.joules?.mid.toFixed(2) ?? 'unknown'} J, decode ${(UNIT.decode / (row.decodeMs / 1000)).toFixed(1)} tokens/s, open ${(row.openMs / 1000).toFixed(1)} s`,
      );
    } catch (error) {
      // A small model may have no layer to spare; the other recipes still say something.
      if (!(error instanceof JoulewiseError) || error.code !== 'recipe.impossible') throw error;
      leftOut.push(`${recipe} left out: ${error.message}`);
    }
  };
  for (const recipe of RECIPES) await measure(recipe);
  const stored = (recipe: string) => rows.find((r) => r.recipe === recipe)?.storedBytes ?? null;
  const [small, large] = [stored('int4.gptq'), stored('int8')];
  if (small === null || large === null) throw new JoulewiseError('internal', 'The bytes of int4.gptq are not known.');
  for (const share of BUDGET_SHARES)
    await measure(`auto@${(Math.ceil((small + share * (large - small)) / 1e5) / 10).toFixed(1)}MB`);
  const table = withFront(rows);
  print([renderRecipes(table), ...leftOut].join('\n'));
  if (o.json) writeFileSync(fromHere(o.json), `${JSON.stringify(table, null, 2)}\n`);
  return table;
}

const megabytes = (n: number | null) => (n === null ? '' : (n / 1e6).toFixed(1));

export function renderRecipes(rows: readonly RecipeRow[]): string {
  const front = rows.filter((r) => r.front);
  const sparse = front.filter((r) => r.twoOfFour).map((r) => r.recipe);
  const [first] = rows;
  return [
    renderTable(
      [
        'recipe',
        'stored MB, dense',
        'packed MB',
        'zeros %',
        'NLL',
        'prefill tok/s',
        'decode tok/s',
        'J',
        'low-high',
        'front',
      ],
      rows.map((r) => [
        r.recipe,
        megabytes(r.storedBytes),
        megabytes(r.computedBytes),
        r.sparsity === null ? '' : (100 * r.sparsity).toFixed(1),
        r.nll.toFixed(4),
        (UNIT.prefill / (r.prefillMs / 1000)).toFixed(0),
        (UNIT.decode / (r.decodeMs / 1000)).toFixed(1),
        r.joules === null ? 'unknown' : r.joules.mid.toFixed(2),
        r.joules === null ? '' : `${r.joules.low.toFixed(2)}-${r.joules.high.toFixed(1)}`,
        r.front ? 'yes' : '',
      ]),
    ),
    '',
    `J: estimated by the power profile "${first?.profile ?? ''}" for ${UNIT.prefill} tokens read and ${UNIT.decode} written, ${first?.threads ?? 0} threads. NLL: nats a token over ${first?.predicted ?? 0} tokens. Stored: zeros of a mask take as much as weights. Packed: as the engine "cpu" reads them, 2:4 as values and places.`,
    `Pareto front (joules, NLL): ${front.map((r) => r.recipe).join(', ')}.`,
    sparse.length ? `2:4 on the front: ${sparse.join(', ')}.` : 'No 2:4 recipe is on the front.',
  ].join('\n');
}
