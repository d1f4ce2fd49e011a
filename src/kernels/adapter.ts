// Low-rank adapters beside their matrices (LoRA, unmerged): y += B (A x) in float32, whatever the matrix is stored as.
// A x is short, so in decode every thread makes it for itself; in prefill whoever packs a token makes it once.
import { gemvF32 } from './float32';
import {
  A_DOWN,
  A_SLOT,
  A_UP,
  MAX_RANK,
  M_ADAPTED,
  M_ADAPTED_SLOT,
  P_ADAPTED,
  P_PRODUCT,
  W_ADAPTER,
  W_DATA,
  W_DEPTH,
  W_ROWS,
} from './layout';
import { addTo } from './vectors';

function down(adapter: usize, x: usize, to: usize): void {
  const a = adapter + A_DOWN;
  gemvF32(<usize>load<u32>(a + W_DATA), load<i32>(a + W_DEPTH), x, to, 0, load<i32>(a + W_ROWS));
}

/** y[from..to] += B low. */
function addUp(adapter: usize, low: usize, y: usize, from: i32, to: i32, mine: usize): void {
  const b = adapter + A_UP;
  const product = mine + load<u32>(P_PRODUCT);
  gemvF32(<usize>load<u32>(b + W_DATA), load<i32>(b + W_DEPTH), low, product, from, to);
  addTo(y + (<usize>from << 2), product + (<usize>from << 2), to - from);
}

// @ts-ignore: decorator
@inline
function lowOf(adapter: usize, token: i32): usize {
  return (
    <usize>load<u32>(M_ADAPTED) +
    <usize>load<u32>(adapter + A_SLOT) * load<u32>(M_ADAPTED_SLOT) +
    <usize>token * MAX_RANK * 4
  );
}

/** Whose A x this thread has at hand; 0 for none. */
let held: usize = 0;

/** Tells `adapt` that its input is a new vector. */
export function newAdapted(): void {
  held = 0;
}

/** One token: y[from..to] += what the matrix's adapter makes of x. */
export function adapt(matrix: usize, x: usize, y: usize, from: i32, to: i32, mine: usize): void {
  const adapter = <usize>load<u32>(matrix + W_ADAPTER);
  if (!adapter) return;
  const low = mine + load<u32>(P_ADAPTED);
  if (held != adapter) down(adapter, x, low);
  held = adapter;
  addUp(adapter, low, y, from, to, mine);
}

/** Prefill, first half: A x of token `i`. */
export function adaptToken(matrix: usize, x: usize, i: i32): void {
  const adapter = <usize>load<u32>(matrix + W_ADAPTER);
  if (adapter) down(adapter, x, lowOf(adapter, i));
}

/** Prefill, second half: this thread's rows of all tokens. */
export function adaptRows(matrix: usize, y: usize, stride: i32, tokens: i32, from: i32, to: i32, mine: usize): void {
  const adapter = <usize>load<u32>(matrix + W_ADAPTER);
  if (!adapter) return;
  for (let i = 0; i < tokens; i++) addUp(adapter, lowOf(adapter, i), y + ((<usize>i * stride) << 2), from, to, mine);
}
