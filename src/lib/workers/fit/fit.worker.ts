import { serve } from '../../core/rpc';
import { bestBuild, byteDotOf } from '../../cpu/module';
import { openRoutine } from '../../cpu/routine';
import { spawnWorker } from '../../cpu/spawn';
import { chooseThreads, loadKernels } from '../../engine/open';
import { askSource } from '../../fit/ask';
import { runRoutine, tellsSpeed } from '../../fit/routine';
import { samplerSource } from '../../meter/sources/sampler';
import { keepKnown } from '../../store/known';
import { HERE } from '../host/host';
import type { FitApi } from './protocol';

const CLOCK = {
  now: () => performance.now(),
  sleep: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)),
};

serve<FitApi>({
  async routine({ name, threads: asked, sampler }, { emit, signal }) {
    const build = bestBuild();
    const { threads } = chooseThreads(asked);
    const module = await loadKernels(HERE.assets.cpu[build]);
    const { kernels, close } = await openRoutine({ module, threads, dot: byteDotOf(build), spawn: spawnWorker });
    try {
      const port = HERE.samplerPort(sampler);
      const source = port && samplerSource(port, 'cpu');
      const segments = await runRoutine(name === 'speed' ? kernels.filter(tellsSpeed) : kernels, name, CLOCK, {
        signal,
        onPiece: (done, of, kind) => emit({ done, of, kind }),
      });
      const answered = source && (await askSource(source, segments));
      // Meters that are read elsewhere tell the time of day.
      const since = Date.now() - performance.now();
      const later = <T extends { from: number; to: number }>(span: T): T => ({
        ...span,
        from: span.from + since,
        to: span.to + since,
      });
      return {
        hardware: 'cpu',
        threads,
        segments: segments.map(later),
        answered: answered && { ...answered, observations: answered.observations.map(later) },
      };
    } finally {
      close();
    }
  },

  keepKnown: ({ hardware, ...change }) => keepKnown(hardware, change),
});
