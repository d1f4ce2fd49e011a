import { readFileSync } from 'node:fs';

/**
 * Headers of the site from `static/_headers`, which hosts such as Netlify and Cloudflare read too: one source for them,
 * `npm run dev`, `npm run preview` and the command line. The file has one rule, for all paths.
 */
export const siteHeaders = (file: string): Record<string, string> =>
  Object.fromEntries(
    [...readFileSync(file, 'utf8').matchAll(/^ {2}([\w-]+): (.+)$/gm)].map((m) => [m[1] as string, m[2] as string]),
  );
