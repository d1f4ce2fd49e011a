import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { damaged, survives } from '../checkpoint/testing';
import { encodeValues, GraphBuilder, integerValues } from './builder';
import { graphCost } from './cost';
import { totalBytes } from '../core/cost';
import { summarizeOnnx } from './decode';
import { encodeModel } from './encode';
import type { Graph } from './graph';
import { ProtoError, ProtoWriter, readFields } from './protobuf';

describe('protobuf', () => {
  type Field = { kind: 'int'; value: bigint } | { kind: 'bytes'; value: Uint8Array } | { kind: 'float'; value: number };
  const field: fc.Arbitrary<Field> = fc.oneof(
    fc.record({ kind: fc.constant('int' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 2000 }) }),
    fc.record({ kind: fc.constant('float' as const), value: fc.float({ noNaN: true }) }),
  );

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 5000 }), field)), (fields) => {
        const w = new ProtoWriter();
        for (const [number, f] of fields)
          if (f.kind === 'int') w.int(number, f.value);
          else if (f.kind === 'float') w.float(number, f.value);
          else w.bytes(number, f.value);
        const back = [...readFields(w.finish())];
        expect(back.map((b) => b.field)).toEqual(fields.map(([number]) => number));
        back.forEach((b, i) => {
          const f = fields[i]?.[1] as Field;
          if (f.kind === 'int') expect(BigInt.asIntN(64, b.int)).toBe(f.value);
          else if (f.kind === 'bytes') expect(b.bytes).toEqual(f.value);
          else {
            const v = new DataView(b.bytes.buffer, b.bytes.byteOffset, 4).getFloat32(0, true);
            expect(Object.is(v, f.value)).toBe(true);
          }
        });
      }),
    );
  });

  it('writes numbers as the specification does', () => {
    expect([...new ProtoWriter().int(1, 150).finish()]).toEqual([0x08, 0x96, 0x01]);
    expect([...new ProtoWriter().string(2, 'testing').finish()]).toEqual([0x12, 7, ...Buffer.from('testing')]);
    expect([...new ProtoWriter().packedInts(6, [3, 270, 86942]).finish()]).toEqual([
      0x32, 6, 3, 0x8e, 2, 0x9e, 0xa7, 5,
    ]);
    expect([...new ProtoWriter().int(1, -1).finish()]).toEqual([8, ...Array<number>(9).fill(0xff), 1]);
    expect([...new ProtoWriter().int(1, 2 ** 40).finish()]).toEqual([8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
  });

  it('refuses what does not end where it says', () => {
    for (const bad of [
      [0x08],
      [0x08, 0x80],
      [0x12, 5, 1],
      [0x0d, 1, 2],
      [0x0b],
      [0x00, 1],
      Array<number>(12).fill(0xff),
    ])
      expect(() => [...readFields(Uint8Array.from(bad))]).toThrow(ProtoError);
  });
});

function small(): Graph {
  const g = new GraphBuilder('small');
  const x = g.input('x', 'float32', ['B', 'S', 64]);
  const w = g.weight('w', 'float32', [64, 16]);
  const y = g.op('MatMul', [x, w]);
  g.op('Reshape', [y, g.constant([0, -1])], {}, 'y');
  g.output({ name: 'y', dtype: 'float32', shape: ['B', 'n'] });
  return g.graph;
}
const ONNX = encodeModel(small(), (w) => ({ location: `${w.name}.bin`, offset: 128 }));

describe('ONNX files', () => {
  it('say what went into them', () => {
    expect(summarizeOnnx('m', ONNX)).toEqual({
      producer: 'joulewise',
      inputs: ['x'],
      outputs: ['y'],
      operators: { MatMul: 1, Reshape: 1 },
      weightBytes: 64 * 16 * 4 + 2 * 8,
      externalFiles: ['w.bin'],
    });
  });

  it('are refused where they reach outside their folder, or hold no graph', () => {
    const outside = encodeModel(small(), () => ({ location: '../../etc/passwd', offset: 0 }));
    expect(() => summarizeOnnx('m', outside)).toThrow(/outside its folder/);
    expect(() => summarizeOnnx('m', new Uint8Array())).toThrow(/holds no graph/);
    expect(() => summarizeOnnx('m', new TextEncoder().encode('GGUF and more'))).toThrow(/not a usable ONNX file/);
  });

  it('survive 2,500 damages', async () => {
    const seen = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(damaged(ONNX), async (data) => {
        seen[await survives(() => Promise.resolve().then(() => summarizeOnnx('m', data)))]++;
      }),
      { numRuns: 2500 },
    );
    expect(seen.read).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(500);
  });

  it('survive 1,000 files of random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (data) => {
        await survives(() => Promise.resolve().then(() => summarizeOnnx('m', data)));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('builder', () => {
  it('shares constants and weights', () => {
    const g = new GraphBuilder('g');
    expect(g.constant([1, 2])).toBe(g.constant([1, 2]));
    expect(g.constant(1)).not.toBe(g.constant([1]));
    expect(g.constant(1)).not.toBe(g.constant(1, 'float32'));
    g.weight('w', 'int8', [3]);
    g.weight('w', 'int8', [3]);
    expect(g.graph.initializers.filter((i) => i.name === 'w').length).toBe(1);
  });

  it('encodes little-endian numbers that read back', () => {
    for (const dtype of ['int64', 'int32'] as const) {
      const data = encodeValues([0, -1, 70_000], dtype);
      expect(integerValues({ name: 'c', dtype, shape: [3], data })).toEqual([0, -1, 70_000]);
    }
    expect([...encodeValues([1, -2], 'float16')]).toEqual([0, 0x3c, 0, 0xc0]);
    expect(integerValues({ name: 'w', dtype: 'int64', shape: [3], data: null })).toBeNull();
  });
});

describe('cost', () => {
  const cost = (build: (g: GraphBuilder) => void, dims: Record<string, number> = {}) => {
    const g = new GraphBuilder('g');
    build(g);
    return graphCost(g.graph, dims);
  };

  it('MatMul: 2 m k n, each matrix once', () => {
    const c = cost((g) => g.op('MatMul', [g.input('x', 'float32', [1, 'S', 64]), g.weight('w', 'float32', [64, 16])]), {
      S: 10,
    });
    expect(c).toEqual({
      operations: 2 * 10 * 64 * 16,
      weightBytes: 64 * 16 * 4,
      activationBytes: (10 * 64 + 10 * 16) * 4,
    });
    expect(totalBytes(c)).toBe(c.weightBytes + c.activationBytes);
  });

  it('MatMulNBits: the same operations on packed bytes and scales', () => {
    const c = cost((g) =>
      g.op(
        'MatMulNBits',
        [g.input('x', 'float32', [1, 3, 64]), g.weight('q', 'uint8', [16, 2, 16]), g.weight('s', 'float32', [16, 2])],
        { K: 64, N: 16, bits: 4, block_size: 32 },
      ),
    );
    expect(c).toEqual({
      operations: 2 * 3 * 64 * 16,
      weightBytes: 16 * 64 * 0.5 + 16 * 2 * 4,
      activationBytes: (3 * 64 + 3 * 16) * 4,
    });
  });

  it('GroupQueryAttention: 4 operations a pair of tokens that see each other and a channel', () => {
    const [S, P, heads, kv, D] = [5, 7, 4, 2, 8];
    const c = cost((g) => {
      const q = g.input('q', 'float32', [1, S, heads * D]);
      const k = g.input('k', 'float32', [1, S, kv * D]);
      const v = g.input('v', 'float32', [1, S, kv * D]);
      const past = ['pk', 'pv'].map((n) => g.input(n, 'float32', [1, kv, P, D]));
      g.node('GroupQueryAttention', [q, k, v, ...past], ['o', 'nk', 'nv'], { num_heads: heads, kv_num_heads: kv });
    });
    let pairs = 0;
    for (let i = 0; i < S; i++) for (let j = 0; j < P + S; j++) if (j <= P + i) pairs++;
    expect(c.operations).toBe(4 * pairs * heads * D);
    // q, k, v and the past in; the result and the longer cache out.
    expect(c.activationBytes).toBe(
      4 * (S * heads * D + 2 * S * kv * D + 2 * kv * P * D + S * heads * D + 2 * kv * (P + S) * D),
    );
    expect(c.weightBytes).toBe(0);
  });

  it('Gather reads only the rows it picks', () => {
    const c = cost((g) => g.op('Gather', [g.weight('table', 'uint8', [1000, 32]), g.input('ids', 'int64', [1, 3])]));
    expect(c).toEqual({ operations: 0, weightBytes: 3 * 32, activationBytes: 3 * 8 + 3 * 32 });
  });

  it('views move nothing, and an unbound dimension is an error', () => {
    const view = (g: GraphBuilder) => g.op('Reshape', [g.input('x', 'float32', ['S', 6]), g.constant([0, 2, 3])]);
    expect(cost(view, { S: 4 })).toEqual({ operations: 0, weightBytes: 0, activationBytes: 0 });
    expect(() => cost(view)).toThrow(/"S" of x is not bound/);
  });

  it('an operator without a row is an error', () => {
    expect(() => new GraphBuilder('g').op('Conv', ['x'])).toThrow(/"Conv" has no row/);
    expect(() => new GraphBuilder('g').op('toString', ['x'])).toThrow(/no row/);
  });
});
