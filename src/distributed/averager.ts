/**
 * Means of gradients over all processes. Gradients are joined to buckets, and a bucket is reduced
 * while the backward pass still computes the gradients of the next one. Not here: MPI (mpi.ts), and
 * how fit uses an averager (train/fit.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { alias, checkTensors } from '../autograd/graph.js';
import { concat } from '../autograd/ops/movement.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { bytesOf } from '../values/dtype.js';
import type { ProcessGroup } from './group.js';
import { inPlace } from './host-memory.js';
import type { Mpi, Pending } from './mpi.js';

/** Options of an averager. */
export interface AveragerOptions {
  /** A bucket has at most so many bytes, or one gradient. Default 1 MiB. */
  bucketBytes?: number;
  /** Whether buckets are reduced during the backward pass. Default true. */
  overlap?: boolean;
}
const averagerOptions: OptionNames<AveragerOptions> = { bucketBytes: 'value', overlap: 'flag' };

/** Options of `GradientAverager.backward`. */
export interface AveragedBackwardOptions {
  /** Factor of this rank's loss. Default 1/size, for the mean over all ranks. */
  weight?: number;
  /**
   * False for all batches of a step but the last, if their gradients are accumulated. Default true.
   */
  reduce?: boolean;
}
const backwardOptions: OptionNames<AveragedBackwardOptions> = { weight: 'value', reduce: 'flag' };

/** Gradients that are reduced together. */
interface Bucket {
  readonly params: readonly Tensor[];
  /** Ones, which tell other ranks that this one has all gradients. */
  readonly all: Tensor;
  /** Views of the gradients that are ready. They are kept until the reduction starts. */
  readonly ready: Map<Tensor, Tensor>;
  /** The joined gradients, followed by a number for each: how many ranks have it. */
  flat: Tensor | null;
  pending: Pending | null;
}

/** Parameters that share a device and a dtype, in order, cut into buckets. */
function bucketsOf(params: readonly Tensor[], bucketBytes: number): Bucket[] {
  const groups: Tensor[][] = [];
  let bytes = 0;
  for (const p of params) {
    const own = p.size * bytesOf[p.dtype];
    const last = groups.at(-1);
    const first = last?.[0];
    if (last !== undefined && first?.device === p.device && first.dtype === p.dtype && bytes + own <= bucketBytes) {
      last.push(p);
      bytes += own;
    } else {
      groups.push([p]);
      bytes = own;
    }
  }
  return groups.map((group) => ({
    params: group,
    all: (group[0] as Tensor).fullLike(1, [group.length]).keep(),
    ready: new Map(),
    flat: null,
    pending: null,
  }));
}

/**
 * Averages the gradients of parameters over all processes of a group. `backward(loss)` takes the
 * place of `loss.backward()`. Each rank's gradients are then those of the mean of all losses, so
 * that all ranks take the same step. Clip gradients afterwards.
 *
 * The mean is that of the ranks. It is the mean over all samples if the ranks have equally many.
 * Otherwise pass the rank's share of the samples as `weight`. A parameter without a gradient on
 * all ranks keeps none.
 * @source torch.nn.parallel.DistributedDataParallel; Li et al. 2020, "PyTorch Distributed"
 */
export class GradientAverager {
  /** Time that the last backward() waited for other ranks and for their data. @units ms */
  waited = 0;
  readonly #group: ProcessGroup;
  readonly #mpi: Mpi | null;
  readonly #buckets: readonly Bucket[];
  readonly #bucketOf = new Map<Tensor, Bucket>();
  readonly #overlap: boolean;
  readonly #removers: (() => void)[] = [];
  /** The index of the next bucket. All ranks start their buckets in the same order. */
  #next = 0;
  /** Whether a backward pass runs whose gradients are complete when it ends. */
  #isArmed = false;

  /** For `ProcessGroup.averager`. */
  constructor(group: ProcessGroup, mpi: Mpi | null, params: readonly Tensor[], options: AveragerOptions) {
    const op = 'averager';
    knownOptions(op, options, averagerOptions);
    checkTensors(op, 'params', params);
    const { bucketBytes = 2 ** 20, overlap = true } = options;
    checkNumber(op, 'bucketBytes', bucketBytes, (v) => v >= 1 && v <= 2 ** 30, 'in [1, 2^30]');
    const wrong = params.findIndex((p) => !p.dtype.startsWith('float'));
    if (wrong >= 0) throw new ValueError(op, 'parameters must be floats', `params[${wrong}] ${params[wrong]?.dtype}`);
    this.#group = group;
    this.#mpi = mpi;
    this.#overlap = overlap;
    // A backward pass reaches the last layers first.
    this.#buckets = mpi === null ? [] : bucketsOf(params.filter((p) => p.requiresGrad).reverse(), bucketBytes);
    for (const bucket of this.#buckets)
      for (const p of bucket.params) {
        this.#bucketOf.set(p, bucket);
        this.#removers.push(p.registerHook((grad) => this.#arrive(p, grad)));
      }
  }

  /** How many reductions a step has, and of how many elements each. */
  get bucketSizes(): readonly number[] {
    return this.#buckets.map(({ params }) => params.reduce((n, p) => n + p.size, params.length));
  }

  /**
   * Runs the backward pass of a loss and averages all gradients. All ranks must call it.
   * @throws as Tensor.backward; ValueError for unknown options; DeviceError for a device whose
   * arrays are not in the memory of the process
   */
  backward(loss: Tensor, options: AveragedBackwardOptions = {}): void {
    knownOptions('averager.backward', options, backwardOptions);
    const { weight = 1 / this.#group.size, reduce = true } = options;
    const scaled = weight === 1 ? loss : loss.mul(weight);
    const isFirst = this.#buckets.every(({ params }) => params.every((p) => p.grad === null));
    this.#isArmed = reduce && this.#overlap && isFirst;
    this.#next = 0;
    this.waited = 0;
    try {
      scaled.backward();
    } finally {
      this.#isArmed = false;
    }
    if (reduce && this.#mpi !== null) noGrad(() => this.#finish(this.#mpi as Mpi));
  }

  /** Ends the use of the averager. */
  dispose(): void {
    for (const remove of this.#removers.splice(0)) remove();
    for (const { all } of this.#buckets) all.unkeep().release();
  }

  /** Called by the backward pass when the gradient of a parameter is complete. */
  #arrive(p: Tensor, grad: Tensor): void {
    if (!this.#isArmed || this.#mpi === null) return;
    const bucket = this.#bucketOf.get(p) as Bucket;
    // A view is an operation, so a recording knows where it comes from. One of another rank is new.
    bucket.ready.set(p, grad.reshape([1, ...grad.shape]).keep());
    for (let b = this.#buckets[this.#next]; b !== undefined && b.ready.size === b.params.length; ) {
      this.#start(b, this.#mpi, (q) => b?.ready.get(q) ?? null);
      b = this.#buckets[++this.#next];
    }
  }

  /** Joins the gradients of a bucket and starts their reduction. */
  #start(bucket: Bucket, mpi: Mpi, gradOf: (p: Tensor) => Tensor | null): void {
    const { params, ready, all } = bucket;
    const grads = params.map(gradOf);
    const has = grads.map((grad) => Number(grad !== null));
    const flags = has.includes(0) ? all.upload(Float32Array.from(has), all.dtype) : all;
    const parts = params.map((p, i) => (grads[i] ?? p.zerosLike()).reshape([p.size]));
    bucket.flat = concat([...parts, flags]).keep();
    for (const t of ready.values()) t.unkeep().release();
    ready.clear();
    const view = inPlace(bucket.flat);
    for (const { pending } of this.#buckets) if (pending !== null) mpi.test(pending);
    bucket.pending = mpi.start(view);
  }

  /** Starts what the backward pass did not, waits for everything, and hands out the means. */
  #finish(mpi: Mpi): void {
    for (let bucket = this.#buckets[this.#next]; bucket !== undefined; bucket = this.#buckets[++this.#next])
      this.#start(bucket, mpi, (p) => p.grad);
    for (const bucket of this.#buckets) {
      const { params, pending } = bucket;
      const flat = bucket.flat as Tensor;
      const start = performance.now();
      mpi.wait(pending as Pending, () => inPlace(flat));
      this.waited += performance.now() - start;
      this.#handOut(params, flat, (pending as Pending).view);
      flat.unkeep().release();
      bucket.flat = null;
      bucket.pending = null;
    }
  }

  #handOut(params: readonly Tensor[], flat: Tensor, values: ArrayLike<number>): void {
    const first = flat.size - params.length;
    let at = 0;
    for (const [i, p] of params.entries()) {
      const mean = (values[first + i] as number) > 0 ? flat.slice([at, at + p.size]).reshape(p.shape) : null;
      at += p.size;
      p.grad?.release();
      p.grad = mean === null ? null : alias(mean);
    }
  }
}
