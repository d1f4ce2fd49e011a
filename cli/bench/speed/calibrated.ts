import type { Driver } from '../../shared/browser';
import { checkpointOf } from '../../shared/context';
import { say } from '../../shared/print';
import { demand, plain, type BenchRow } from '../../shared/rows';

/** Calibration text: sequences x tokens. */
const SEQUENCES = 48;
const LENGTH = 256;

/** Most seconds for a whole model, calibration included. */
const RECIPES = [
  { recipe: 'fp32+wanda50', seconds: 45 },
  { recipe: 'fp32+sparsegpt2:4', seconds: 150 },
  { recipe: 'int4.gptq', seconds: 150 },
] as const;

/** Calibrated compression of the whole model, nothing taken from a store. */
export async function calibratedRows(d: Driver, checkpoint: string, threads: number): Promise<BenchRow[]> {
  const stored = await checkpointOf(d, checkpoint);
  const rows: BenchRow[] = [];
  for (const { recipe, seconds } of RECIPES) {
    say(`Calibrating and compressing: ${recipe} ...`);
    const s = await d.call('calibrateSpeed', {
      checkpoint: stored,
      recipe,
      threads,
      sequences: SEQUENCES,
      length: LENGTH,
    });
    rows.push(
      demand(`${recipe}, ${SEQUENCES} x ${LENGTH} tokens`, (s.calibrateMs + s.compressMs) / 1000, 's', 'most', seconds),
      plain('of which calibration', s.calibrateMs / 1000, 's'),
      plain('calibration, achieved', s.calibrateFlops / s.calibrateMs / 1e6, 'GFLOP/s'),
    );
  }
  return rows;
}
