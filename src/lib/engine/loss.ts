import { JoulewiseError } from '../core/errors';

/** How long after a failed call a lost device may take to say so, ms. */
const TOLD_WITHIN_MS = 50;

const lostError = (why: string, cause?: unknown) =>
  new JoulewiseError(
    'engine.lost',
    `The GPU was lost while the model ran (${why.trim().replace(/\.$/, '')}). Finished runs are kept; close other GPU work and resume.`,
    { cause },
  );

/** Turns the loss of a GPU into `engine.lost`, whatever a call under way makes of it. */
export interface LossWatch {
  /** The device is gone. */
  readonly lost: boolean;
  /**
   * Does GPU work. Where the device is lost meanwhile it fails with engine.lost: at once, as calls that wait for a lost
   * device may never return, and also where the call failed first with an error of its own.
   */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** From here on the device may go: closing it is no loss. */
  end(): void;
}

/** @param device null = nothing can be lost */
export function watchLoss(device: Pick<GPUDevice, 'lost'> | null): LossWatch {
  let open = true;
  let why: string | null = null;
  const waiting = new Set<(error: JoulewiseError) => void>();
  void device?.lost.then((info) => {
    if (!open) return;
    why = info.message || info.reason;
    for (const fail of waiting) fail(lostError(why));
  });
  return {
    get lost() {
      return why !== null;
    },
    during<T>(work: () => Promise<T>): Promise<T> {
      if (!device) return work();
      // Not Promise.race: it would keep every result alive for as long as the device is.
      return new Promise<T>((done, failed) => {
        if (why !== null) {
          failed(lostError(why));
          return;
        }
        const settle = () => waiting.delete(failed);
        waiting.add(failed);
        work().then(
          (value) => {
            settle();
            done(value);
          },
          (thrown: unknown) => {
            const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
            setTimeout(() => {
              settle();
              failed(why === null ? cause : lostError(why, cause));
            }, TOLD_WITHIN_MS);
          },
        );
      });
    },
    end() {
      open = false;
    },
  };
}
