import { openShare, type Share } from '../../calibrate/forward';
import { compressGroup } from '../../compress/group';
import { JoulewiseError } from '../../core/errors';
import { serve } from '../../core/rpc';
import { openKernels } from '../../matrix/served';
import { openRef } from '../../store/checkpoints';
import type { CalibrateApi } from './protocol';

/** One thread of a calibration: a share of the sequences, then groups of linear layers, in one instance of src/matrix. */
let share: Share | null = null;

serve<CalibrateApi>({
  async open({ checkpoint, states, level }) {
    share = openShare(await openKernels(), await openRef(checkpoint), states, level);
  },
  async next(_, { transfer }) {
    if (!share) throw new JoulewiseError('internal', 'This thread has no share of the calibration.');
    const made = await share.next();
    transfer(Object.values(made.inputs).flatMap((s) => (s.gram ? [s.gram.buffer] : [])));
    return made;
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
