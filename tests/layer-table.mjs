// The house as tests/layers.mjs holds it: floors, and which globals of a page a stage may touch. Folders of src/lib go by
// their path there (the innermost that has a floor), others by their path from the root.

/** Lowest first. Folders of one floor may not import each other; a folder may import from the floors below it. */
export const FLOORS = [
  // The sampler is a package of its own: it imports nothing of the house.
  ['core', 'src/kernels', 'src/matrix', 'sampler'],
  ['matrix', 'tensor', 'schema'],
  ['data', 'checkpoint', 'score', 'meter', 'device'],
  ['block', 'cpu', 'wgsl', 'compress', 'graph', 'rank', 'fit'],
  ['decoder', 'calibrate', 'gradient', 'link'],
  ['tune', 'variant'],
  ['engine', 'export', 'forecast'],
  ['plan', 'step'],
  ['measure', 'bench', 'train'],
  ['train/files'],
  ['store'],
  ['workers/attach', 'workers/calibrate', 'workers/data', 'workers/gradient'],
  ['workers/host'],
  ['workers/step', 'workers/export', 'workers/bench', 'workers/fit'],
  ['workers/tune', 'workers/adapter'],
  ['workers/engine'],
  ['texts'],
  ['report'],
  ['session/threads', 'session/tab', 'session/protocol'],
  ['session/open', 'session/fit'],
  ['session/run'],
  ['session/drive', 'state/device', 'state/fit', 'state/choices', 'state/progress'],
  ['state/cost', 'state/kept', 'state/results'],
  ['state/setup', 'state/live', 'state/assistant', 'state/export'],
  ['state/compress'],
  ['ui/base'],
  ['ui/chart'],
  ['ui/cards', 'ui/panel', 'ui/results'],
  [
    'src/routes/steps',
    'src/routes/first',
    'src/routes/answer',
    'src/routes/r',
    'src/routes/history',
    'src/routes/compare',
    'src/routes/assistant',
    'src/routes/compress',
    'src/routes/paper',
    'src/routes/method',
    'src/routes/device',
    'src/routes/drive',
  ],
  ['src/routes', 'cli/shared'],
  ['cli/commands', 'cli/run', 'cli/fit', 'cli/checkpoint', 'cli/bench/speed', 'cli/bench/answer', 'cli/bench/stages'],
  ['cli/bench'],
  ['cli'],
];

/** Stages are the floors below this folder's: they run in Node, in workers and in the command line alike. */
export const FIRST_IMPURE = 'store';

/** What a stage may not import. */
export const IMPURE = /^(?:svelte|@sveltejs|idb|\$app)/;

/** Globals of a page that a stage may not touch, and the files that may, with the reason. */
export const PAGE_GLOBALS = ['window', 'document', 'localStorage', 'sessionStorage', 'navigator', 'location'];
export const MAY_TOUCH = {
  'src/lib/engine/open.ts': {
    globals: ['navigator'],
    why: 'how many threads there are, and whether there is a GPU; workers have a navigator too',
  },
  'src/lib/device/probe.ts': {
    globals: ['navigator'],
    why: 'asks the device what it is; workers have a navigator too',
  },
};

/** Folders that a folder may import from, tests apart. No folder is excused. */
export const MOST_FOLDERS = 8;
