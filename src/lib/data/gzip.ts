/** Gzip files of several members, as `cat a.gz b.gz`, pigz and bgzip write them: browsers read the first and stop. */
import { Gunzip } from 'fflate';

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** Where a member ends, its last 8 bytes say: check sum and length of what it holds. */
const TRAILER = 8;

/**
 * The content of all members, one after another. Throws where a member is cut off or its check sum is wrong, which the
 * library itself does not look at; zeros behind the last member are padding.
 */
export async function* allMembers(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let crc = 0xffffffff;
  let size = 0;
  let out: Uint8Array<ArrayBuffer>[] = [];
  const gunzip = new Gunzip((data) => {
    for (const byte of data) crc = (CRC_TABLE[(crc ^ byte) & 255] as number) ^ (crc >>> 8);
    size += data.length;
    if (data.length > 0) out.push(Uint8Array.from(data));
  });
  /** The last bytes that were given in, where a trailer lies. */
  let tail = new Uint8Array();
  let given = 0;
  const matches = (end: number) => {
    const at = tail.length - (given - end) - TRAILER;
    const view = new DataView(tail.buffer, tail.byteOffset, tail.length);
    return at >= 0 && view.getUint32(at, true) === ~crc >>> 0 && view.getUint32(at + 4, true) === size >>> 0;
  };
  gunzip.onmember = (end) => {
    if (!matches(end)) throw new Error('a check sum is wrong');
    crc = 0xffffffff;
    size = 0;
  };
  let zeros = 0;
  for await (const chunk of chunks) {
    // Zeros are held back: behind the last member they are padding, anywhere else they are data.
    const end = endOf(chunk);
    if (end === 0) {
      zeros += chunk.length;
      continue;
    }
    for (const part of [new Uint8Array(zeros), chunk.subarray(0, end)]) {
      if (part.length === 0) continue;
      tail = joined(tail.subarray(-KEPT), part);
      given += part.length;
      gunzip.push(part);
      yield* out;
      out = [];
    }
    zeros = chunk.length - end;
  }
  // The trailer itself may end in zeros; what is behind it is padding, and the library would take it for a member.
  const rest = new Uint8Array(Math.min(zeros, 2 * TRAILER));
  tail = joined(tail.subarray(-KEPT), rest);
  given += rest.length;
  const ends = Array.from(rest, (_, i) => given - i).concat(given - rest.length);
  if (ends.some(matches)) return;
  gunzip.push(rest, true);
  yield* out;
  if (!ends.some(matches)) throw new Error('a check sum is wrong');
}

/** Bytes of the past that are kept: a header may be long, and the next member is known only behind it. */
const KEPT = 65_536;

function endOf(chunk: Uint8Array): number {
  let end = chunk.length;
  while (end > 0 && chunk[end - 1] === 0) end--;
  return end;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
