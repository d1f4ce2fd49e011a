import wasmMjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmBinary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import webgpuMjs from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import webgpuBinary from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import plainKernels from '../../../kernels/build/plain.wasm?url';
import relaxedKernels from '../../../kernels/build/relaxed.wasm?url';

const absolute = (url: string) => new URL(url, self.location.href).href;

/** ONNX Runtime's files and our kernels, served from this site; nothing comes from a CDN. */
export const ASSETS = {
  wasm: { mjs: absolute(wasmMjs), wasm: absolute(wasmBinary) },
  webgpu: { mjs: absolute(webgpuMjs), wasm: absolute(webgpuBinary) },
  cpu: { relaxed: absolute(relaxedKernels), plain: absolute(plainKernels) },
};
