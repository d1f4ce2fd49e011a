import { fileURLToPath } from 'node:url';
import { JoulewiseError } from '../../../src/lib/core/errors';
import { ORIGIN, type Driver } from '../../shared/browser';

/** Folders that the bench page needs; they are served beside the built site, never part of it. */
export const MOUNTS = {
  '/bench/': fileURLToPath(new URL('.', import.meta.url)),
  '/wllama/': fileURLToPath(new URL('../../../node_modules/@wllama/wllama/esm', import.meta.url)),
};

/** llama.cpp's own timings of one completion. */
interface Timings {
  cache_n: number;
  prompt_n: number;
  prompt_ms: number;
  predicted_n: number;
  predicted_ms: number;
}

export interface PeerSpeed {
  /** Tokens a second. */
  prefill: number;
  decode: number;
}

export interface Peer {
  threads: number;
  /** Prefill of about `prefill` tokens, then decoding of `decode`. */
  speed(prefill: number, decode: number): Promise<PeerSpeed>;
}

interface BenchWindow {
  ready_?: boolean;
  open_(url: string, threads: number): Promise<{ threads: number }>;
  speed_(prompt: string, decode: number): Promise<Timings>;
}

/** A word that is one token with the space before it; the timings say how many there really were. */
const WORD = ' fault';

/** Opens wllama on a page of its own in the driver's browser. */
export async function openPeer(d: Driver, checkpoint: string, threads: number): Promise<Peer> {
  const page = await d.page.context().newPage();
  await page.goto(`${ORIGIN}/bench/wllama.html`);
  await page.waitForFunction(() => (window as unknown as BenchWindow).ready_ === true);
  const opened = await page.evaluate(([url, n]) => (window as unknown as BenchWindow).open_(url, n), [
    d.server.serve(checkpoint).url,
    threads,
  ] as const);
  return {
    threads: opened.threads,
    async speed(prefill, decode) {
      const timings = await page.evaluate(([prompt, n]) => (window as unknown as BenchWindow).speed_(prompt, n), [
        WORD.repeat(prefill),
        decode,
      ] as const);
      if (Math.abs(timings.prompt_n - prefill) > 8 || timings.predicted_n !== decode)
        throw new JoulewiseError(
          'internal',
          `wllama read ${timings.prompt_n} tokens and wrote ${timings.predicted_n}, not ${prefill} and ${decode}: the comparison would not be fair.`,
        );
      return {
        prefill: timings.prompt_n / (timings.prompt_ms / 1000),
        decode: timings.predicted_n / (timings.predicted_ms / 1000),
      };
    },
  };
}
