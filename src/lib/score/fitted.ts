import type { RunRecord } from '../schema/run';
import {
  abstainThreshold,
  coverage,
  fitTemperature,
  reliability,
  type ConfidenceRow,
  type CoveragePoint,
} from './confidence';

/** Share of what is answered that shall be right where the rest is left to people. */
export const TARGET = 0.95;

/** How far a variant's confidence in causes can be trusted: fitted on validation tickets, judged on test tickets. */
export interface FittedConfidence {
  temperature: number;
  /** Tickets that it was fitted on, and judged on. */
  fitted: number;
  judged: number;
  bins: ReturnType<typeof reliability>['bins'];
  ece: number;
  curve: CoveragePoint[];
  /** Below this share it abstains; null where no threshold reaches the target on the validation tickets. */
  threshold: number | null;
  /** What the threshold gives on test tickets; null without one. */
  answered: { coverage: number; accuracy: number | null } | null;
}

const rowsOf = (runs: readonly Pick<RunRecord, 'tickets' | 'causes'>[]): ConfidenceRow[] => {
  const seen = new Set<string>();
  return runs.flatMap(({ tickets, causes }) =>
    tickets.flatMap(({ id, scores, reference }) => {
      if (!scores || seen.has(id)) return [];
      seen.add(id);
      return [{ scores, truth: causes.indexOf(reference) }];
    }),
  );
};

/** Calibrates the confidence of the variant whose validation tickets were answered; null where there are too few. */
export function fitConfidence(
  runs: readonly Pick<RunRecord, 'tickets' | 'causes' | 'task' | 'part' | 'anchor' | 'variant'>[],
): (FittedConfidence & { variant: string }) | null {
  const own = runs.find((run) => run.part === 'validation' && run.task === 'rca');
  if (!own) return null;
  const validation = rowsOf([own]);
  const test = rowsOf(
    runs.filter((run) => run.variant === own.variant && run.task === 'rca' && run.part === 'test' && !run.anchor),
  );
  const temperature = fitTemperature(validation);
  if (temperature === null || test.length === 0) return null;
  const { bins, ece } = reliability(test, temperature);
  const threshold = abstainThreshold(validation, temperature, TARGET)?.threshold ?? null;
  const curve = coverage(test, temperature);
  const at = threshold === null ? null : curve.filter((point) => point.threshold >= threshold).at(-1);
  return {
    variant: own.variant,
    temperature,
    fitted: validation.length,
    judged: test.length,
    bins,
    ece,
    curve,
    threshold,
    answered: threshold === null ? null : { coverage: at?.coverage ?? 0, accuracy: at?.accuracy ?? null },
  };
}
