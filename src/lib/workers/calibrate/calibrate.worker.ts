import { openShare, type Share } from '../../calibrate/forward';
import { compressGroup } from '../../compress/group';
import { JoulewiseError } from '../../core/errors';
import { serve } from '../../core/rpc';
import { hasRelaxedSimd, openMatrix, type Matrix } from '../../matrix/matrix';
import { openRef } from '../../store/checkpoints';
import baseline from '../../../matrix/build/baseline.wasm?url';
import relaxedBuild from '../../../matrix/build/relaxed.wasm?url';
import type { CalibrateApi } from './protocol';

/** One thread of a calibration: a share of the sequences, then groups of linear layers, in one instance of src/matrix. */
let matrix: Promise<Matrix> | null = null;
let share: Share | null = null;

const kernels = () =>
  (matrix ??= (async () => {
    const relaxed = hasRelaxedSimd();
    const answer = await fetch(new URL(relaxed ? relaxedBuild : baseline, self.location.href));
    return openMatrix(await answer.arrayBuffer(), relaxed);
  })());

serve<CalibrateApi>({
  async open({ checkpoint, states, level }) {
    share = openShare(await kernels(), await openRef(checkpoint), states, level);
  },
  async next(_, { transfer }) {
    if (!share) throw new JoulewiseError('internal', 'This thread has no share of the calibration.');
    const made = await share.next();
    transfer(Object.values(made.inputs).flatMap((s) => (s.gram ? [s.gram.buffer] : [])));
    return made;
  },
  async solve(job, { transfer }) {
    const made = compressGroup(await kernels(), job);
    transfer(
      made.tensors.flatMap((t) =>
        [t.data.buffer, ...(t.format === 'blocks' ? [t.scales.buffer] : [])].map((b) => b as ArrayBuffer),
      ),
    );
    return made;
  },
});
