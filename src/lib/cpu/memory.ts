import { JoulewiseError } from '../core/errors';

const PAGE_BYTES = 65_536;
/** 4 GiB: all that 32-bit WebAssembly addresses. */
export const MAX_PAGES = 65_536;
export const MAX_BYTES = MAX_PAGES * PAGE_BYTES;
/** Control block and model struct of src/kernels/layout.ts lie below. */
const FIRST_FREE = 4096;
/** A cache line. */
const ALIGNMENT = 64;

export const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/**
 * The one memory of an engine, shared by its threads: pieces are handed out from the bottom up, zeroed, never given
 * back; it grows with what is asked for. Views are made on demand, because growing outdates them.
 */
export class KernelMemory {
  readonly memory: WebAssembly.Memory;
  private next = FIRST_FREE;

  constructor() {
    // Without cross-origin isolation a shared memory can be made too; only posting it to another thread fails.
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES, shared: true });
  }

  /** Bytes that the memory takes. */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Bytes handed out, those below the first piece included. */
  get used(): number {
    return this.next;
  }

  /** Address of `bytes` zeroed bytes. Fails with engine.memory where the browser gives no more. */
  take(bytes: number): number {
    const at = this.next;
    const end = at + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const missing = Math.ceil((end - this.bytes) / PAGE_BYTES);
    if (missing > 0) {
      try {
        this.memory.grow(missing);
      } catch (cause) {
        throw new JoulewiseError(
          'engine.memory',
          `The browser gave ${gib(this.bytes)} of memory, and the variant needs more. Close other pages, or choose a smaller model or fewer bits.`,
          { cause },
        );
      }
    }
    this.next = end;
    return at;
  }

  u8(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length);
  }
  u16(at: number, length: number): Uint16Array {
    return new Uint16Array(this.memory.buffer, at, length);
  }
  u32(at: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, at, length);
  }
  f32(at: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }
  f64(at: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, at, length);
  }
  setU32(at: number, value: number): void {
    this.u32(at, 1)[0] = value;
  }
  setF32(at: number, value: number): void {
    this.f32(at, 1)[0] = value;
  }
}
