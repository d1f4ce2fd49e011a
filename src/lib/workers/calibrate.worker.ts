import { openShare, type Share } from '../calibrate/forward';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { compressGroup } from '../compress/group';
import { JoulewiseError } from '../core/errors';
import { hasRelaxedSimd, openMatrix, type Matrix } from '../matrix/matrix';
import { MATRIX_ASSETS } from './assets';
import { openFiles } from './checkpoints';
import type { CalibrateApi } from './protocol';
import { serve } from './rpc';

/** One thread of a calibration: a share of the sequences, then groups of linear layers, in one instance of src/matrix. */
let matrix: Promise<Matrix> | null = null;
let share: Share | null = null;

const kernels = () =>
  (matrix ??= (async () => {
    const relaxed = hasRelaxedSimd();
    const answer = await fetch(relaxed ? MATRIX_ASSETS.relaxed : MATRIX_ASSETS.baseline);
    return openMatrix(await answer.arrayBuffer(), relaxed);
  })());

serve<CalibrateApi>({
  async open({ checkpoint, states, level }) {
    share = openShare(await kernels(), await openCheckpoint(await openFiles(checkpoint)), states, level);
  },
  next() {
    if (!share) throw new JoulewiseError('internal', 'This thread has no share of the calibration.');
    return share.next();
  },
  solve: async (job) => compressGroup(await kernels(), job),
});
