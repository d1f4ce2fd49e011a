import type { PlanWork } from '../../forecast/price';
import type { CountedEngine } from '../../schema/engines';

/**
 * PlanWork of the default experiment on the built-in model, so that the first page can say what Run costs without loading
 * what counts it. Four digits; a test compares them with the count.
 */
export const DEFAULT_WORK: Readonly<Record<CountedEngine, PlanWork>> = {
  cpu: {
    bytes: 130000000000,
    operations: { f32: 823300000000, f16: 0, i16: 390800000000, i8: 432500000000 },
    passes: 16500,
    openings: 11,
    parameters: 35390000,
    calibration: 0,
  },
  'ort-cpu': {
    bytes: 332500000000,
    operations: { f32: 868900000000, f16: 0, i16: 0, i8: 1712000000000 },
    passes: 16500,
    openings: 11,
    parameters: 35390000,
    calibration: 0,
  },
  'ort-gpu': {
    bytes: 169200000000,
    operations: { f32: 1303000000000, f16: 434500000000, i16: 0, i8: 0 },
    passes: 16500,
    openings: 11,
    parameters: 35390000,
    calibration: 0,
  },
};
