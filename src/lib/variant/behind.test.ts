import { describe, expect, it } from 'vitest';
import { memoryLayers, memoryStore } from '../calibrate/calibrate';
import { dealLanes, openPortion } from '../calibrate/forward';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { builtinFiles, fileSet } from '../checkpoint/testing';
import type { LayerCache } from '../compress/compress';
import { compressGroup } from '../compress/group';
import { nodeMatrix } from '../matrix/testing';
import { compressVariant, parseRecipe, type CalibrationHost, type Calibration } from './compress';

const checkpoint = await openCheckpoint(fileSet(builtinFiles()));
const m = await nodeMatrix();
const prompts = Array.from({ length: 3 }, (_, s) => Array.from({ length: 32 }, (__, i) => (i * 37 + s * 101) % 500));

/** A host that keeps nothing unless told where, and counts what it was asked for. */
function hostOf(keep: { hashes: string[]; layers: Map<string, LayerCache> } | null = null, checkpointHash = 'builtin') {
  const asked = { opened: 0, solved: 0, closed: 0 };
  const host: CalibrationHost = {
    openPortions: (lanes, level) => {
      asked.opened++;
      return Promise.resolve(dealLanes(lanes, 1).map((own) => openPortion(m, checkpoint, own, level)));
    },
    solver: { run: (job) => (asked.solved++, Promise.resolve(compressGroup(m, job))) },
    statistics: keep ? statistics : null,
    layers: keep
      ? (hash) => {
          keep.hashes.push(hash);
          const found = keep.layers.get(hash) ?? memoryLayers();
          keep.layers.set(hash, found);
          return found;
        }
      : null,
    checkpointHash,
    close: () => asked.closed++,
  };
  const calibration: Calibration = { prompts: () => prompts, open: () => Promise.resolve(host) };
  return { calibration, asked };
}
const statistics = memoryStore();

describe('a recipe that is calibrated behind its own layers', () => {
  it('is metered as calibration and compression in turn, says each layer once, and keeps its layers for whoever reads them', async () => {
    const { calibration, asked } = hostOf();
    const phases: string[] = [];
    const calibrated: number[] = [];
    const reported: string[] = [];
    const { model, close } = await compressVariant(checkpoint, parseRecipe('int8+sparsegpt2:4+seq'), {
      calibration,
      inPhase: (phase, work) => (phases.push(phase), work()),
      onCalibrated: (done) => void calibrated.push(done),
      onLinear: ({ layer, linear }) => void reported.push(`${layer} ${linear}`),
    });
    const { layers } = model.config;
    expect(calibrated).toEqual(Array.from({ length: layers }, (_, i) => i + 1));
    expect(phases.filter((p) => p === 'compress')).toHaveLength(layers + 1);
    // One opens the threads; a layer is looked at, and all but the last are passed.
    expect(phases.filter((p) => p === 'calibrate')).toHaveLength(2 * layers);
    expect(reported).toEqual([]);
    const { solved } = asked;
    for (let layer = 0; layer < layers; layer++) await model.layer(layer);
    expect(reported).toHaveLength(7 * layers);
    expect(new Set(reported).size).toBe(7 * layers);
    expect(asked).toMatchObject({ opened: 1, solved, closed: 0 });
    expect(model.counted().recipe).toBe('int8+sparsegpt2:4+seq');
    close();
    expect(asked.closed).toBe(1);
  });

  it('keeps its layers under a name of its own, which parts that change no weight share', async () => {
    const keep = { hashes: [] as string[], layers: new Map<string, LayerCache>() };
    const make = async (text: string) => {
      const { calibration, asked } = hostOf(keep);
      await compressVariant(checkpoint, parseRecipe(text), { calibration, inPhase: (_, work) => work() });
      return asked;
    };
    expect((await make('int8+wanda50+seq')).opened).toBe(1);
    expect((await make('int8+wanda50+seq+kv8')).opened).toBe(0);
    expect((await make('int8+wanda20+seq')).opened).toBe(1);
    await make('int8+wanda50');
    expect(new Set(keep.hashes).size).toBe(3);
  });

  it('ends its threads when it is stopped', async () => {
    const { calibration, asked } = hostOf();
    const stop = new AbortController();
    await expect(
      compressVariant(checkpoint, parseRecipe('int8+wanda50+seq'), {
        calibration,
        inPhase: (_, work) => work(),
        onCalibrated: (done) => void (done === 1 && stop.abort()),
        signal: stop.signal,
      }),
    ).rejects.toMatchObject({ code: 'cancelled' });
    expect(asked.closed).toBe(1);
  });
});
