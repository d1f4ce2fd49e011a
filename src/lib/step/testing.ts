import { pathToFileURL } from 'node:url';
import { graphsOn } from './open';

const RUNTIME = 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded';
const files = { mjs: pathToFileURL(`${RUNTIME}.mjs`).href, wasm: pathToFileURL(`${RUNTIME}.wasm`).href };

/** The engine `ort-cpu` in Node, on one thread. */
export const graphsInNode = graphsOn('ort-cpu', {
  threads: 1,
  memoryGiB: null,
  assets: { wasm: files, webgpu: files },
});
