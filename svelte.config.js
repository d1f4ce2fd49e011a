import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    // One shell for every route: the app is fully client-side, any static host serves it.
    adapter: adapter({ fallback: '404.html' }),
    paths: { relative: true },
  },
};
