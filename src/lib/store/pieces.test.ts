import { expect, it } from 'vitest';
import { decodePieces, encodePieces } from './pieces';

it('plain data with typed arrays comes back', () => {
  const value = {
    tokens: 3,
    none: null,
    inputs: { a: { squares: Float64Array.of(1, 2.5), gram: null }, b: { gram: Float32Array.of(1, -2, 3) } },
    bytes: Uint8Array.of(1, 2, 3),
    empty: new Uint16Array(),
  };
  expect(decodePieces(encodePieces(value).buffer)).toEqual(value);
  // A view into a larger buffer is written alone.
  const view = new Float32Array(8).fill(7).subarray(2, 4);
  expect(decodePieces(encodePieces({ view }).buffer)).toEqual({ view: Float32Array.of(7, 7) });
});
