import { bytes, fixed, percent, seconds, significant } from './format';

const PHASES: Readonly<Record<string, string>> = { calibrate: 'Calibrating', compress: 'Compressing' };

/** The page "Compress": one recipe, layer by layer. */
export const COMPRESS = {
  title: 'What a recipe does to each layer',
  model: 'Model',
  builtin: 'Built-in',
  recipe: 'Recipe',
  start: 'Compress',
  cancel: 'Cancel',
  generated: (n: number) => `${n} generated tickets`,
  calibration: (source: string) =>
    `Recipes with wanda, sparsegpt, gptq, neuronsN, kvgroupsN, blocksN or auto@ calibrate on the training tickets of: ${source}. Choose others under "Tickets" on the first page. Only finished layers are kept, so that a later run takes them up.`,
  waits: 'An experiment is running; compressing now would spoil its energy.',
  opening: 'Opening the model',
  at: (phase: string, layer: number, of: number) => `${PHASES[phase] ?? phase}: layer ${layer} of ${of}`,
  finished: 'Finished.',
  stopped: 'Stopped. Finished layers are kept: the same recipe goes on there.',
  /** After the recipe's name. */
  totals: (t: { stored: number; zeros: number; calibration: string | null; calibrateMs: number; compressMs: number }) =>
    `: ${bytes(t.stored)} stored, embedding and norms included; ${percent(t.zeros)} of the linear weights are 0. ${
      t.calibration === null ? 'No calibration' : `Calibrated on ${t.calibration} in ${seconds(t.calibrateMs / 1000)}`
    }, compressed in ${seconds(t.compressMs / 1000)}. What was kept from before takes no time.`,
  table: {
    label: 'Layers',
    about:
      'Error: squared change of the layer\'s output over its square, on the calibration text; empty where nothing was calibrated. Stored: zeros take as much as weights. Packed: as the engine "cpu" reads it.',
    layer: 'Layer',
    matrix: 'Matrix',
    recipe: 'Recipe',
    error: 'Error',
    zeros: 'Zeros',
    stored: 'Stored',
    packed: 'Packed',
    time: 'Time',
    remarks: 'Remarks',
    damped: (by: number) => `damped by ${significant(by, 2)}`,
    sparse: '2:4 as values and places',
    dead: (inputs: number) => `${inputs} inputs always 0`,
    lost: (share: number) => `${significant(100 * share, 2)} %`,
    share: (share: number) => `${fixed(100 * share, 1)} %`,
    milliseconds: (ms: number) => `${fixed(ms, 0)} ms`,
  },
} as const;
