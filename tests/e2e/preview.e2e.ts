import { preview } from 'vite';
import { siteHeaders } from '../../cli/shared/headers';
import { runButton } from './flows';
import { assert, equal, openSite } from './site';

/** `npm run preview`: what was built, served as a host would. */

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'npm run preview sends the headers of static/_headers with everything, so that the first visit has threads',
    async run() {
      const server = await preview({ logLevel: 'silent', preview: { host: '127.0.0.1' } });
      const site = await openSite({ kept: true });
      try {
        const base = server.resolvedUrls?.local[0];
        assert(base, 'it says where it is');
        const wanted = siteHeaders('static/_headers');
        assert(wanted['Cross-Origin-Embedder-Policy'] === 'require-corp', 'the file isolates');
        const files = ['', 'compare', 'builtin/config.json', '_app/version.json', 'nothing'];
        for (const path of files) {
          const response = await fetch(base + path);
          equal(response.status, path === 'nothing' ? 404 : 200, `status of /${path}`);
          for (const [name, value] of Object.entries(wanted))
            equal(response.headers.get(name), value, `/${path} ${name}`);
        }
        site.network.allow(new URL(base).host);
        await site.page.goto(base);
        equal(
          await site.page.evaluate(() => [crossOriginIsolated, navigator.serviceWorker.controller]),
          [true, null],
          'isolated by headers alone',
        );
        await runButton(site.page).waitFor();
      } finally {
        await site.close();
        await server.close();
      }
    },
  },
];
