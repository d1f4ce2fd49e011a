import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { DOTS, inverseFactor, packedA, packedB, timesTransposed } from './matrix';
import { nodeMatrix } from './testing';
import { chooseDot, fastestDot } from './ways';

const m = await nodeMatrix();
const random = createRandom(7);
const normal = (n: number) => Float32Array.from({ length: n }, random.normal);

describe('dropout', () => {
  const [rows, n] = [300, 400];
  const mask = (key: number, share: number) =>
    m.within(() => {
      const at = m.put(new Float32Array(rows * n).fill(3));
      m.k.dropout(at, rows, n, key, Math.round(share * 2 ** 32), 1 / (1 - share), at, false);
      return m.f32(at, rows * n).slice();
    });
  const mean = (x: Float32Array) => x.reduce((a, b) => a + b, 0) / x.length;

  it.each([0.01, 0.1, 0.5, 0.9])('of %d leaves out that share of places, and keeps the mean', (share) => {
    const got = mask(11, share);
    // Four standard deviations of a share of independent places.
    const off = 4 * Math.sqrt((share * (1 - share)) / got.length);
    expect(Math.abs(got.filter((x) => x === 0).length / got.length - share)).toBeLessThan(off);
    expect(Math.abs(mean(got) / 3 - 1)).toBeLessThan(off / (1 - share));
    const value = Math.fround(3 * Math.fround(1 / (1 - share)));
    expect(new Set(got)).toEqual(new Set([0, value]));
  });

  it('is spread evenly over rows and columns, and independent from place to place and key to key', () => {
    const share = 0.3;
    const got = mask(5, share);
    const zero = (i: number) => Number(got[i] === 0) - share;
    const sd = Math.sqrt(share * (1 - share));
    const most = (sums: number[], count: number) => Math.max(...sums.map(Math.abs)) / (sd * Math.sqrt(count));
    const sumOver = (count: number, at: (i: number) => number) =>
      Array.from({ length: count }, (_, i) => zero(at(i))).reduce((a, b) => a + b, 0);
    // The largest of some hundred sums of independent places is below 4.5 standard deviations.
    expect(
      most(
        Array.from({ length: rows }, (_, r) => sumOver(n, (c) => r * n + c)),
        n,
      ),
    ).toBeLessThan(4.5);
    expect(
      most(
        Array.from({ length: n }, (_, c) => sumOver(rows, (r) => r * n + c)),
        rows,
      ),
    ).toBeLessThan(4.5);
    const correlation = (at: (i: number) => number) => {
      const count = rows * n - 8 * n;
      let s = 0;
      for (let i = 0; i < count; i++) s += zero(i) * at(i);
      return Math.abs(s) / (sd * sd * Math.sqrt(count));
    };
    for (const next of [1, 2, 3, 4, n, n + 1, 4 * n])
      expect(
        correlation((i) => zero(i + next)),
        String(next),
      ).toBeLessThan(4.5);
    for (const key of [4, 6, 5 ^ (2 ** 31), -5]) {
      const other = mask(key, share);
      expect(
        correlation((i) => Number(other[i] === 0) - share),
        String(key),
      ).toBeLessThan(4.5);
    }
  });

  it('adds where it is told to, and is the same in either build', async () => {
    const x = normal(7 * 12);
    const [own, other] = [m, await nodeMatrix(false)].map((machine) =>
      machine.within(() => {
        const y = machine.put(x);
        machine.k.dropout(machine.put(x), 7, 12, 9, 2 ** 31, 2, y, true);
        return machine.f32(y, x.length).slice();
      }),
    );
    expect(own).toEqual(other);
    own?.forEach((y, i) =>
      expect([x[i], 3 * (x[i] as number)].some((v) => Math.abs((v as number) - y) < 1e-6)).toBe(true),
    );
  });
});

describe('matrix kernels', () => {
  it.each([
    [1, 1, 1],
    [6, 8, 4],
    [7, 9, 5],
    [13, 31, 400],
    [200, 17, 801],
  ])('x w^T of %d x %d over %d equals float64', (rows, n, k) => {
    const x = normal(rows * k);
    const w = normal(n * k);
    const y = timesTransposed(m, x, w, rows, n, k);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < n; j++) {
        let s = 0;
        for (let q = 0; q < k; q++) s += (x[i * k + q] as number) * (w[j * k + q] as number);
        expect(Math.abs((y[i * n + j] as number) - s)).toBeLessThan(1e-5 * Math.sqrt(k) * 4);
      }
  });

  it.each([5, 16, 50])('x^T x, upper half, of %d columns equals float64', (n) => {
    const rows = 37;
    const x = normal(rows * n);
    m.within(() => {
      const src = m.put(x);
      const a = m.take(packedA(n, rows) * 4);
      const b = m.take(packedB(n, rows) * 4);
      const c = m.take(n * n * 4);
      m.f32(c, n * n).fill(1);
      m.k.packATransposed(src, n, n, rows, a);
      m.k.packB(src, n, n, rows, b);
      m.k.gemm(a, b, c, n, n, n, rows, true, true);
      const got = m.f32(c, n * n);
      for (let i = 0; i < n; i++)
        for (let j = i; j < n; j++) {
          let s = 1;
          for (let r = 0; r < rows; r++) s += (x[r * n + i] as number) * (x[r * n + j] as number);
          expect(Math.abs((got[i * n + j] as number) - s)).toBeLessThan(1e-4);
        }
    });
  });

  it.each([1, 3, 47, 48, 49, 130])('U^T U is the damped inverse, order %d', (n) => {
    const x = normal(2 * n * n);
    const h = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        for (let r = 0; r < 2 * n; r++)
          h[i * n + j] = (h[i * n + j] as number) + (x[r * n + i] as number) * (x[r * n + j] as number);
    m.within(() => {
      const at = m.take(n * n * 4);
      expect(inverseFactor(m, h, n, 0.5, at)).toBe(-1);
      const u = m.f32(at, n * n);
      // (H + 0.5) U^T U = I
      const product = new Float64Array(n * n);
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          if (j < i) expect(u[i * n + j]).toBe(0);
          let s = 0;
          for (let q = 0; q <= Math.min(i, j); q++) s += (u[q * n + i] as number) * (u[q * n + j] as number);
          product[i * n + j] = s;
        }
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          let s = 0.5 * (product[i * n + j] as number);
          for (let q = 0; q < n; q++) s += (h[i * n + q] as number) * (product[q * n + j] as number);
          expect(Math.abs(s - (i === j ? 1 : 0))).toBeLessThan(2e-4);
        }
    });
  });

  it('says which column is singular', () => {
    const n = 60;
    const h = new Float64Array(n * n);
    for (let i = 0; i < n; i++) h[i * n + i] = i === 10 ? 0 : 1;
    m.within(() => expect(inverseFactor(m, h, n, 0, m.take(n * n * 4))).toBe(10));
  });

  it('softmax, SiLU and RMSNorm equal their definitions', () => {
    m.within(() => {
      const n = 12;
      const s = normal(n * n);
      const at = m.put(s);
      m.k.causalSoftmax(at, n, n, 0, 0.5);
      const got = m.f32(at, n * n);
      for (let r = 0; r < n; r++) {
        const e = Array.from({ length: r + 1 }, (_, i) => Math.exp(0.5 * (s[r * n + i] as number)));
        const sum = e.reduce((a, b) => a + b, 0);
        for (let i = 0; i < n; i++)
          expect(Math.abs((got[r * n + i] as number) - (i <= r ? (e[i] as number) / sum : 0))).toBeLessThan(1e-6);
      }
      const g = Float32Array.of(-100, -5, -0.1, 0, 0.1, 5, 30, 90);
      const gate = m.put(g);
      const up = m.put(new Float32Array(8).fill(2));
      m.k.siluTimes(gate, up, 8);
      m.f32(gate, 8).forEach((v, i) => {
        const x = g[i] as number;
        expect(Math.abs(v - (2 * x) / (1 + Math.exp(-x)))).toBeLessThan(1e-5 * Math.max(1, Math.abs(x)));
      });
    });
  });

  it('keeps floats in 16 bits, rounded half to even', () => {
    m.within(() => {
      const own = [1, -1.00390625, 1.01171875, 0, 3.3e38, -Infinity, 1e-20, 257];
      const [from, kept, to] = [m.put(Float32Array.from(own)), m.take(16), m.take(32)];
      m.k.narrowFloats(from, 8, kept);
      m.k.widenFloats(kept, 8, to);
      const got = m.f32(to, 8);
      expect([...got.slice(0, 4)]).toEqual([1, -1, 1.015625, 0]);
      expect(got[5]).toBe(-Infinity);
      for (const i of [4, 6, 7]) expect(Math.abs((got[i] as number) / (own[i] as number) - 1)).toBeLessThan(1 / 256);
    });
  });

  it('softmax of a span sees what stands before it', () => {
    m.within(() => {
      const [rows, past] = [3, 2];
      const columns = 8;
      const s = normal(rows * columns);
      const at = m.put(s);
      m.k.causalSoftmax(at, rows, columns, past, 0.7);
      for (let r = 0; r < rows; r++) {
        const e = Array.from({ length: past + r + 1 }, (_, i) => Math.exp(0.7 * (s[r * columns + i] as number)));
        const sum = e.reduce((a, b) => a + b, 0);
        for (let i = 0; i < columns; i++)
          expect(m.f32(at + (r * columns + i) * 4, 1)[0]).toBeCloseTo((e[i] ?? 0) / sum, 6);
      }
    });
  });
});

/** The gradient of `loss` at x by central differences, float64. */
function slopes(loss: (x: Float64Array) => number, x: Float32Array): Float64Array {
  const h = 1e-5;
  return Float64Array.from(x, (_, i) => {
    const at = (d: number) => loss(Float64Array.from(x, (v, j) => (i === j ? v + d : v)));
    return (at(h) - at(-h)) / (2 * h);
  });
}

const near = (own: Float32Array, theirs: Float64Array) => {
  const scale = Math.hypot(...theirs);
  own.forEach((x, i) => expect(Math.abs(x - (theirs[i] as number)) / scale).toBeLessThan(1e-5));
};

describe('gradients of kernels', () => {
  const [rows, n] = [3, 8];
  const weighted = (y: ArrayLike<number>, d: Float32Array) => d.reduce((sum, v, i) => sum + v * (y[i] as number), 0);

  it('of RMSNorm, SiLU, softmax and cross-entropy are central differences', () => {
    m.within(() => {
      const [x, d, other] = [normal(rows * n), normal(rows * n), normal(rows * n)];
      const weight = normal(n);
      const dx = m.put(new Float32Array(rows * n));
      m.k.rmsNormBackward(m.put(x), m.put(weight), m.put(d), dx, rows, n, 1e-3);
      const norm = (v: Float64Array) =>
        v.map((value, i) => {
          const row = v.subarray(i - (i % n), i - (i % n) + n);
          const rms = Math.sqrt(row.reduce((s, y) => s + y * y, 0) / n + Math.fround(1e-3));
          return (value / rms) * (weight[i % n] as number);
        });
      near(
        m.f32(dx, rows * n),
        slopes((v) => weighted(norm(v), d), x),
      );

      const [gate, up] = [m.put(x), m.put(other)];
      m.k.siluTimesBackward(gate, up, m.put(d), rows * n);
      const silu = (v: number) => v / (1 + Math.exp(-v));
      near(
        m.f32(gate, rows * n),
        slopes(
          (v) =>
            weighted(
              v.map((g, i) => silu(g) * (other[i] as number)),
              d,
            ),
          x,
        ),
      );
      near(
        m.f32(up, rows * n),
        slopes(
          (v) =>
            weighted(
              v.map((u, i) => silu(x[i] as number) * u),
              d,
            ),
          other,
        ),
      );

      const [p, dp] = [m.put(x), m.put(d)];
      m.k.causalSoftmax(p, rows, n, 4, 0.6);
      m.k.softmaxBackward(p, dp, rows, n, 0.6);
      const soft = (v: Float64Array) =>
        v.map((_, i) => {
          const seen = 4 + Math.floor(i / n) + 1;
          const row = v.subarray(i - (i % n), i - (i % n) + seen);
          const sum = row.reduce((s, y) => s + Math.exp(0.6 * y), 0);
          return i % n < seen ? Math.exp(0.6 * (v[i] as number)) / sum : 0;
        });
      near(
        m.f32(dp, rows * n),
        slopes((v) => weighted(soft(v), d), x),
      );

      const logits = m.put(x);
      const loss = (v: Float64Array) => Math.log(v.reduce((s, y) => s + Math.exp(y), 0)) - (v[5] as number);
      expect(m.k.crossEntropy(logits, rows * n, 5, 0.25)).toBeCloseTo(loss(Float64Array.from(x)), 5);
      near(
        m.f32(logits, rows * n),
        slopes((v) => 0.25 * loss(v), x),
      );
    });
  });
});

describe('ways to multiply levels', () => {
  it('pairs of 16 bits are taken where they are faster in every round, and nowhere else', () => {
    const five = (x: number) => [x, x, x, x, x];
    expect(chooseDot(DOTS.signed, five(10), five(8))).toBe(DOTS.pairs);
    expect(chooseDot(DOTS.signed, five(10), five(9))).toBe(DOTS.signed);
    expect(chooseDot(DOTS.signed, five(10), [8, 8, 8, 8, 9])).toBe(DOTS.signed);
  });

  it('are timed on the kernels themselves, and what is taken is on the list', () => {
    let now = 0;
    // A clock on which every product takes as long: nothing is won, so what the device says stands.
    expect(fastestDot(m, DOTS.unsigned, () => (now += 7))).toBe(DOTS.unsigned);
    expect(fastestDot(m, DOTS.pairs, () => 0)).toBe(DOTS.pairs);
    expect(Object.values(DOTS)).toContain(fastestDot(m, DOTS.signed, () => performance.now()));
  });
});
