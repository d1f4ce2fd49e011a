import { serve } from '../../core/rpc';
import { spawnWorker } from '../../cpu/spawn';
import { openRoutineKernels } from '../../engine/routine';
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
  async routine({ hardware, name, threads: asked, sampler }, { emit, signal }) {
    const { kernels, threads, close } = await openRoutineKernels(hardware, {
      threads: asked,
      builds: HERE.assets.cpu,
      spawn: spawnWorker,
    });
    try {
      const port = HERE.samplerPort(sampler);
      const source = port && samplerSource(port, hardware === 'cpu' ? 'cpu' : 'wgsl');
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
        hardware,
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
