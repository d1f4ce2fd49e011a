import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    // One shell for every route: the app is fully client-side, any static host serves it.
    adapter: adapter({ fallback: '404.html' }),
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
