/** Sources for tests. */
import type { ImportSource } from './text-stream';

export const bytesSource = (bytes: Uint8Array, name = 'tickets.csv', chunk = 65_536): ImportSource => ({
  name,
  size: bytes.length,
  stream: () => {
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(Uint8Array.from(bytes.subarray(at, at + chunk)));
        at += chunk;
      },
    });
  },
});

export const textSource = (text: string, name = 'tickets.csv', chunk?: number) =>
  bytesSource(new TextEncoder().encode(text), name, chunk);
