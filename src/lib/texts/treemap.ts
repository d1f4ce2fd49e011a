/** The picture of a model's layers. */
export const TREEMAP = {
  title: 'The model, matrix by matrix',
  about:
    'Each rectangle is a matrix: its area the bytes it takes as stored, its tone the share of weights that are zero. Point at one, or go through them with the arrow keys. The table below holds the same.',
  inLayer: (layer: number, linear: string) => `Layer ${layer}, ${linear}`,
  outer: { embedding: 'Embedding', head: 'Output projection' },
  waiting: 'The picture begins with the first layer.',
  toCome: (where: string) => `${where}: to come`,
  cell: (where: string, size: string, zeros: string) => `${where}: ${size} stored, ${zeros} zeros`,
} as const;
