import { BLOCK } from '../tensor/stored';
import { blockWords, hasScale, type ValueFormat } from './pack';

/** Invocations of a workgroup; every adapter allows 256. */
export const THREADS = 64;
/** Invocations that share a row: 18 blocks of a 576-wide row keep 8 of them three quarters busy, 64 only a quarter. */
const LANES = 8;
export const ROWS_PER_GROUP = THREADS / LANES;

/** WGSL of value i (a literal) of a block whose values start at word `v`. */
const VALUE: Readonly<Record<ValueFormat, (i: number) => string>> = {
  f32: (i) => `bitcast<f32>(w[v + ${i}u])`,
  f16: (i) => `unpack2x16float(w[v + ${i >> 1}u]).${i & 1 ? 'y' : 'x'}`,
  i8: (i) => `f32(extractBits(bitcast<i32>(w[v + ${i >> 2}u]), ${8 * (i & 3)}u, 8u))`,
  i4: (i) => `f32(extractBits(bitcast<i32>(w[v + ${i >> 3}u]), ${4 * (i & 7)}u, 4u))`,
};

/** Sum of a block's weights times their inputs: `at` is the block's first word, `k` its first input. */
function blockDot(format: ValueFormat, sparse: boolean): string {
  const scale = hasScale(format);
  const lines = sparse
    ? Array.from({ length: BLOCK / 2 }, (_, i) => {
        const group = i >> 1;
        const shift = 4 * group + 2 * (i & 1);
        return `  s += ${VALUE[format](i)} * x[k + ${4 * group}u + ((at_indices >> ${shift}u) & 3u)];`;
      })
    : Array.from({ length: BLOCK }, (_, i) => `  s += ${VALUE[format](i)} * x[k + ${i}u];`);
  return `
fn block_dot(at: u32, k: u32) -> f32 {
  let v = at + ${(scale ? 1 : 0) + (sparse ? 1 : 0)}u;
  ${sparse ? `let at_indices = w[at + ${scale ? 1 : 0}u];` : ''}
  var s = 0.0;
${lines.join('\n')}
  return ${scale ? 'bitcast<f32>(w[at]) * s' : 's'};
}`;
}

/** y[rows] (+)= W x (+ bias). Overrides: rows, blocks, accumulate (the residual stream), biased. */
export const gemv = (format: ValueFormat, sparse: boolean): string => `
override rows: u32;
override blocks: u32;
override accumulate: bool = false;
override biased: bool = false;
@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
var<workgroup> part: array<f32, ${THREADS}>;
${blockDot(format, sparse)}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = (group.x + group.y * groups.x) * ${ROWS_PER_GROUP}u + i / ${LANES}u;
  var s = 0.0;
  if (row < rows) {
    for (var b = i % ${LANES}u; b < blocks; b += ${LANES}u) {
      s += block_dot((row * blocks + b) * ${blockWords({ format, sparse })}u, b * ${BLOCK}u);
    }
  }
  part[i] = s;
  workgroupBarrier();
  if (i % ${LANES}u == 0u && row < rows) {
    for (var l = 1u; l < ${LANES}u; l++) { s += part[i + l]; }
    if (biased) { s += bias[row]; }
    if (accumulate) { s += y[row]; }
    y[row] = s;
  }
}`;

/** Sum of \`part\` into every invocation; WGSL needs the barriers in uniform control flow. */
const SUM = `
var<workgroup> part: array<f32, ${THREADS}>;
fn sum_all(i: u32, value: f32) -> f32 {
  workgroupBarrier();
  part[i] = value;
  for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (i < half) { part[i] += part[i + half]; }
  }
  workgroupBarrier();
  return part[0];
}`;

/** y = x * weight / rms(x). Overrides: size, epsilon. One workgroup. */
export const RMS_NORM = `
override size: u32;
override epsilon: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
${SUM}
@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) i: u32) {
  var s = 0.0;
  for (var k = i; k < size; k += ${THREADS}u) { s += x[k] * x[k]; }
  let scale = inverseSqrt(sum_all(i, s) / f32(size) + epsilon);
  for (var k = i; k < size; k += ${THREADS}u) { y[k] = x[k] * scale * weight[k]; }
}`;

/**
 * One workgroup a head of q, k and v: norms q and k (Qwen3), rotates them, and writes k and v into the cache
 * [kv, capacity, D]. q stays in place.
 */
export const ROPE = `
override heads: u32;
override kv_heads: u32;
override head_dim: u32;
override capacity: u32;
override epsilon: f32;
override normed: bool = false;
@group(0) @binding(0) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(1) var<storage, read_write> keys: array<f32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read> rope: array<f32>;
@group(0) @binding(4) var<storage, read> norms: array<f32>;
@group(0) @binding(5) var<uniform> position: u32;
${SUM}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let head = group.x;
  let start = head * head_dim;
  let is_query = head < heads;
  let is_key = !is_query && head < heads + kv_heads;
  var scale = 1.0;
  if (normed) {
    var s = 0.0;
    for (var d = i; d < head_dim; d += ${THREADS}u) { s += qkv[start + d] * qkv[start + d]; }
    scale = inverseSqrt(sum_all(i, s) / f32(head_dim) + epsilon);
  }
  if (!is_query && !is_key) {
    let to = ((head - heads - kv_heads) * capacity + position) * head_dim;
    for (var d = i; d < head_dim; d += ${THREADS}u) { values[to + d] = qkv[start + d]; }
    return;
  }
  let half = head_dim / 2u;
  for (var d = i; d < half; d += ${THREADS}u) {
    var a = qkv[start + d];
    var b = qkv[start + half + d];
    if (normed) {
      let row = select(head_dim, 0u, is_query);
      a *= scale * norms[row + d];
      b *= scale * norms[row + half + d];
    }
    let c = rope[position * head_dim + d];
    let s = rope[position * head_dim + half + d];
    let first = a * c - b * s;
    let second = b * c + a * s;
    if (is_query) {
      qkv[start + d] = first;
      qkv[start + half + d] = second;
    } else {
      let to = ((head - heads) * capacity + position) * head_dim;
      keys[to + d] = first;
      keys[to + half + d] = second;
    }
  }
}`;

/** One workgroup a query head: scores over the past, softmax, weighted sum of values. \`scores\` is scratch [heads, capacity]. */
export const ATTENTION = `
override heads: u32;
override kv_heads: u32;
override head_dim: u32;
override capacity: u32;
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> position: u32;
var<workgroup> top: array<f32, ${THREADS}>;
${SUM}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let head = group.x;
  let cache = head / (heads / kv_heads) * capacity * head_dim;
  let row = head * capacity;
  let scale = inverseSqrt(f32(head_dim));
  var largest = -3.0e38;
  for (var p = i; p <= position; p += ${THREADS}u) {
    var s = 0.0;
    for (var d = 0u; d < head_dim; d++) { s += qkv[head * head_dim + d] * keys[cache + p * head_dim + d]; }
    s *= scale;
    scores[row + p] = s;
    largest = max(largest, s);
  }
  top[i] = largest;
  workgroupBarrier();
  for (var t = 0u; t < ${THREADS}u; t++) { largest = max(largest, top[t]); }
  var total = 0.0;
  for (var p = i; p <= position; p += ${THREADS}u) {
    let e = exp(scores[row + p] - largest);
    scores[row + p] = e;
    total += e;
  }
  storageBarrier();
  let inverse = 1.0 / sum_all(i, total);
  for (var d = i; d < head_dim; d += ${THREADS}u) {
    var s = 0.0;
    for (var p = 0u; p <= position; p++) { s += scores[row + p] * values[cache + p * head_dim + d]; }
    y[head * head_dim + d] = s * inverse;
  }
}`;

/** y = silu(gate) * up, where gate and up stand one behind the other in x. Override: size. */
export const SWIGLU = `
override size: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < size) {
    let gate = x[id.x];
    y[id.x] = gate / (1.0 + exp(-gate)) * x[size + id.x];
  }
}`;
