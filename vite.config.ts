import { readFileSync } from 'node:fs';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

/** Headers that make the page cross-origin isolated, so that WebAssembly threads run. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

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

export default defineConfig({
  define: { __VERSIONS__: JSON.stringify(versions) },
  plugins: [sveltekit()],
  server: { headers: isolation },
  preview: { headers: isolation },
  worker: { format: 'es', plugins: () => [sveltekit()] },
  build: { target: 'chrome120', assetsInlineLimit: 0 },
  optimizeDeps: { exclude: ['onnxruntime-web', '@huggingface/transformers'] },
  test: {
    include: ['src/**/*.test.ts', 'cli/**/*.test.ts', 'tests/unit/**/*.test.ts'],
    environment: 'node',
    globalSetup: ['cli/wasm.mjs'],
    testTimeout: 60_000,
  },
});
