/** What a variant is called in words; its code stands beside it in grey. One row a kind of part of a recipe. */

const PRECISION: Readonly<Record<string, string>> = {
  fp32: '32-bit',
  fp16: '16-bit',
  int8: '8-bit',
  int4: '4-bit',
};

const METHOD: Readonly<Record<string, string>> = {
  gptq: 'calibrated (GPTQ)',
  gptqact: 'calibrated (GPTQ, strongest inputs first)',
};

/** What an adapter's name says behind its rank: `q-v` "q and v", `layers20to29` "layers 20 to 29", `400steps` "400 steps", `ort-gpu` "on ort-gpu". */
function detailName(detail: string): string {
  const layers = /^layers(\d+)to(\d+)$/.exec(detail);
  if (layers) return layers[1] === layers[2] ? `layer ${layers[1]}` : `layers ${layers[1]} to ${layers[2]}`;
  const steps = /^(\d+)steps$/.exec(detail)?.[1];
  if (steps) return `${steps} steps`;
  if (detail.startsWith('ort-')) return `on ${detail}`;
  return detail
    .split('-')
    .join(', ')
    .replace(/, ([^,]+)$/, ' and $1');
}

/** Parts of a recipe: how they are written, what each is called, what it does in one line, and an example for a builder. */
export const PARTS: readonly {
  pattern: RegExp;
  name: (n: string, more?: string) => string;
  about: string;
  example: string;
  calibrated: boolean;
}[] = [
  {
    pattern: /^ffn(\d+)$/,
    name: (n) => `${n} % fewer neurons`,
    about: 'Removes the feed-forward neurons with the smallest weights: smaller and faster everywhere.',
    example: 'ffn25',
    calibrated: false,
  },
  {
    pattern: /^layers(\d+)$/,
    name: (n) => `${n} % fewer layers`,
    about:
      'Removes the layers that add least to what passes through them, by their weights: smaller and faster everywhere.',
    example: 'layers25',
    calibrated: false,
  },
  {
    pattern: /^2:4$/,
    name: () => '2 of 4 weights zero',
    about: 'Keeps the two largest of each four weights; pays where kernels skip zeros.',
    example: '2:4',
    calibrated: false,
  },
  {
    pattern: /^2:4t$/,
    name: () => '2 of 4 weights zero, by tiles',
    about: 'The same two of four for a whole tile of outputs, which a GPU can skip.',
    example: '2:4t',
    calibrated: false,
  },
  {
    pattern: /^mag(\d+)$/,
    name: (n) => `${n} % of weights zero`,
    about: 'Zeroes the smallest weights of each layer; no kernel skips them.',
    example: 'mag50',
    calibrated: false,
  },
  {
    pattern: /^wanda(\d+)$/,
    name: (n) => `${n} % of weights zero (Wanda)`,
    about: 'Zeroes the weights that matter least on calibration text.',
    example: 'wanda50',
    calibrated: true,
  },
  {
    pattern: /^wanda2:4$/,
    name: () => '2 of 4 weights zero (Wanda)',
    about: 'Keeps the two of four weights that matter most on calibration text.',
    example: 'wanda2:4',
    calibrated: true,
  },
  {
    pattern: /^sparsegpt(\d+)$/,
    name: (n) => `${n} % of weights zero (SparseGPT)`,
    about: 'Zeroes weights and mends the others so that errors cancel on calibration text.',
    example: 'sparsegpt50',
    calibrated: true,
  },
  {
    pattern: /^sparsegpt2:4$/,
    name: () => '2 of 4 weights zero (SparseGPT)',
    about: 'Two of four zero, the others mended on calibration text.',
    example: 'sparsegpt2:4',
    calibrated: true,
  },
  {
    pattern: /^sparsegpt2:4t$/,
    name: () => '2 of 4 weights zero by tiles (SparseGPT)',
    about: 'The same by tiles, which a GPU can skip.',
    example: 'sparsegpt2:4t',
    calibrated: true,
  },
  {
    pattern: /^neurons(\d+)$/,
    name: (n) => `${n} % fewer neurons, calibrated`,
    about: 'Removes the feed-forward neurons that calibration text uses least.',
    example: 'neurons25',
    calibrated: true,
  },
  {
    pattern: /^kvgroups(\d+)$/,
    name: (n) => `${n} % fewer attention groups`,
    about: 'Removes whole groups of heads that share keys and values; the cache shrinks too.',
    example: 'kvgroups33',
    calibrated: true,
  },
  {
    pattern: /^blocks(\d+)$/,
    name: (n) => `${n} % fewer layers, calibrated`,
    about: 'Removes the layers that change calibration text least.',
    example: 'blocks10',
    calibrated: true,
  },
  {
    pattern: /^smooth$/,
    name: () => 'smoothed (SmoothQuant)',
    about: 'Moves outliers from activations into weights before rounding.',
    example: 'smooth',
    calibrated: true,
  },
  {
    pattern: /^seq$/,
    name: () => 'layer by layer',
    about: 'Calibrates each layer behind the compressed ones before it.',
    example: 'seq',
    calibrated: true,
  },
  {
    pattern: /^kv8$/,
    name: () => '8-bit cache',
    about: 'Keeps keys and values in 8 bits while the model runs (own kernels on the processor).',
    example: 'kv8',
    calibrated: false,
  },
  {
    pattern: /^lora(\d+)((?:\.[\da-z-]+)*)$/,
    name: (n, details = '') =>
      `fine-tuned (${[`LoRA ${n}`, ...details.split('.').slice(1).map(detailName)].join(', ')})`,
    about: 'Trains a low-rank adapter on your training tickets first, and keeps it beside the weights.',
    example: 'lora8',
    calibrated: false,
  },
  {
    pattern: /^blend$/,
    name: () => 'with the baseline',
    about: 'Mixes its causes with those of the classical baseline, by one weight that validation tickets choose.',
    example: 'blend',
    calibrated: false,
  },
];

/** What rounds by calibration, and what mixes precisions: choices of a builder beside the parts. */
export const METHODS = [
  {
    code: 'gptq',
    name: 'GPTQ',
    about: 'Rounds each weight so that errors cancel on calibration text (8 or 4 bits).',
  },
  {
    code: 'gptqact',
    name: 'GPTQ, strongest inputs first',
    about: 'The same, columns of the strongest inputs first (8 or 4 bits).',
  },
] as const;
export const MIXTURES = [
  {
    code: 'auto@60MB',
    about: 'Mixes 8 bits, 4 bits and 2:4 by layer so that all weights take at most so many bytes.',
  },
  { code: 'auto@0.3J', about: 'The same under a budget of joules a ticket.' },
] as const;

/** Variants that are no recipe. */
const OTHERS: Readonly<Record<string, string>> = {
  'tf-idf': 'Classical baseline',
  always: 'Always the most frequent cause',
};

function partName(part: string): string {
  for (const { pattern, name } of PARTS) {
    const found = pattern.exec(part);
    if (found) return name(found[1] ?? '', found[2]);
  }
  return part;
}

/** A variant in words: `4-bit, calibrated (GPTQ)`, `8-bit, 50 % fewer neurons`. What is not known stays as it is. */
export function plainName(variant: string): string {
  const other = OTHERS[variant];
  if (other) return other;
  const [head = '', ...parts] = variant.split('+');
  const budget = /^auto@([\d.]+)(MB|J)$/i.exec(head);
  const [precision = '', method] = head.split('.');
  const known = PRECISION[precision];
  if (!budget && !known) return variant;
  const first = budget ? `mixed bits, at most ${budget[1]} ${budget[2]}` : (known as string);
  return [first, ...(method && known ? [METHOD[method] ?? method] : []), ...parts.map(partName)].join(', ');
}
