/**
 * The protobuf wire format, as far as ONNX needs it: varints, fixed 32-bit, length-delimited fields
 * (protobuf.dev/programming-guides/encoding). Writing and reading are ~100 lines together; a library with a schema
 * compiler would be twenty times that in the page.
 */
export class ProtoWriter {
  private readonly parts: Uint8Array[] = [];
  private size = 0;
  private chunk = new Uint8Array(1024);
  private used = 0;

  private byte(b: number): void {
    if (this.used === this.chunk.length) this.flush(1024);
    this.chunk[this.used++] = b;
  }
  private flush(next: number): void {
    if (this.used > 0) this.parts.push(this.chunk.subarray(0, this.used));
    this.size += this.used;
    this.chunk = new Uint8Array(next);
    this.used = 0;
  }
  private varint(n: number | bigint): void {
    if (typeof n === 'number' && n >= 0 && n < 0x80000000) {
      for (; n > 127; n >>>= 7) this.byte((n & 127) | 128);
      this.byte(n);
      return;
    }
    // Negative numbers are 64-bit two's complement.
    let b = BigInt.asUintN(64, BigInt(n));
    for (; b > 127n; b >>= 7n) this.byte(Number(b & 127n) | 128);
    this.byte(Number(b));
  }
  int(field: number, value: number | bigint): this {
    this.varint(field << 3);
    this.varint(value);
    return this;
  }
  float(field: number, value: number): this {
    this.varint((field << 3) | 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    for (const b of bytes) this.byte(b);
    return this;
  }
  bytes(field: number, value: Uint8Array): this {
    this.varint((field << 3) | 2);
    this.varint(value.byteLength);
    this.flush(1024);
    this.parts.push(value);
    this.size += value.byteLength;
    return this;
  }
  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }
  message(field: number, write: (w: ProtoWriter) => void): this {
    const inner = new ProtoWriter();
    write(inner);
    return this.bytes(field, inner.finish());
  }
  packedInts(field: number, values: readonly number[]): this {
    const inner = new ProtoWriter();
    for (const v of values) inner.varint(v);
    return this.bytes(field, inner.finish());
  }
  finish(): Uint8Array<ArrayBuffer> {
    this.flush(0);
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const p of this.parts) {
      out.set(p, at);
      at += p.byteLength;
    }
    return out;
  }
}

export class ProtoError extends Error {}

export interface ProtoField {
  field: number;
  /** Varint or fixed value; 0n for length-delimited fields. */
  int: bigint;
  /** Payload of a length-delimited or fixed field, a view on the input. */
  bytes: Uint8Array;
}

/** Walks the fields of one message. Throws ProtoError on anything that does not end where it says. */
export function* readFields(data: Uint8Array): Generator<ProtoField> {
  let at = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const b = data[at++];
      if (b === undefined) throw new ProtoError('the data ends inside a number');
      result |= BigInt(b & 127) << shift;
      if (b < 128) return BigInt.asUintN(64, result);
    }
    throw new ProtoError('a number is too long');
  };
  while (at < data.byteLength) {
    const key = Number(varint());
    const wire = key & 7;
    const field = key >>> 3;
    if (field === 0) throw new ProtoError('field 0 does not exist');
    if (wire === 0) {
      yield { field, int: varint(), bytes: data.subarray(at, at) };
      continue;
    }
    const length = wire === 2 ? Number(varint()) : wire === 5 ? 4 : wire === 1 ? 8 : -1;
    if (length < 0) throw new ProtoError(`wire type ${wire} is unknown`);
    if (at + length > data.byteLength) throw new ProtoError('the data ends inside a field');
    yield { field, int: 0n, bytes: data.subarray(at, at + length) };
    at += length;
  }
}
