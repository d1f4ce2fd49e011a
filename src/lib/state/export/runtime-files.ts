import library from '../../../../node_modules/@huggingface/transformers/dist/transformers.min.js?url';
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import { JoulewiseError } from '../../core/errors';
import { RUNTIME_FILES, RUNTIME_FOLDER } from '../../report/example-page';
import { ASSISTANT } from '../../texts/assistant';

/** Bytes of each file, by the build (vite.config.ts). */
declare const __RUNTIME_BYTES__: Readonly<Record<keyof typeof RUNTIME_FILES, number>>;

const ADDRESSES: Readonly<Record<keyof typeof RUNTIME_FILES, string>> = { library, mjs, wasm };

/** What lies beside an exported model so that its page needs no other host: names in the folder and sizes in bytes. */
export const runtimeFiles = () =>
  (Object.keys(RUNTIME_FILES) as (keyof typeof RUNTIME_FILES)[]).map((key) => ({
    name: `${RUNTIME_FOLDER}/${RUNTIME_FILES[key]}`,
    bytes: __RUNTIME_BYTES__[key],
    address: ADDRESSES[key],
  }));

/** These files with their content, from this site. */
export const fetchRuntime = () =>
  Promise.all(
    runtimeFiles().map(async ({ name, address }) => {
      const response = await fetch(address).catch(() => null);
      if (!response?.ok) throw new JoulewiseError('network.failed', ASSISTANT.export.noRuntime(name));
      return { name, input: await response.blob() };
    }),
  );
