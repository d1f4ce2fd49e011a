import { fromWireError, JoulewiseError, toWireError, type WireError } from './errors';
import { Pause } from './pause';

/**
 * Typed calls across a worker border. An Api maps a method's name to its arguments, the events it may send while it
 * runs, and its result; a thin shell on each side, no library.
 */
export type Api = Record<string, { args: unknown; event: unknown; result: unknown }>;

type Request =
  | { type: 'call'; id: number; method: string; args: unknown }
  | { type: 'abort'; id: number }
  | { type: 'pause'; id: number; on: boolean };
type Reply =
  | { type: 'event'; id: number; event: unknown }
  | { type: 'done'; id: number; result: unknown }
  | { type: 'failed'; id: number; error: WireError };

export interface CallContext<Event> {
  emit: (event: Event) => void;
  signal: AbortSignal;
  /** Whether the caller wants the work held up, for work that can be. */
  pause: Pause;
  /** Hands buffers of the result over instead of copying them. */
  transfer: (buffers: ArrayBuffer[]) => void;
}

export type Handlers<A extends Api> = {
  [M in keyof A]: (args: A[M]['args'], context: CallContext<A[M]['event']>) => Promise<A[M]['result']>;
};

/** The worker's side: answers calls until the thread ends. */
export function serve<A extends Api>(handlers: Handlers<A>): void {
  const running = new Map<number, { controller: AbortController; pause: Pause }>();
  const reply = (message: Reply, transfer: ArrayBuffer[] = []) => self.postMessage(message, { transfer });
  self.addEventListener('message', ({ data }: MessageEvent<Request>) => {
    if (data.type === 'abort') {
      running.get(data.id)?.controller.abort();
      return;
    }
    if (data.type === 'pause') {
      running.get(data.id)?.pause.set(data.on);
      return;
    }
    const { id, method, args } = data;
    const controller = new AbortController();
    const pause = new Pause();
    running.set(id, { controller, pause });
    let handedOver: ArrayBuffer[] = [];
    const handler = handlers[method as keyof A];
    void handler(args as A[keyof A]['args'], {
      emit: (event) => reply({ type: 'event', id, event }),
      signal: controller.signal,
      pause,
      transfer: (buffers) => (handedOver = buffers),
    })
      .then(
        (result) => reply({ type: 'done', id, result }, handedOver),
        (error: unknown) => {
          if (!(error instanceof JoulewiseError)) console.error(error);
          reply({ type: 'failed', id, error: toWireError(error) });
        },
      )
      .finally(() => running.delete(id));
  });
}

export interface CallOptions<Event> {
  onEvent?: ((event: Event) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Told to the thread; while it is on, its silence is no sign of hanging. */
  pause?: Pause | undefined;
  /** Handed over instead of copied. */
  transfer?: Transferable[] | undefined;
  /** Milliseconds after an abort within which the thread must answer; then it is ended, whatever it does. None = it is waited for. */
  graceMs?: number | undefined;
  /**
   * Milliseconds without a word of the thread, by its last one (null = none yet), after which it is taken to hang: it is
   * ended, and the call fails as `engine.hung`.
   */
  silenceMs?: ((last: Event | null) => number) | undefined;
}

export interface Connection<A extends Api> {
  call<M extends keyof A & string>(
    method: M,
    args: A[M]['args'],
    options?: CallOptions<A[M]['event']>,
  ): Promise<A[M]['result']>;
  /** Ends the thread and frees its memory; calls under way fail as cancelled. */
  end(): void;
}

/** The caller's side. */
export function connect<A extends Api>(worker: Worker): Connection<A> {
  let next = 0;
  const waiting = new Map<
    number,
    {
      resolve: (value: never) => void;
      reject: (error: unknown) => void;
      onEvent?: ((event: never) => void) | undefined;
      /** Called with every event of the thread, and at the end of the call. */
      heard: (event: unknown, last: boolean) => void;
    }
  >();
  const failAll = (error: JoulewiseError) => {
    for (const w of waiting.values()) {
      w.heard(null, true);
      w.reject(error);
    }
    waiting.clear();
  };
  worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
    const call = waiting.get(data.id);
    if (!call) return;
    call.heard(data.type === 'event' ? data.event : null, data.type !== 'event');
    if (data.type === 'event') {
      call.onEvent?.(data.event as never);
      return;
    }
    waiting.delete(data.id);
    if (data.type === 'done') call.resolve(data.result as never);
    else call.reject(fromWireError(data.error));
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    failAll(
      new JoulewiseError(
        'internal',
        `A worker stopped: ${event.message || 'it could not be loaded'}. Reload the page and try again.`,
      ),
    );
  });
  const end = (error: JoulewiseError) => {
    worker.terminate();
    failAll(error);
  };
  const stopped = () => new JoulewiseError('cancelled', 'Stopped.');
  return {
    call(method, args, options) {
      const id = next++;
      const { signal, graceMs, silenceMs, pause } = options ?? {};
      return new Promise((resolve, reject) => {
        let grace: ReturnType<typeof setTimeout> | undefined;
        let silence: ReturnType<typeof setTimeout> | undefined;
        const heard = (event: unknown, last: boolean) => {
          clearTimeout(silence);
          const patience = silenceMs?.(event);
          if (last) {
            clearTimeout(grace);
            signal?.removeEventListener('abort', abort);
            unlisten?.();
          } else if (patience !== undefined && !pause?.on)
            silence = setTimeout(
              () =>
                end(
                  new JoulewiseError(
                    'engine.hung',
                    `A thread did not answer for ${Math.round(patience / 1000)} s and was ended.`,
                  ),
                ),
              patience,
            );
        };
        const abort = () => {
          worker.postMessage({ type: 'abort', id } satisfies Request);
          if (graceMs !== undefined) grace = setTimeout(() => end(stopped()), graceMs);
        };
        const hold = (on: boolean) => {
          worker.postMessage({ type: 'pause', id, on } satisfies Request);
          heard(null, false);
        };
        const unlisten = pause?.listen(hold);
        waiting.set(id, { resolve, reject, onEvent: options?.onEvent, heard });
        heard(null, false);
        signal?.addEventListener('abort', abort, { once: true });
        worker.postMessage({ type: 'call', id, method, args } satisfies Request, options?.transfer ?? []);
        if (signal?.aborted) abort();
        if (pause?.on) hold(true);
      });
    },
    end() {
      end(stopped());
    },
  };
}
