import { readdirSync, readFileSync } from 'node:fs';
import { assert, BUILTIN, withBrowser, type BrowserTest } from './harness';

/** Sessions opened before the first look: code is compiled, and pools of the browser's are filled. */
const WARM_UP = 10;
const SESSIONS = 30;
/** Share of the sessions' heaps by which memory may differ: garbage comes and goes. One kept heap in four fails. */
const ALLOWED = 0.25;

/** Resident bytes of the renderers that this process started, and they hold every worker of a page. Linux only. */
function rendererBytes(): number {
  const parents = new Map<number, number>();
  const resident = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      const number = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      parents.set(pid, number('PPid'));
      if (readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('--type=renderer'))
        resident.set(pid, number('VmRSS') * 1024);
    } catch {
      // The process ended between the two reads.
    }
  }
  const ours = (pid: number): boolean => pid === process.pid || (pid > 1 && ours(parents.get(pid) ?? 0));
  return [...resident].reduce((sum, [pid, bytes]) => sum + (ours(pid) ? bytes : 0), 0);
}

export const tests: BrowserTest[] = [
  {
    name: `${SESSIONS} sessions of our own kernels open and close without a leak`,
    skip: process.platform === 'linux' ? null : 'a process tells its resident memory in /proc, on Linux',
    run: () =>
      withBrowser({}, async (d) => {
        const protocol = await d.page.context().newCDPSession(d.page);
        const session = async () =>
          (
            await d.call('evaluate', {
              checkpoint: BUILTIN,
              recipe: 'fp32',
              engine: 'cpu',
              threads: 2,
              text: 'the link is down',
            })
          ).wasmHeapBytes ?? 0;
        const settled = async () => {
          await protocol.send('HeapProfiler.collectGarbage');
          return rendererBytes();
        };
        for (let i = 0; i < WARM_UP; i++) await session();
        const before = await settled();
        assert(before > 0, 'the renderer was found');
        let heaps = 0;
        for (let i = 0; i < SESSIONS; i++) heaps += await session();
        const grown = (await settled()) - before;
        assert(
          grown < ALLOWED * heaps,
          `memory grew by ${grown} bytes over ${SESSIONS} sessions with ${heaps} bytes of heaps in all`,
        );
      }),
  },
];
