/** The panel of the step "Variants". */
export const VARIANTS = {
  precisions: 'Precisions',
  ready:
    'Ready-made exports run as they are: choose precisions that the repository holds (8 bits: model_quantized, 4 bits: model_q4).',
  tuned: 'Fine-tuned on your training tickets first, at',
  tunedAbout:
    'Trains a low-rank adapter (LoRA, rank 8, 200 steps of 8 answers) beside the weights as they are stored, on this device. Training happens once; its joules stand beside the answer, with the tickets after which they are won back.',
  tunedElsewhere:
    'This engine merges the adapter into the weights, which rounding would spoil: for 8 and 4 bits choose the engine "cpu" under Budget.',
  prunings: 'Prunings',
  /** What each pruning on a chip removes. */
  removes: {
    '2:4': 'keeps the 2 largest of each 4 weights',
    mag50: 'zeroes the smallest half of the weights of each layer',
    ffn25: 'removes a quarter of the feed-forward neurons',
    ffn50: 'removes half of the feed-forward neurons',
    layers25: 'removes a quarter of the layers',
  },
  combine: 'How to combine them',
  staged: 'In two stages: every precision first, then the best with each pruning',
  k: 'How many of the best go on',
  crossed: 'All at once: every precision without and with each pruning',
  more: 'More recipes, for example',
  moreExample: 'int8+ffn50, fp16+layers25+2:4',
  builder: {
    title: 'Build a recipe from all parts',
    base: 'Precision',
    method: 'Rounding',
    nearest: 'to the nearest level',
    calibrated: 'Reads calibration text.',
    numbers: 'Numbers are shares in per cent; change them in the field below.',
    add: 'Add',
  },
  baseline: 'Run a classical baseline beside them (TF-IDF with logistic regression)',
  about:
    'What pruning saves depends on the engine: fewer neurons or layers always pay, 2:4 pays where the kernels skip zeros. Without calibration, strong pruning ruins small models: the quality column shows it.',
} as const;
