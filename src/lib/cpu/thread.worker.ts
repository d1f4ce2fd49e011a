import { instantiate, type ThreadSeat } from './module';

/** One kernel thread in a browser: it says that it is ready, then serves until the engine closes. */
self.addEventListener('message', ({ data }: MessageEvent<ThreadSeat>) => {
  const kernels = instantiate(data.module, data.memory);
  self.postMessage('ready');
  kernels.serve(data.thread, data.threads);
  self.close();
});
