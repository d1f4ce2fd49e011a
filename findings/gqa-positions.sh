#!/usr/bin/env bash
# GroupQueryAttention of onnxruntime-web on WebAssembly, rotary embedding inside it: are `position_ids` taken as they are?
# Exits with 0 while they are only behind a past, with 1 where that changed.
set -euo pipefail
version=1.31.0-dev.20260914-8d85527a0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --no-audit --no-fund --loglevel=error "onnxruntime-web@$version" > /dev/null
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';

const dist = new URL('node_modules/onnxruntime-web/dist/', pathToFileURL(`${process.cwd()}/`));
ort.env.wasm.wasmPaths = {
  mjs: new URL('ort-wasm-simd-threaded.mjs', dist).href,
  wasm: new URL('ort-wasm-simd-threaded.wasm', dist).href,
};
ort.env.wasm.numThreads = 1;

// A model of one node, as protobuf: a field is [number, bytes | string | integer | list of fields].
const varint = (n) => (n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))]);
const message = (fields) =>
  fields.flatMap(([number, value]) => {
    if (typeof value === 'number') return [...varint(number * 8), ...varint(value)];
    const bytes = typeof value === 'string' ? [...new TextEncoder().encode(value)] : message(value);
    return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
  });
const [FLOAT, INT32, INT64] = [1, 6, 7];
const value = (name, type, shape) => [
  [1, name],
  [2, [[1, [[1, type], [2, shape.map((d) => [1, [typeof d === 'number' ? [1, d] : [2, d]]])]]]]],
];
const attribute = (name, i) => [5, [[1, name], [3, i], [20, 2]]];
// One head of 16; a table of 32 positions.
const [D, MOST] = [16, 32];
const inputs = [
  ['query', FLOAT, [1, 'S', D]],
  ['key', FLOAT, [1, 'S', D]],
  ['value', FLOAT, [1, 'S', D]],
  ['past_key', FLOAT, [1, 1, 'P', D]],
  ['past_value', FLOAT, [1, 1, 'P', D]],
  ['seqlens_k', INT32, [1]],
  ['total_sequence_length', INT32, []],
  ['cos_cache', FLOAT, [MOST, D / 2]],
  ['sin_cache', FLOAT, [MOST, D / 2]],
  ['position_ids', INT64, [1, 'S']],
];
const outputs = [
  ['output', FLOAT, [1, 'S', D]],
  ['present_key', FLOAT, [1, 1, 'T', D]],
  ['present_value', FLOAT, [1, 1, 'T', D]],
];
const node = [
  ...inputs.map(([name]) => [1, name]),
  ...outputs.map(([name]) => [2, name]),
  [4, 'GroupQueryAttention'],
  ...[['num_heads', 1], ['kv_num_heads', 1], ['do_rotary', 1]].map((a) => attribute(...a)),
  [7, 'com.microsoft'],
];
const graph = [
  [1, node],
  [2, 'g'],
  ...inputs.map((v) => [11, value(...v)]),
  ...outputs.map((v) => [12, value(...v)]),
];
const model = message([[1, 10], [7, graph], [8, [[1, ''], [2, 21]]], [8, [[1, 'com.microsoft'], [2, 1]]]]);
const session = await ort.InferenceSession.create(Uint8Array.from(model), { executionProviders: ['wasm'] });

const numbers = (n, seed) => Float32Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) * seed));
const angle = (p, i) => p * 10000 ** ((-2 * i) / D);
const table = (f) => Float32Array.from({ length: (MOST * D) / 2 }, (_, k) => f(angle(Math.floor(k / (D / 2)), k % (D / 2))));
/** Rows of `x` turned to their positions: what `present_key` is to hold. */
const turned = (x, positions) =>
  x.map((v, k) => {
    const [row, at] = [Math.floor(k / D), k % D];
    const a = angle(positions[row], at % (D / 2));
    return at < D / 2 ? v * Math.cos(a) - x[k + D / 2] * Math.sin(a) : v * Math.cos(a) + x[k - D / 2] * Math.sin(a);
  });
async function presentKey(past, positions) {
  const S = positions.length;
  const [key, total] = [numbers(S * D, 2), past + S];
  const float = (data, dims) => new ort.Tensor('float32', data, dims);
  const { present_key } = await session.run({
    query: float(numbers(S * D, 1), [1, S, D]),
    key: float(key, [1, S, D]),
    value: float(numbers(S * D, 3), [1, S, D]),
    past_key: float(numbers(past * D, 4), [1, 1, past, D]),
    past_value: float(numbers(past * D, 5), [1, 1, past, D]),
    seqlens_k: new ort.Tensor('int32', Int32Array.of(total - 1), [1]),
    total_sequence_length: new ort.Tensor('int32', Int32Array.of(total), []),
    cos_cache: float(table(Math.cos), [MOST, D / 2]),
    sin_cache: float(table(Math.sin), [MOST, D / 2]),
    position_ids: new ort.Tensor('int64', BigInt64Array.from(positions, BigInt), [1, S]),
  });
  const made = present_key.data.subarray(past * D);
  const apart = (p) => turned(key, p).reduce((most, x, k) => Math.max(most, Math.abs(x - made[k])), 0);
  const counted = positions.map((_, i) => positions[0] + i);
  return { asked: apart(positions), counted: apart(counted), positions, countedAs: counted };
}

console.log('onnxruntime-web', JSON.parse(readFileSync('node_modules/onnxruntime-web/package.json', 'utf8')).version);
const first = await presentKey(0, [3, 4, 5, 6, 5, 6]);
const behind = await presentKey(4, [4, 5, 6, 7, 6, 7]);
const say = (what, r) =>
  console.log(
    `${what}: position_ids ${r.positions}. present_key differs from keys at these by ${r.asked.toExponential(1)}, from keys at ${r.countedAs} by ${r.counted.toExponential(1)}.`,
  );
say('First pass, no past', first);
say('Behind a past of 4', behind);
const same = (x) => x < 1e-5;
const stands = !same(first.asked) && same(first.counted) && same(behind.asked) && !same(behind.counted);
console.log(
  stands
    ? 'As found: without a past position_ids are read for their first alone, and no error says so. Expected: as they are, as behind a past.'
    : 'Changed: this finding does not stand any more.',
);
process.exit(stands ? 0 : 1);
JS
node run.mjs
