/** Memories made since `watchHeap`; ONNX Runtime makes one and keeps it to itself. */
const memories: WebAssembly.Memory[] = [];
let watching = false;

/** Notes every WebAssembly.Memory made from now on in this thread. Call it before a runtime loads. */
export function watchHeap(): void {
  if (watching) return;
  watching = true;
  const Original = WebAssembly.Memory;
  WebAssembly.Memory = new Proxy(Original, {
    construct(target, args: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(...args);
      memories.push(memory);
      return memory;
    },
  });
}

/** Bytes of all memories noted; null where none was. */
export const heapBytes = (): number | null =>
  memories.length ? memories.reduce((sum, m) => sum + m.buffer.byteLength, 0) : null;
