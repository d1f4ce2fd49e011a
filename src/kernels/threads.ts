// Threads over one shared memory. Thread 0 is the engine's own: it gives a command and takes its share. Waiting spins
// first (a barrier costs 0.25 us so, and a token has some 200), then sleeps, so that an idle engine uses no power.
import {
  BARRIER_COUNT,
  BARRIER_SLEEPERS,
  BARRIER_TURN,
  COMMAND,
  COMMAND_SLEEPERS,
  COMMAND_TURN,
  M_PRIVATE,
  M_PRIVATE_BYTES,
  P_TAKEN,
} from './layout';

/** Polls before sleeping: about 20 us within a pass, a millisecond between passes. */
const BARRIER_SPINS = 20_000;
const COMMAND_SPINS = 200_000;
const FOREVER: i64 = -1;

/** Weights that this thread reads next, of which a waiting thread brings a line a poll closer. */
let ahead: usize = 0;
let aheadEnd: usize = 0;
/** What was read ahead goes here, so that no compiler leaves the reading out. */
let lastRead: u32 = 0;
const LINE: usize = 64;
/** No more than this is read ahead: it must still be in the second-level cache when it is used. */
const MOST_AHEAD: usize = 256 * 1024;

/** Tells waits what this thread will read after them. */
export function readNext(from: usize, to: usize): void {
  ahead = from;
  aheadEnd = min(to, from + MOST_AHEAD);
}

/** Waits until the word at `turn` is no longer `seen`. */
function waitTurn(turn: usize, seen: i32, sleepers: usize, spins: i32): void {
  for (let n = 0; atomic.load<i32>(turn) == seen; )
    if (ahead < aheadEnd) {
      lastRead += load<u32>(ahead);
      ahead += LINE;
    } else if (++n > spins) {
      // Whoever moves the turn looks at the sleepers after moving; wait checks the turn after counting itself.
      atomic.add<i32>(sleepers, 1);
      atomic.wait<i32>(turn, seen, FOREVER);
      atomic.add<i32>(sleepers, -1);
    }
}

function moveTurn(turn: usize, sleepers: usize): void {
  atomic.add<i32>(turn, 1);
  if (atomic.load<i32>(sleepers)) atomic.notify(turn, -1);
}

/** Where it stands how many pieces of a thread's run have been taken. */
// @ts-ignore: decorator
@inline
function takenOf(thread: i32): usize {
  return <usize>load<u32>(M_PRIVATE) + <usize>thread * load<u32>(M_PRIVATE_BYTES) + load<u32>(P_TAKEN);
}

/** Returns when all `threads` have come here; the next phase's pieces are free then. */
export function barrier(threads: i32): void {
  const seen = atomic.load<i32>(BARRIER_TURN);
  if (atomic.add<i32>(BARRIER_COUNT, 1) == threads - 1) {
    atomic.store<i32>(BARRIER_COUNT, 0);
    for (let t = 0; t < threads; t++) atomic.store<i32>(takenOf(t), 0);
    moveTurn(BARRIER_TURN, BARRIER_SLEEPERS);
  } else waitTurn(BARRIER_TURN, seen, BARRIER_SLEEPERS, BARRIER_SPINS);
}

/** Thread 0: lets the others begin `command`. */
export function announce(command: i32, threads: i32): void {
  store<i32>(COMMAND, command);
  if (threads > 1) moveTurn(COMMAND_TURN, COMMAND_SLEEPERS);
}

/** The last command turn that this thread took part in. */
let taken = 0;

/** Another thread: waits for the next command. The turn is a global: see the note in `serve`. */
export function nextCommand(): i32 {
  waitTurn(COMMAND_TURN, taken, COMMAND_SLEEPERS, COMMAND_SPINS);
  taken = atomic.load<i32>(COMMAND_TURN);
  return load<i32>(COMMAND);
}

// What a phase has to do is cut into a run a thread, and each run into ever smaller pieces: half of it, half of the rest,
// and so on. A thread takes the pieces of its own run, then those of others that nobody has begun, because memory and
// the system serve threads unevenly and a barrier waits for the last. One such loop fits between two barriers.

/**
 * Pieces of a run. Of many tokens, arithmetic is shared out: the smallest of 8 is 1 / 128 of the run. Of one token, memory
 * is: every piece begins its streams of reading anew, and with 3 decoding int8 is some 4 % faster than with 8 (6 of 8 pairs).
 */
export const PIECES_MANY = 8;
export const PIECES_ONE = 3;
let pieces = PIECES_MANY;

/** Every thread, at the beginning of a pass. */
export function cutInto(n: i32): void {
  pieces = n;
}

/** Whose run this thread is at. */
let run = 0;

/** The next piece that nobody has begun; -1 where none is left. Begins with `firstPiece`. */
export function nextPiece(t: i32, threads: i32): i32 {
  do {
    const n = atomic.add<i32>(takenOf(run), 1);
    if (n < pieces) return run * pieces + n;
    run = run + 1 == threads ? 0 : run + 1;
  } while (run != t);
  return -1;
}

export function firstPiece(t: i32, threads: i32): i32 {
  run = t;
  return nextPiece(t, threads);
}

/** First of `n` things that belongs to `piece`; the next piece's first is its end. */
export function pieceStart(n: i32, piece: i32, threads: i32): i32 {
  const owner = piece / pieces;
  const end = cut(n, owner + 1, threads);
  return end - ((end - cut(n, owner, threads)) >> piece % pieces);
}

/** First of the `n` things that thread `t` of `threads` does; the next thread's first is its end. */
// @ts-ignore: decorator
@inline
export function cut(n: i32, t: i32, threads: i32): i32 {
  return ((<i64>n * t) / threads) as i32;
}
