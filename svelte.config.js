import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { writePrecache } from './cli/precache.mjs';

// One shell for every route: the app is fully client-side, any static host serves it.
const site = adapter({ fallback: '404.html' });

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    adapter: {
      ...site,
      async adapt(builder) {
        await site.adapt(builder);
        writePrecache('build');
      },
    },
    // The layout registers it, once the page has been drawn.
    serviceWorker: { register: false },
    paths: { relative: true },
    // Nothing runs but our own files, and nothing is asked of other hosts but models that a click asks the Hub for.
    csp: {
      mode: 'hash',
      directives: {
        'default-src': ['none'],
        'script-src': ['self', 'wasm-unsafe-eval', 'blob:'],
        'worker-src': ['self', 'blob:'],
        'connect-src': [
          'self',
          'blob:',
          'data:',
          'https://huggingface.co',
          'https://*.huggingface.co',
          'https://*.hf.co',
          // A public set that the Hub has not (data/catalogue.ts).
          'https://raw.githubusercontent.com',
          // A Hub mirror, or a meter, on this machine.
          'http://127.0.0.1:*',
          'http://localhost:*',
        ],
        'style-src': ['self', 'unsafe-inline'],
        'img-src': ['self', 'data:', 'blob:'],
        'manifest-src': ['self'],
        'base-uri': ['none'],
        'form-action': ['none'],
      },
    },
  },
};
