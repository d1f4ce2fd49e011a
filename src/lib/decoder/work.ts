import type { Work } from '../core/cost';
import { graphCost } from '../graph/cost';
import { byteSize, type Graph } from '../graph/graph';
import { DIMS } from './decoder';

export type { Graph };

/** Bytes of the weights that a decoder's graph names: as the kernels read them. */
export const weightBytes = (graph: Graph): number =>
  graph.initializers.reduce((sum, i) => (i.data ? sum : sum + byteSize(i)), 0);

/** Work of one pass over `fresh` tokens behind `past` ones, with logits of `logits` of them. */
export const decoderCost = (graph: Graph, fresh: number, past: number, logits: number): Work =>
  graphCost(graph, { [DIMS.B]: 1, [DIMS.S]: fresh, [DIMS.P]: past, [DIMS.T]: past + fresh, n: logits });
