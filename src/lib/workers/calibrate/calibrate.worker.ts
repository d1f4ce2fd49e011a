import { openPortion, type Portion } from '../../calibrate/forward';
import { compressGroup } from '../../compress/group';
import type { LayerStatistics } from '../../compress/statistics';
import { JoulewiseError } from '../../core/errors';
import { serve } from '../../core/rpc';
import { openKernels } from '../../matrix/served';
import { openRef } from '../../store/checkpoints';
import type { CalibrateApi } from './protocol';

/** One thread of a calibration: a portion of the sequences, then groups of linear layers, in one instance of src/matrix. */
let portion: Portion | null = null;

function held(): Portion {
  if (!portion) throw new JoulewiseError('internal', 'This thread has no portion of the calibration.');
  return portion;
}

const buffersOf = ({ inputs }: LayerStatistics) =>
  Object.values(inputs).flatMap((s) => (s.gram ? [s.gram.buffer] : []));

serve<CalibrateApi>({
  async open({ checkpoint, lanes, level }) {
    portion = openPortion(await openKernels(), await openRef(checkpoint), lanes, level);
  },
  async next(_, { transfer }) {
    const made = await held().next();
    transfer(buffersOf(made));
    return made;
  },
  async look({ layer, lane }, { transfer }) {
    const made = await held().look(layer, lane);
    transfer(buffersOf(made));
    return made;
  },
  async pass(block) {
    await held().pass(block);
  },
  async solve(job, { transfer }) {
    const made = compressGroup(await openKernels(), job);
    transfer(
      made.tensors.flatMap((t) =>
        [t.data.buffer, ...(t.format === 'blocks' ? [t.scales.buffer] : [])].map((b) => b as ArrayBuffer),
      ),
    );
    return made;
  },
});
