// One pass of a Llama-family decoder: every thread runs `pass`, and rows of matrices, tokens and heads are shared out by
// number, so that each result is computed by one thread in one order, whatever the number of threads.
import { mark, startClock } from './clock';
import { decode } from './decode';
import {
  COUNT_HEAD,
  M_LOGITS,
  M_STRIDE_LOGITS,
  M_VOCABULARY,
  PASS_LOGIT_COUNT,
  PASS_SUMS,
  PASS_TOKENS,
} from './layout';
import { pointer } from './matvec';
import { prefill } from './prefill';
import { barrier, cut } from './threads';
import { softmaxSum } from './vectors';

/** Where this pass's softmax sums go. Read at its start: behind the last barrier the next pass may be asked for already. */
let softmaxSums: usize = 0;

/** What makes probabilities of each row of logits. */
function sumLogits(t: i32, threads: i32): void {
  const wanted = load<i32>(PASS_LOGIT_COUNT);
  const stride = load<i32>(M_STRIDE_LOGITS);
  for (let i = cut(wanted, t, threads); i < cut(wanted, t + 1, threads); i++)
    softmaxSum(pointer(M_LOGITS) + ((<usize>i * stride) << 2), load<i32>(M_VOCABULARY), stride, softmaxSums + (<usize>i << 4));
  barrier(threads);
  mark(t, COUNT_HEAD);
}

export function pass(t: i32, threads: i32): void {
  startClock(t);
  softmaxSums = pointer(PASS_SUMS);
  if (load<i32>(PASS_TOKENS) == 1 && load<i32>(PASS_LOGIT_COUNT) == 1) decode(t, threads);
  else prefill(t, threads);
  if (softmaxSums) sumLogits(t, threads);
}
