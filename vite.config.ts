import { readFileSync, statSync } from 'node:fs';
import { sveltekit } from '@sveltejs/kit/vite';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { folderHash } from './cli/folder-hash';
import { siteHeaders } from './cli/shared/headers';
import { ensureWasm } from './cli/wasm.mjs';

const headers = siteHeaders('static/_headers');

const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

/** Versions that stand in every record. */
const versions = {
  joulewise: packageJson.version,
  'onnxruntime-web': packageJson.dependencies['onnxruntime-web'],
  '@huggingface/transformers': packageJson.dependencies['@huggingface/transformers'],
};

/** What lies beside an exported variant, in bytes, so that a download's size is known before it (state/export/runtime-files.ts). */
const runtimeBytes = Object.fromEntries<number>(
  (
    [
      ['library', '@huggingface/transformers/dist/transformers.min.js'],
      ['mjs', 'onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.mjs'],
      ['wasm', 'onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm'],
    ] as const
  ).map(([name, path]) => [name, statSync(`node_modules/${path}`).size]),
);

/** Small modules that the first page always loads: one file of them compresses better than twenty. */
const FIRST_PAGE =
  /kit\/src\/runtime\/(?:client|app\/state)\/|svelte\/src\/internal\/(?:disclose-version|flags\/legacy)\.|src\/lib\/(?:core\/(?:cost|errors|units)|schema\/(?:defaults|engines)|store\/(?:present|settings)|device\/(?:limits|probe)|forecast\/(?:price|slices)|meter\/model|texts\/(?:format|sentence|setup|shell)|ui\/base\/(?:Card|Later|Message)\.|state\/(?:choices\/choices|cost\/(?:cost|default-work)|device\/(?:device|unit-chosen)|kept\/library|live\/live|setup\/(?:experiment|restore))\.)/;

/** The power profiles: the first page asks for them once it is drawn. */
const METER = /src\/lib\/meter\/(?:match|parts|profiles)\./;

/** SvelteKit's preview server takes no heed of `preview.headers`, so every response gets them before it answers. */
const previewHeaders: Plugin = {
  name: 'joulewise:preview-headers',
  configurePreviewServer({ middlewares }) {
    middlewares.use((_request, response, next) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      next();
    });
  },
};

export default defineConfig({
  define: {
    __VERSIONS__: JSON.stringify(versions),
    __RUNTIME_BYTES__: JSON.stringify(runtimeBytes),
    __BUILTIN_HASH__: JSON.stringify(folderHash('static/builtin')),
  },
  // Kernels of other sources than those beside them compute nonsense, so a build compiles them first.
  plugins: [{ name: 'joulewise:wasm', buildStart: ensureWasm }, previewHeaders, sveltekit()],
  server: { headers },
  worker: { format: 'es', plugins: () => [sveltekit()] },
  build: {
    target: 'chrome120',
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'first', test: FIRST_PAGE, priority: 1 },
            { name: 'meter', test: METER },
          ],
        },
      },
    },
  },
  optimizeDeps: { exclude: ['onnxruntime-web', '@huggingface/transformers'] },
  test: {
    include: ['src/**/*.test.ts', 'cli/**/*.test.ts', 'sampler/**/*.test.ts', 'tests/unit/**/*.test.ts'],
    environment: 'node',
    globalSetup: ['cli/wasm.mjs'],
    testTimeout: 60_000,
    // Vitest would leave one core idle, and two are all that CI has.
    maxWorkers: '100%',
  },
});
