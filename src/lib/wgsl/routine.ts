import { JoulewiseError } from '../core/errors';
import type { Arithmetic } from '../core/cost';
import type { SegmentKind } from '../schema/energy-model';
import { THREADS } from './shaders';

/** Kernels that tell what reading, computing and waiting cost on a GPU, each a few tens of milliseconds; then work as engines do it. */
export interface GpuKernel {
  kind: Exclude<SegmentKind, 'idle'>;
  arithmetic: Arithmetic;
  /** Runs once, and waits until the GPU is done: bytes read and operations done. */
  once: () => Promise<{ bytes: number; operations: number }>;
}

/** A shader with the work of one dispatch. All read `data` at binding 0 and write `out` at binding 1. */
interface Row {
  kind: GpuKernel['kind'];
  arithmetic: Arithmetic;
  code: string;
  groups: [x: number, y: number];
  bytes: number;
  operations: number;
}

/** More than a last-level cache holds, where the adapter has room for it. */
const MOST_BYTES = 256 * 2 ** 20;
const BYTES_PER_READ = 16;
/** Workgroups that read and compute; each of their threads takes a stride. */
const GROUPS = 1024;
const ROUNDS = 128;
const CHAINS = 8;
const LANES = 4;
/** Dependent operations of a single thread: the GPU is awake, and next to nothing of it works. */
const ALONE = 20_000;
/** Multiply-adds for each number that `mixed` reads. */
const MIXED = 2;
/** Inner size of the products, tokens of the one that reads a ticket, and the side of its tiles. */
const INNER = 1024;
const TOKENS = 64;
const TILE = 16;
/** A kernel is dispatched so often that it takes this long, so that waiting for the GPU is a small part of it. */
const LEAST_MS = 20;
const MOST_DISPATCHES = 2 ** 14;
/** One dispatch that takes this long need not be timed again. */
const SLOW_MS = 200;

const bindings = (data: string) => `
@group(0) @binding(0) var<storage, read> data: array<${data}>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;`;
const strided = `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {`;
const stride = GROUPS * THREADS;

const read = (count: number) => `${bindings('vec4u')}${strided}
  var sum = vec4u(0u);
  for (var i = id.x; i < ${count}u; i += ${stride}u) { sum ^= data[i]; }
  out[id.x] = f32(sum.x ^ sum.y ^ sum.z ^ sum.w);
}`;

/** Chains of multiply-adds in registers, that neither grow nor vanish. */
const peak = (type: 'f32' | 'f16') => `${type === 'f16' ? 'enable f16;' : ''}${bindings('vec4f')}${strided}
  let m = vec4<${type}>(${type}(0.999));
  let c = vec4<${type}>(${type}(0.001) * ${type}(f32(id.x & 255u)));
  ${Array.from({ length: CHAINS }, (_, k) => `var a${k} = c + vec4<${type}>(${type}(${k}));`).join('\n  ')}
  for (var i = 0u; i < ${ROUNDS}u; i++) {
    ${Array.from({ length: CHAINS }, (_, k) => `a${k} = fma(a${k}, m, c);`).join(' ')}
  }
  let s = ${Array.from({ length: CHAINS }, (_, k) => `a${k}`).join(' + ')};
  out[id.x] = f32(s.x + s.y + s.z + s.w) + 0.0 * data[0].x;
}`;

const alone = `${bindings('vec4f')}
@compute @workgroup_size(1)
fn main() {
  var a = data[0].x;
  for (var i = 0u; i < ${ALONE}u; i++) { a = fma(a, 0.999, 0.001); }
  out[0] = a;
}`;

const mixed = (count: number) => `${bindings('vec4f')}${strided}
  var a = vec4f(0.0);
  for (var i = id.x; i < ${count}u; i += ${stride}u) {
    let x = data[i];
    ${Array.from({ length: MIXED }, () => 'a = fma(a, vec4f(0.5), x);').join(' ')}
  }
  out[id.x] = a.x + a.y + a.z + a.w;
}`;

/** One token times a matrix, a row a workgroup, as an answer is written; weights in 32 or, two to a word, in 16 bits. */
const gemv = (bits: 32 | 16) => `${bindings(bits === 32 ? 'f32' : 'u32')}
var<workgroup> part: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let row = group.x + group.y * ${GROUPS}u;
  var s = 0.0;
  for (var k = t; k < ${INNER}u; k += ${THREADS}u) {
    ${
      bits === 32
        ? `s = fma(data[row * ${INNER}u + k], f32(k & 7u) * 0.1, s);`
        : `let pair = unpack2x16float(data[row * ${INNER}u + k]); s = fma(pair.x, f32(k & 7u) * 0.1, s); s = fma(pair.y, 0.3, s);`
    }
  }
  part[t] = s;
  workgroupBarrier();
  for (var width = ${THREADS / 2}u; width > 0u; width >>= 1u) {
    if (t < width) { part[t] += part[t + width]; }
    workgroupBarrier();
  }
  if (t == 0u) { out[row % ${stride}u] = part[0]; }
}`;

/** Some tokens times a square matrix in tiles, as a ticket is read. */
const gemm = (type: 'f32' | 'f16') => `${type === 'f16' ? 'enable f16;' : ''}${bindings('f32')}
var<workgroup> left: array<${type}, ${TILE * TILE}>;
var<workgroup> right: array<${type}, ${TILE * TILE}>;
@compute @workgroup_size(${TILE}, ${TILE})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) at: vec3u) {
  var s = ${type}(0.0);
  for (var k = 0u; k < ${INNER}u; k += ${TILE}u) {
    left[at.y * ${TILE}u + at.x] = ${type}(data[id.y * ${INNER}u + k + at.x]);
    right[at.y * ${TILE}u + at.x] = ${type}(data[${TOKENS * INNER}u + (k + at.y) * ${INNER}u + id.x]);
    workgroupBarrier();
    for (var j = 0u; j < ${TILE}u; j++) { s = fma(left[at.y * ${TILE}u + j], right[j * ${TILE}u + at.x], s); }
    workgroupBarrier();
  }
  out[(id.y * ${INNER}u + id.x) % ${stride}u] = f32(s);
}`;

/** Numbers between -0.5 and 0.5 that no compressor of memory makes small; as 16 bits they are numbers too. */
const fill = `
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  for (var i = id.x; i < arrayLength(&out); i += ${stride}u) {
    let h = (i * 2654435761u) ^ ((i * 40503u) >> 7u);
    out[i] = bitcast<f32>(pack2x16float(vec2f(f32(h & 1023u), f32((h >> 10u) & 1023u)) / 1024.0 - 0.5));
  }
}`;

function rowsOf(bytes: number, half: boolean): Row[] {
  const reads = bytes / BYTES_PER_READ;
  const rows = bytes / (4 * INNER);
  const grid: [number, number] = [GROUPS, Math.floor(rows / GROUPS)];
  const flat: [number, number] = [GROUPS, 1];
  const gemvRows = grid[0] * grid[1];
  const peakOf = (type: 'f32' | 'f16'): Row => ({
    kind: 'computing',
    arithmetic: type,
    code: peak(type),
    groups: flat,
    bytes: 0,
    operations: stride * ROUNDS * CHAINS * LANES * 2,
  });
  const gemmOf = (type: 'f32' | 'f16'): Row => ({
    kind: 'prefill',
    arithmetic: type,
    code: gemm(type),
    groups: [INNER / TILE, TOKENS / TILE],
    bytes: 4 * (TOKENS * INNER + INNER * INNER + TOKENS * INNER),
    operations: 2 * TOKENS * INNER * INNER,
  });
  return [
    { kind: 'waiting', arithmetic: 'f32', code: alone, groups: [1, 1], bytes: 0, operations: 2 * ALONE },
    { kind: 'reading', arithmetic: 'f32', code: read(reads), groups: flat, bytes, operations: 0 },
    peakOf('f32'),
    ...(half ? [peakOf('f16')] : []),
    {
      kind: 'mixed',
      arithmetic: 'f32',
      code: mixed(reads),
      groups: flat,
      bytes,
      operations: reads * LANES * MIXED * 2,
    },
    gemmOf('f32'),
    ...(half ? [gemmOf('f16')] : []),
    ...([32, 16] as const).map((bits): Row => ({
      kind: 'decode',
      arithmetic: 'f32',
      code: gemv(bits),
      groups: grid,
      bytes: gemvRows * INNER * 4,
      operations: gemvRows * INNER * 2 * (32 / bits),
    })),
  ];
}

/**
 * Opens the kernels on a device; `close` frees their memory, and leaves the device.
 *
 * @throws engine.memory where the device has no room for them, engine.failed where it is lost or refuses a shader
 */
export async function openGpuRoutine(device: GPUDevice): Promise<{ kernels: GpuKernel[]; close: () => void }> {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  // A power of two: each kernel divides it.
  const bytes = 2 ** Math.floor(Math.log2(Math.min(MOST_BYTES, maxBufferSize, maxStorageBufferBindingSize)));
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  const data = device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE });
  const out = device.createBuffer({ size: 4 * stride, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const close = () => {
    data.destroy();
    out.destroy();
  };
  const pipelineOf = (code: string) =>
    device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
    });
  const run = async (pipeline: GPUComputePipeline, bound: GPUBindGroup, [x, y]: [number, number], times: number) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bound);
    for (let i = 0; i < times; i++) pass.dispatchWorkgroups(x, y);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  };
  const group = (pipeline: GPUComputePipeline, entries: [number, GPUBuffer][]) =>
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: entries.map(([binding, buffer]) => ({ binding, resource: { buffer } })),
    });
  try {
    const filling = await pipelineOf(fill);
    await run(filling, group(filling, [[1, data]]), [GROUPS, 1], 1);
    const kernels: GpuKernel[] = [];
    for (const row of rowsOf(bytes, device.features.has('shader-f16'))) {
      const pipeline = await pipelineOf(row.code);
      const bound = group(pipeline, [
        [0, data],
        [1, out],
      ]);
      let times = 1;
      for (let first = true; ; first = false) {
        const start = performance.now();
        await run(pipeline, bound, row.groups, times);
        const ms = performance.now() - start;
        // The first run also compiles, so it tells little unless it took long.
        if (ms >= (first ? SLOW_MS : LEAST_MS) || times >= MOST_DISPATCHES) break;
        if (!first) times *= ms < LEAST_MS / 8 ? 8 : 2;
      }
      kernels.push({
        kind: row.kind,
        arithmetic: row.arithmetic,
        once: async () => {
          await run(pipeline, bound, row.groups, times);
          return { bytes: times * row.bytes, operations: times * row.operations };
        },
      });
    }
    const [invalid, full] = [await device.popErrorScope(), await device.popErrorScope()];
    if (full) throw new JoulewiseError('engine.memory', `The GPU has no room for ${bytes / 2 ** 20} MiB to read from.`);
    if (invalid)
      throw new JoulewiseError('engine.failed', `The GPU refused a kernel of the routine: ${invalid.message}`);
    return { kernels, close };
  } catch (error) {
    close();
    throw error instanceof JoulewiseError
      ? error
      : new JoulewiseError('engine.failed', 'The GPU stopped while the routine was made ready. Reload the page.', {
          cause: error,
        });
  }
}
