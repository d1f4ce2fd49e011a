import { dealLanes } from '../../calibrate/forward';
import type { CalibrationHost } from '../../calibrate/host';
import type { GroupJob, GroupResult } from '../../compress/group';
import { connect, type Connection } from '../../core/rpc';
import type { CheckpointRef } from '../../schema/plan';
import { contentOf } from '../../store/checkpoints';
import { opfsLayers, opfsStatistics } from '../../store/pieces';
import CalibrateWorker from './calibrate.worker?worker';
import type { CalibrateApi } from './protocol';

/** More threads gain little: each reads the layer's weights anew. */
const MAX_THREADS = 8;

export interface HostOptions {
  checkpoint: CheckpointRef;
  /** Null = as many as there are cores, at most 8. */
  threads: number | null;
  /** False makes all anew and keeps nothing: for benches. */
  keep?: boolean;
}

export const calibrationThreads = (asked: number | null) =>
  Math.max(1, asked ?? Math.min(navigator.hardwareConcurrency || 1, MAX_THREADS));

/** Calibration over a pool of threads; each needs neither shared memory nor isolation. */
export function openHost(o: HostOptions): CalibrationHost {
  const pool: Connection<CalibrateApi>[] = Array.from({ length: calibrationThreads(o.threads) }, () =>
    connect<CalibrateApi>(new CalibrateWorker()),
  );
  const idle = [...pool];
  const waiting: ((c: Connection<CalibrateApi>) => void)[] = [];
  const take = () => {
    const c = idle.pop();
    return c ? Promise.resolve(c) : new Promise<Connection<CalibrateApi>>((resolve) => waiting.push(resolve));
  };
  const keep = o.keep ?? true;
  return {
    async openPortions(lanes, level) {
      return Promise.all(
        dealLanes(lanes, pool.length).map(async (own, i) => {
          const c = pool[i] as Connection<CalibrateApi>;
          await c.call('open', { checkpoint: o.checkpoint, lanes: own, level });
          return {
            next: () => c.call('next', null),
            look: (layer, lane) => c.call('look', { layer, lane }),
            pass: (block) => c.call('pass', block),
          };
        }),
      );
    },
    solver: {
      async run(job: GroupJob): Promise<GroupResult> {
        const c = await take();
        try {
          return await c.call('solve', job, { transfer: job.matrices.map((x) => x.data.buffer) });
        } finally {
          const next = waiting.shift();
          if (next) next(c);
          else idle.push(c);
        }
      },
    },
    statistics: keep ? opfsStatistics : null,
    layers: keep ? opfsLayers : null,
    checkpointHash: contentOf(o.checkpoint),
    close: () => pool.forEach((c) => c.end()),
  };
}
