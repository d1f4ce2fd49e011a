// What is done to one token, whether it comes alone or among many: its row of the embedding, and its heads.
import { storeKeyValue } from './attention';
import { rowByte8 } from './byte8';
import { storeKeyValue8 } from './cache8';
import { rowF16 } from './float16';
import { rowF32 } from './float32';
import { rowInt8 } from './int8';
import {
  FORMAT_BYTE8,
  FORMAT_F16,
  FORMAT_F32,
  M_EMBEDDING,
  M_HEAD_DIM,
  M_KV_INT8,
  M_ROPE,
  W_DATA,
  W_DEPTH,
  W_FORMAT,
  W_SCALES,
} from './layout';
import { pointer } from './matvec';
import { addTo, rmsNorm, rope } from './vectors';

/** Row `id` of the embedding -> the residual stream. */
export function embed(id: i32, to: usize): void {
  const matrix = pointer(M_EMBEDDING);
  const depth = load<i32>(matrix + W_DEPTH);
  const w = pointer(matrix + W_DATA);
  switch (load<i32>(matrix + W_FORMAT)) {
    case FORMAT_F32:
      rowF32(w, depth, id, to);
      break;
    case FORMAT_F16:
      rowF16(w, pointer(matrix + W_SCALES), depth, id, to);
      break;
    case FORMAT_BYTE8:
      rowByte8(w, depth, id, to);
      break;
    default:
      rowInt8(w, pointer(matrix + W_SCALES), depth, id, to);
  }
}

/** Bias (from `offset` bytes on), head norm (Qwen) and rope on one head of one token. */
export function finishHead(x: usize, offset: usize, bias: usize, norm: usize, table: usize): void {
  const headDim = load<i32>(M_HEAD_DIM);
  if (bias) addTo(x, bias + offset, headDim);
  if (norm) rmsNorm(x, norm, x, headDim, headDim);
  rope(x, table, headDim);
}

/** Bias, head norm (Qwen) and rope on all `heads` heads of a token. */
export function finishHeads(x: usize, heads: i32, bias: usize, norm: usize, table: usize): void {
  const bytes = <usize>load<i32>(M_HEAD_DIM) << 2;
  for (let at: usize = 0; at < <usize>heads * bytes; at += bytes) finishHead(x + at, at, bias, norm, table);
}

/** A token's key and value of a kv head into the cache. */
export function keep(layer: i32, kvHead: i32, slot: i32, key: usize, value: usize): void {
  if (load<i32>(M_KV_INT8)) storeKeyValue8(layer, kvHead, slot, key, value);
  else storeKeyValue(layer, kvHead, slot, key, value);
}

export function ropeRow(position: i32): usize {
  return pointer(M_ROPE) + <usize>position * load<i32>(M_HEAD_DIM) * 4;
}
