// Numbers that the kernels (AssemblyScript) and their loader (TypeScript) share. This file is compiled by both, so it
// holds plain integers only. Addresses are bytes in the one shared memory; every field is four bytes wide.

/** Output rows of a packed weight panel: the unit in which threads share a matrix. */
export const PANEL = 16;
/** Inputs of a matrix are padded with zeros to a multiple of this: one 4-bit block. */
export const DEPTH = 32;
/** Tokens of a GEMM tile. 6 x 8 accumulators fill the 15 usable vector registers. */
export const TILE = 6;
/** Output columns of a GEMM tile: half a panel. */
export const TILE_COLUMNS = 8;
/**
 * Panels that a product with one token reads in turn, a block each, unless M_STREAMS says otherwise: so many long streams
 * keep some memory systems busy, and lose others' prefetchers.
 */
export const STREAMS = 8;
/** Positions of one chunk of the KV cache, the step in which it grows. */
export const CHUNK = 64;
/** Keys that lie side by side in the cache. */
export const KEY_BLOCK = 8;

/** Weight formats: the FORMAT field of a matrix. Their panels are drawn in the file of each. */
export const FORMAT_F32 = 0;
export const FORMAT_F16 = 1;
export const FORMAT_INT8 = 2;
export const FORMAT_INT4 = 3;
export const FORMAT_F16_24 = 4;
export const FORMAT_INT8_24 = 5;
/** Int8 for devices that multiply whole bytes in one instruction: against 8-bit levels, not 16-bit ones. */
export const FORMAT_BYTE8 = 6;
export const FORMAT_BYTE8_24 = 7;

/** Weight formats in all. */
export const FORMATS_IN_ALL = 8;

/** What a format multiplies: floats, 16-bit levels of a token, 8-bit levels of blocks. Bits, since groups mix. */
export const OPERAND_FLOAT = 1;
export const OPERAND_LEVELS = 2;
export const OPERAND_BYTES = 4;

/** Bytes of a format's smallest piece of a panel. */
export const INT4_SCALES = PANEL * 2;
export const INT4_BLOCK = INT4_SCALES + (PANEL * DEPTH) / 2;
/** 2:4 of int8: inputs that one window of indices and values covers. */
export const WINDOW = 16;
export const INT8_24_INDICES = 32;
export const INT8_24_WINDOW = INT8_24_INDICES + (PANEL * WINDOW) / 2;
/** Int8 against bytes: a block of 32 inputs is 16 scales (bfloat16), then the weights. */
export const BYTE8_SCALES = PANEL * 2;
export const BYTE8_BLOCK = BYTE8_SCALES + PANEL * DEPTH;
/** 2:4 of int8 against bytes: two windows and the sum of every row's weights in them. */
export const BYTE8_24_VALUES = 2 * INT8_24_INDICES;
export const BYTE8_24_SUMS = BYTE8_24_VALUES + (PANEL * DEPTH) / 2;
export const BYTE8_24_BLOCK = BYTE8_24_SUMS + PANEL * 2;
/** 2:4 of fp16: a group of 4 inputs: 8 codes (two rows each), then 16 rows x 2 halves. */
export const F16_24_CODES = 8;
export const F16_24_GROUP = F16_24_CODES + PANEL * 2 * 2;

/** Largest level of a quantized activation where no sum could overflow. */
export const TOP_LEVEL = 32767;
/** Largest level of a block of activations. */
export const TOP_BYTE = 127;
/** What 4-bit weights are stored above their value: 2^INT4_ZERO_BITS. */
export const INT4_ZERO = 8;
export const INT4_ZERO_BITS = 3;
/** What bytes are stored above their value where the device's dot takes one of its operands unsigned: 2^BYTE_ZERO_BITS. */
export const BYTE_ZERO = 128;
export const BYTE_ZERO_BITS = 7;

// ------------------------------------------------------------------ control block
// Each word that threads poll has a cache line of its own.
export const CONTROL = 1024;
export const BARRIER_COUNT = CONTROL;
export const BARRIER_TURN = CONTROL + 64;
export const BARRIER_SLEEPERS = CONTROL + 128;
export const COMMAND_TURN = CONTROL + 192;
export const COMMAND_SLEEPERS = CONTROL + 256;
export const COMMAND = CONTROL + 320;
/** Milliseconds per kernel, float64, written by thread 0. */
export const COUNTERS = CONTROL + 384;
/** Four words or floats of a bench command. */
export const BENCH = CONTROL + 512;

export const COMMAND_QUIT = 0;
export const COMMAND_PASS = 1;
export const COMMAND_READ = 2;
export const COMMAND_GEMV = 3;
export const COMMAND_GEMM = 4;
export const COMMAND_PEAK_INT = 5;
export const COMMAND_PEAK_FLOAT = 6;
export const COMMAND_PEAK_BYTE = 7;

/** Rows of the counter table. */
export const COUNT_EMBED = 0;
export const COUNT_LINEAR = 1;
export const COUNT_ATTENTION = 2;
export const COUNT_VECTOR = 3;
export const COUNT_HEAD = 4;
export const COUNT_KINDS = 5;

// ------------------------------------------------------------------ the model
export const MODEL = 2048;
export const M_LAYERS = MODEL;
export const M_HIDDEN = MODEL + 4;
export const M_HEADS = MODEL + 8;
export const M_KV_HEADS = MODEL + 12;
export const M_HEAD_DIM = MODEL + 16;
/** Float: epsilon of RMSNorm. */
export const M_EPSILON = MODEL + 20;
/** Float: what scores are multiplied by, headDim^-0.5. */
export const M_SCALE = MODEL + 24;
/** Table of layers (LAYER_BYTES each). */
export const M_LAYER_TABLE = MODEL + 28;
export const M_FINAL_NORM = MODEL + 32;
/** Matrix of the output projection, and the one whose rows are embeddings (the same where tied). */
export const M_HEAD = MODEL + 36;
export const M_EMBEDDING = MODEL + 40;
/** [positions][headDim / 2 cosines, headDim / 2 sines]. */
export const M_ROPE = MODEL + 44;
/** KV cache: chunk-major, see attention.ts. */
export const M_KV = MODEL + 48;
export const M_KV_CHUNK_BYTES = MODEL + 52;
/** Sixteen-byte swizzle masks of 2:4 fp16, one per code. */
export const M_MASKS = MODEL + 56;

/** Float: largest level of a quantized activation. */
export const M_TOP_LEVEL = MODEL + 60;

// Shared activations, float32, a row per token.
export const M_X = MODEL + 64;
export const M_Q = MODEL + 68;
export const M_K = MODEL + 72;
export const M_V = MODEL + 76;
export const M_ATTENDED = MODEL + 80;
export const M_GATE = MODEL + 84;
export const M_UP = MODEL + 88;
export const M_LOGITS = MODEL + 92;
/** Row strides in floats. */
export const M_STRIDE_X = MODEL + 96;
export const M_STRIDE_Q = MODEL + 100;
export const M_STRIDE_KV = MODEL + 104;
export const M_STRIDE_FFN = MODEL + 108;
export const M_STRIDE_LOGITS = MODEL + 112;
/** Activations packed in tiles: float32, int16, and the latter's scale per token. */
export const M_TILES_F32 = MODEL + 116;
export const M_TILES_INT = MODEL + 120;
export const M_TOKEN_SCALES = MODEL + 124;
/** Activations packed in tiles as 8-bit levels, with a scale and a sum per block. */
export const M_TILES_BYTE = MODEL + 224;
export const M_BLOCK_SCALES = MODEL + 228;
export const M_BLOCK_SUMS = MODEL + 232;
/** Bytes of one layer's key-value head in a chunk, and whether it holds int8 (cache8.ts) or float32 (attention.ts). */
export const M_KV_HEAD_BYTES = MODEL + 240;
export const M_KV_INT8 = MODEL + 244;
/** Float32 ones, a head's worth: scales of what has none. */
export const M_ONES = MODEL + 248;
/** What adapters' A made of each token: [slot][token][MAX_RANK], and the bytes of a slot. */
export const M_ADAPTED = MODEL + 256;
export const M_ADAPTED_SLOT = MODEL + 260;
/** 1 where byte products are summed in 32 bits by one instruction (VNNI, ARM), 0 where 16 bits are faster. */
export const M_WIDE_SUMS = MODEL + 236;
/** All ones where the device's byte dot takes its second operand unsigned (VNNI), so that bytes are BYTE_ZERO above their value. */
export const M_UNSIGNED = MODEL + 252;
/** What each chunk of positions gives each head in a decode step: see attention.ts. */
export const M_PARTIALS = MODEL + 272;

// What belongs to one thread: its start is M_PRIVATE + thread * M_PRIVATE_BYTES; the rest are offsets in it.
export const M_PRIVATE = MODEL + 128;
export const M_PRIVATE_BYTES = MODEL + 132;
export const P_ROW = MODEL + 136;
export const P_SCALED = MODEL + 140;
export const P_LEVELS = MODEL + 144;
export const P_BLOCK_SUMS = MODEL + 148;
export const P_BYTES = MODEL + 180;
export const P_BLOCK_SCALES = MODEL + 184;
export const P_LOW = MODEL + 152;
export const P_HIGH = MODEL + 156;
export const P_SCORES = MODEL + 160;
export const P_WEIGHTS = MODEL + 164;
export const P_QUERY = MODEL + 168;
export const P_OUT = MODEL + 172;
export const P_PANEL = MODEL + 176;

export const P_ADAPTED = MODEL + 264;
export const P_PRODUCT = MODEL + 268;
/** A decode step's queries [stride], keys and values [stride] of one layer. */
export const P_HEADS = MODEL + 276;
/** Pieces of this thread's run of a phase that somebody has taken (threads.ts), in a line of their own. */
export const P_TAKEN = MODEL + 280;

// What one pass is about.
export const PASS_TOKENS = MODEL + 192;
/** Cache slot of the pass's first token. */
export const PASS_START = MODEL + 196;
/** Slots below this are seen by every token. */
export const PASS_PREFIX = MODEL + 200;
/** Per token: id, position, first slot of its own span. */
export const PASS_IDS = MODEL + 204;
export const PASS_POSITIONS = MODEL + 208;
export const PASS_SPANS = MODEL + 212;
/** Rows (indices of tokens in the pass) whose logits are wanted. */
export const PASS_LOGIT_COUNT = MODEL + 216;
export const PASS_LOGIT_ROWS = MODEL + 220;
/** Where each row's softmax sum goes, [row] (largest logit, sum of exp(logit - largest)) in float64; 0 where none is wanted. */
export const PASS_SUMS = MODEL + 284;
/** Logits of a row without its padding. */
export const M_VOCABULARY = MODEL + 288;
/** Streams of a product with one token, a word for each weight format. */
export const M_STREAMS = MODEL + 292;

// ------------------------------------------------------------------ a layer
export const L_INPUT_NORM = 0;
export const L_POST_NORM = 4;
/** 0 where the family has none. */
export const L_Q_NORM = 8;
export const L_K_NORM = 12;
export const L_Q_BIAS = 16;
export const L_K_BIAS = 20;
export const L_V_BIAS = 24;
/** Matrices, one after another in the order of LINEARS. */
export const L_Q = 32;
export const L_K = 64;
export const L_V = 96;
export const L_O = 128;
export const L_GATE = 160;
export const L_UP = 192;
export const L_DOWN = 224;
export const LAYER_BYTES = 256;

// ------------------------------------------------------------------ a matrix [rows = outputs, depth = inputs]
export const W_FORMAT = 0;
/** Padded to PANEL. */
export const W_ROWS = 4;
/** Padded to DEPTH. */
export const W_DEPTH = 8;
/** Panels. */
export const W_DATA = 12;
/** Float32 per output, where the format has one. */
export const W_SCALES = 16;
/** Low-rank adapter that is added to the product; 0 where there is none. */
export const W_ADAPTER = 20;
export const MATRIX_BYTES = 32;

// ------------------------------------------------------------------ an adapter: y += B (A x), both float32
/** Matrix A [rank, inputs], then matrix B [outputs, rank], its factor multiplied in. */
export const A_DOWN = 0;
export const A_UP = MATRIX_BYTES;
/** Which of the matrices that read one input this belongs to: 0, 1 or 2. */
export const A_SLOT = 2 * MATRIX_BYTES;
export const ADAPTER_BYTES = 3 * MATRIX_BYTES;
/** Largest rank. */
export const MAX_RANK = 256;
