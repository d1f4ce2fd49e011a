import { type BlockVectors, type LinearName, ropeRows } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError } from '../core/errors';
import { BLOCK, is2of4, type StoredTensor } from '../tensor/stored';
import { blocksOf, packMatrix, rowOf, type MatrixLayout } from './pack';
import { ATTENTION, gemv, RMS_NORM, ROPE, ROWS_PER_GROUP, SWIGLU, THREADS } from './shaders';

/** A model on the GPU, one token a step. Positions may be rewound: a step overwrites the cache at its position. */
export interface WgslModel {
  /** Tokens that the cache holds. */
  readonly capacity: number;
  readonly dispatches: number;
  /** Bytes of weights, as packed. */
  readonly weightBytes: number;
  readonly layouts: readonly MatrixLayout[];
  /** Runs tokens at positions start, start + 1, ...; logits [n, vocabulary] of the last `logits` of them. */
  run(ids: readonly number[], start: number, logits: number): Promise<Float32Array<ArrayBuffer>>;
  destroy(): void;
}

/** What a layer is built from. */
export interface LayerWeights {
  linear: Record<LinearName, StoredTensor>;
  vectors: BlockVectors;
}

type Dispatch = { pipeline: GPUComputePipeline; bindings: GPUBindGroup; groups: [number, number] };
type Matrix = { layout: MatrixLayout; buffer: GPUBuffer };

/** Most workgroups in one dimension; every adapter allows it. */
const MAX_GROUPS = 65_535;

const padded = (n: number) => blocksOf(n) * BLOCK;

/**
 * The decode step of a Llama-family decoder in nine dispatches a layer. Weights are uploaded layer by layer; activations
 * and the cache are float32, so that any adapter can run it.
 */
export class WgslBuilder {
  private readonly buffers: GPUBuffer[] = [];
  private readonly pipelines = new Map<string, GPUComputePipeline>();
  private readonly layers: Dispatch[] = [];
  private readonly layouts: MatrixLayout[] = [];
  private readonly x: GPUBuffer;
  private readonly normed: GPUBuffer;
  private readonly qkv: GPUBuffer;
  private readonly attended: GPUBuffer;
  private readonly scores: GPUBuffer;
  private readonly position: GPUBuffer;
  private readonly rope: GPUBuffer;
  private readonly none: GPUBuffer;
  private weightBytes = 0;

  constructor(
    private readonly device: GPUDevice,
    private readonly config: ModelConfig,
    private readonly capacity: number,
  ) {
    const { hiddenSize, heads, kvHeads, headDim } = config;
    this.x = this.scratch(hiddenSize);
    this.normed = this.scratch(hiddenSize);
    this.qkv = this.scratch((heads + 2 * kvHeads) * headDim);
    this.attended = this.scratch(heads * headDim);
    this.scores = this.scratch(heads * capacity);
    this.position = this.own(
      device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST }),
    );
    this.rope = this.upload(ropeRows(config, capacity));
    this.none = this.scratch(1);
  }

  layer({ linear, vectors }: LayerWeights): void {
    const { hiddenSize, heads, kvHeads, headDim, normEpsilon } = this.config;
    const { qNorm, kNorm, qBias, kBias, vBias } = vectors;
    const cacheSize = kvHeads * this.capacity * headDim;
    const keys = this.scratch(cacheSize);
    const values = this.scratch(cacheSize);
    const qkv = this.matrix([linear.q_proj, linear.k_proj, linear.v_proj]);
    const output = this.matrix([linear.o_proj]);
    const gateUp = this.matrix([linear.gate_proj, linear.up_proj]);
    const down = this.matrix([linear.down_proj]);
    const ffn = linear.gate_proj.rows;
    const both = this.scratch(2 * ffn);
    const hidden = this.scratch(ffn);
    const shape = { heads, kv_heads: kvHeads, head_dim: headDim, capacity: this.capacity };
    const norms = qNorm && kNorm ? this.upload(concat([qNorm, kNorm])) : this.none;
    const bias = qBias && kBias && vBias ? concat([qBias, kBias, vBias]) : null;
    this.layers.push(
      this.norm(vectors.inputNorm),
      this.multiply(qkv, this.normed, this.qkv, { bias }),
      this.dispatch(
        ROPE,
        { ...shape, epsilon: normEpsilon, normed: qNorm ? 1 : 0 },
        [this.qkv, keys, values, this.rope, norms, this.position],
        heads + 2 * kvHeads,
      ),
      this.dispatch(ATTENTION, shape, [this.qkv, keys, values, this.scores, this.attended, this.position], heads),
      this.multiply(output, this.attended, this.x, { accumulate: true }),
      this.norm(vectors.postNorm),
      this.multiply(gateUp, this.normed, both),
      this.dispatch(SWIGLU, { size: ffn }, [both, hidden], Math.ceil(ffn / THREADS)),
      this.multiply(down, hidden, this.x, { accumulate: true }),
    );
    if (hiddenSize !== down.layout.rows) throw new TypeError('down_proj does not write the residual stream');
  }

  /** `head` is null where the embedding serves as output projection. */
  finish(finalNorm: Float32Array, embedding: StoredTensor, head: StoredTensor | null): WgslModel {
    const { hiddenSize, vocabSize } = this.config;
    const { device, x, position } = this;
    const logits = this.scratch(vocabSize);
    const last = [this.norm(finalNorm), this.multiply(this.matrix([head ?? embedding]), this.normed, logits)];
    const { layers, buffers, capacity, layouts, weightBytes } = this;
    return {
      capacity,
      dispatches: layers.length + last.length,
      weightBytes,
      layouts,
      async run(ids, start, wanted) {
        const n = ids.length;
        // A copy's size and offset are multiples of four bytes: one row of float32, one position, a token.
        const inputs = new Float32Array(n * hiddenSize);
        ids.forEach((id, i) => inputs.set(rowOf(embedding, id), i * hiddenSize));
        const staged = staging(device, inputs);
        const positions = staging(
          device,
          Uint32Array.from(ids, (_, i) => start + i),
        );
        const rowBytes = vocabSize * 4;
        const read = device.createBuffer({
          size: Math.max(4, wanted * rowBytes),
          usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
        });
        const encoder = device.createCommandEncoder();
        ids.forEach((_, i) => {
          encoder.copyBufferToBuffer(staged, i * hiddenSize * 4, x, 0, hiddenSize * 4);
          encoder.copyBufferToBuffer(positions, i * 4, position, 0, 4);
          const row = i - (n - wanted);
          const pass = encoder.beginComputePass();
          for (const d of row >= 0 ? [...layers, ...last] : layers) {
            pass.setPipeline(d.pipeline);
            pass.setBindGroup(0, d.bindings);
            pass.dispatchWorkgroups(...d.groups);
          }
          pass.end();
          if (row >= 0) encoder.copyBufferToBuffer(logits, 0, read, row * rowBytes, rowBytes);
        });
        device.queue.submit([encoder.finish()]);
        try {
          await read.mapAsync(GPUMapMode.READ);
          return new Float32Array(read.getMappedRange().slice(0, wanted * rowBytes));
        } finally {
          for (const b of [staged, positions, read]) b.destroy();
        }
      },
      destroy: () => buffers.forEach((b) => b.destroy()),
    };
  }

  private own(buffer: GPUBuffer): GPUBuffer {
    this.buffers.push(buffer);
    return buffer;
  }

  /** A float32 vector, zero up to a whole block, so that a matrix may read its last block whole. */
  private scratch(size: number): GPUBuffer {
    return this.own(
      this.device.createBuffer({
        size: 4 * padded(size),
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
      }),
    );
  }

  private upload(data: Float32Array | Uint32Array): GPUBuffer {
    const buffer = this.own(
      this.device.createBuffer({ size: data.byteLength, usage: GPUBufferUsage.STORAGE, mappedAtCreation: true }),
    );
    new Uint32Array(buffer.getMappedRange()).set(new Uint32Array(data.buffer, data.byteOffset, data.length));
    buffer.unmap();
    return buffer;
  }

  /** Matrices that read the same input, one below the other. */
  private matrix(parts: readonly StoredTensor[]): Matrix {
    const sparse = parts.every(is2of4);
    const packed = parts.map((t) => packMatrix(t, sparse));
    const [first] = packed as [(typeof packed)[number]];
    const data = new Uint32Array(packed.reduce((n, p) => n + p.data.length, 0));
    let at = 0;
    for (const p of packed) {
      if (p.format !== first.format || p.columns !== first.columns)
        throw new JoulewiseError(
          'recipe.impossible',
          'The engine "wgsl" computes matrices that share an input as one, so it runs no mixture of precisions: choose the engine "cpu" or "ort-gpu", or one precision.',
        );
      data.set(p.data, at);
      at += p.data.length;
    }
    const { format, columns } = first;
    const layout = { format, sparse, columns, rows: packed.reduce((n, p) => n + p.rows, 0) };
    this.layouts.push(layout);
    this.weightBytes += data.byteLength;
    return { layout, buffer: this.upload(data) };
  }

  private multiply(
    { layout, buffer }: Matrix,
    x: GPUBuffer,
    y: GPUBuffer,
    { accumulate = false, bias = null }: { accumulate?: boolean; bias?: Float32Array | null } = {},
  ): Dispatch {
    return this.dispatch(
      gemv(layout.format, layout.sparse),
      { rows: layout.rows, blocks: blocksOf(layout.columns), accumulate: accumulate ? 1 : 0, biased: bias ? 1 : 0 },
      [buffer, x, y, bias ? this.upload(bias) : this.none],
      Math.ceil(layout.rows / ROWS_PER_GROUP),
    );
  }

  private norm(weight: Float32Array): Dispatch {
    const { hiddenSize, normEpsilon } = this.config;
    return this.dispatch(
      RMS_NORM,
      { size: hiddenSize, epsilon: normEpsilon },
      [this.x, this.upload(weight), this.normed],
      1,
    );
  }

  /** A pipeline is made once for each code and its constants. */
  private dispatch(
    code: string,
    constants: Record<string, number>,
    buffers: readonly GPUBuffer[],
    groups: number,
  ): Dispatch {
    const key = `${JSON.stringify(constants)}${code}`;
    let pipeline = this.pipelines.get(key);
    if (!pipeline) {
      pipeline = this.device.createComputePipeline({
        layout: this.layoutOf(code),
        compute: { module: this.device.createShaderModule({ code }), constants },
      });
      this.pipelines.set(key, pipeline);
    }
    const bindings = this.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const columns = Math.min(groups, MAX_GROUPS);
    return { pipeline, bindings, groups: [columns, Math.ceil(groups / columns)] };
  }

  /** Explicit, because an automatic layout drops a binding that a constant makes unused. */
  private layoutOf(code: string): GPUPipelineLayout {
    const entries = [...code.matchAll(/@binding\((\d+)\) var<(uniform|storage, read_write|storage, read)>/g)].map(
      ([, binding, kind]): GPUBindGroupLayoutEntry => ({
        binding: Number(binding),
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: kind === 'uniform' ? 'uniform' : kind === 'storage, read' ? 'read-only-storage' : 'storage' },
      }),
    );
    return this.device.createPipelineLayout({ bindGroupLayouts: [this.device.createBindGroupLayout({ entries })] });
  }
}

function staging(device: GPUDevice, data: Float32Array | Uint32Array): GPUBuffer {
  const buffer = device.createBuffer({ size: data.byteLength, usage: GPUBufferUsage.COPY_SRC, mappedAtCreation: true });
  new Uint32Array(buffer.getMappedRange()).set(new Uint32Array(data.buffer, data.byteOffset, data.length));
  buffer.unmap();
  return buffer;
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
