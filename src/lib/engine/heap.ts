/** Memories made since `watchHeap`; ONNX Runtime makes one and keeps it to itself. */
const memories: WebAssembly.Memory[] = [];
let watching = false;

const PAGE_BYTES = 65_536;
/** Steps up to this size are taken as they come. */
const GENTLE_BYTES = 16 * 2 ** 20;
/** Emscripten asks for 20 % more than it needs, then for 10 %, then for 5 %, before it gives up. */
const ATTEMPTS = 3;

/**
 * Refuses the generous first attempts of each large step, so that the last and smallest is taken: a WebAssembly heap
 * never shrinks, and 20 % of a model is 100 MiB of nothing. A step that really needs its size asks for it every time.
 */
function growGently(memory: WebAssembly.Memory): void {
  const grow = memory.grow.bind(memory);
  let refused = 0;
  memory.grow = (pages) => {
    if (pages * PAGE_BYTES > GENTLE_BYTES && refused < ATTEMPTS - 1) {
      refused++;
      throw new RangeError('a smaller step is asked for');
    }
    refused = 0;
    return grow(pages);
  };
}

/** Notes every WebAssembly.Memory made from now on in this thread. Call it before a runtime loads. */
export function watchHeap(): void {
  if (watching) return;
  watching = true;
  const Original = WebAssembly.Memory;
  WebAssembly.Memory = new Proxy(Original, {
    construct(target, args: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(...args);
      growGently(memory);
      memories.push(memory);
      return memory;
    },
  });
}

/** Bytes of all memories noted; null where none was. */
export const heapBytes = (): number | null =>
  memories.length ? memories.reduce((sum, m) => sum + m.buffer.byteLength, 0) : null;
