export { packA, packATransposed, packB, packBTransposed, gemm, timesStored } from './gemm';
export { levelBytes, packLevels, timesLevels } from './levels';
export { scratch64, cholesky, invertLower } from './float64';
export { rmsNorm, addRow, addTo, rope, causalSoftmax, siluTimes, addSquares, cosines } from './forward';
export {
  rmsNormBackward,
  rmsNormWeights,
  addColumns,
  siluTimesBackward,
  softmaxBackward,
  crossEntropy,
} from './backward';
export { unpackBytes, unpackNibbles, unpackHalves, narrowFloats, widenFloats } from './unpack';
export { dropout } from './dropout';
export { columnBlock, tileIn, tileOut } from './columns';

/** Where memory is free. */
export function heapStart(): usize {
  return __heap_base;
}
