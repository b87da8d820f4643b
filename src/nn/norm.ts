/**
 * Normalisation layers, channels last. Not here: the arithmetic (autograd/ops/norm.ts), and
 * InstanceNorm2d (instance-norm.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { checkTensor } from '../autograd/graph.js';
import { endWith } from '../autograd/lifetimes.js';
import { concat } from '../autograd/ops/movement.js';
import {
  type AffineOptions,
  checkedPerChannel,
  groupNorm,
  layerNorm,
  moments,
  normalizeBy,
} from '../autograd/ops/norm.js';
import { ShapeError, show } from '../errors.js';
import { ones, zeros } from '../tensor/create.js';
import type { Parameter, Tensor } from '../tensor/tensor.js';
import { ownShape, rank3, rank4, type Shape } from '../values/shape.js';
import { attributes, checkChannels, checkCount, checkGroups } from './check.js';
import { Module } from './module.js';
import { oneParameter, zeroParameter } from './parameter.js';

export interface NormOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /**
   * Whether to learn a scale (weight, initially 1) and a shift (bias, initially 0) per channel.
   * Default true.
   */
  affine?: boolean;
}
export interface BatchNorm2dOptions extends NormOptions {
  /** Weight of the new batch in the running statistics, in [0, 1]. Default 0.1. */
  momentum?: number;
  /**
   * Whether to keep running statistics and use them in eval mode. Without them the batch's own are
   * used in both modes. Default true.
   */
  trackRunningStats?: boolean;
}
export interface LayerNormOptions extends NormOptions {
  /** Whether to learn the shift, where affine is true. Default true. */
  bias?: boolean;
}

const normOptions: OptionNames<NormOptions> = { eps: 'value', affine: 'flag' };

const checkEps = (op: string, eps: number): void =>
  checkNumber(op, 'eps', eps, (v) => v >= 0 && v < Infinity, 'finite and not negative');

/** Blends new statistics times a factor into running ones. */
export function blend(running: Tensor, now: Tensor, momentum: number, factor = 1): void {
  running.assign(running.mul(1 - momentum).add(now.mul(momentum * factor)));
}

/** Normalises each channel by running statistics, which are constants to the gradient. */
export function normalizeByRunning(
  op: string,
  x: Tensor,
  running: readonly [mean: Tensor, variance: Tensor],
  affine: AffineOptions,
): Tensor {
  const grouping = checkedPerChannel(op, x, affine);
  const [mean, variance] = running;
  const channels = mean.size;
  const statistics = [mean.reshape([1, 1, channels]), variance.reshape([1, channels])] as const;
  return endWith(normalizeBy(x, statistics, grouping, affine, true), ...statistics);
}

/** Parameters and running statistics per channel. `isUsual` is the default of both flags. */
export abstract class ChannelNorm extends Module {
  readonly eps: number;
  readonly momentum: number;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  /** Null without running statistics, as runningVar. */
  readonly runningMean: Tensor | null;
  readonly runningVar: Tensor | null;

  constructor(
    op: string,
    readonly channels: number,
    options: BatchNorm2dOptions,
    isUsual: boolean,
  ) {
    super();
    knownOptions(op, options, { ...normOptions, momentum: 'value', trackRunningStats: 'flag' });
    const { eps = 1e-5, momentum = 0.1, affine = isUsual, trackRunningStats = isUsual } = options;
    checkCount(op, 'channels', channels);
    checkEps(op, eps);
    checkNumber(op, 'momentum', momentum, (v) => v >= 0 && v <= 1, 'in [0, 1]');
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? oneParameter([channels]) : null;
    this.bias = affine ? zeroParameter([channels]) : null;
    this.runningMean = trackRunningStats ? zeros([channels]).keep() : null;
    this.runningVar = trackRunningStats ? ones([channels]).keep() : null;
  }
}

/** Adds up sums per channel over several processes. Gradients flow through it. */
export type SumOver = (sums: Tensor) => Tensor;
const shared = new WeakMap<Module, SumOver>();

/** Makes a batch norm use the statistics of the batches of several processes together. */
export function shareStatistics(module: Module, sum: SumOver): void {
  shared.set(module, sum);
}
export const isBatchNorm = (module: Module): boolean => module instanceof BatchNorm;

/** The common base of batch normalisation of images and of series. */
abstract class BatchNorm extends ChannelNorm {
  constructor(op: string, channels: number, options: BatchNorm2dOptions) {
    super(op, channels, options, true);
  }

  /** Refuses an input of another rank. */
  protected abstract checkRank(op: string, shape: Shape): void;

  forward(x: Tensor): Tensor {
    const op = (this.constructor as typeof Module).title;
    checkTensor(op, 'input', x);
    this.checkRank(op, x.shape);
    checkChannels(op, x, this.channels, x.rank);
    const affine = { weight: this.weight, bias: this.bias, eps: this.eps };
    const { runningMean, runningVar, momentum } = this;
    if (!this.training && runningMean && runningVar)
      return normalizeByRunning(op, x, [runningMean, runningVar], affine);
    const grouping = checkedPerChannel(op, x, affine);
    const sum = this.training ? shared.get(this) : undefined;
    if (sum !== undefined) return this.forwardShared(x, sum);
    const count = x.size / this.channels;
    if (count < 2)
      throw new ShapeError(
        op,
        `${this.training ? 'training needs' : "the batch's statistics need"} more than one value per channel`,
        `input=${show(x.shape)}`,
        `use a larger batch${runningMean ? ', or eval()' : ''}`,
      );
    const statistics = moments(x, grouping);
    const y = normalizeBy(x, statistics, grouping, affine, false);
    if (runningMean && runningVar)
      noGrad(() => {
        const [mean, variance] = statistics;
        blend(runningMean, mean.sum(0).reshape([this.channels]), momentum);
        blend(runningVar, variance.reshape([this.channels]), momentum, count / (count - 1));
      });
    return endWith(y, ...statistics);
  }

  /** Normalises by the statistics of all processes. It is composed, so it takes longer. */
  private forwardShared(x: Tensor, sumOver: SumOver): Tensor {
    const { channels, weight, bias, eps, runningMean, runningVar, momentum } = this;
    const axes = x.shape.slice(0, -1).map((_, axis) => axis);
    const own = concat([x.sum(axes), x.fullLike(x.size / channels, [1])]);
    const sums = sumOver(own);
    const count = sums.slice([channels, channels + 1]);
    const mean = sums.slice([0, channels]).div(count);
    const centred = x.sub(mean);
    const variance = sumOver(centred.mul(centred).sum(axes)).div(count);
    if (runningMean && runningVar)
      noGrad(() => {
        blend(runningMean, mean, momentum);
        blend(runningVar, variance.mul(count).div(count.sub(1)), momentum);
      });
    const normal = centred.div(variance.add(eps).sqrt());
    return weight && bias ? normal.mul(weight).add(bias) : normal;
  }
  override describe(): string {
    const { eps, momentum, weight, runningMean } = this;
    return `${this.channels}, ${attributes({
      eps,
      momentum: runningMean === null ? undefined : momentum,
      affine: weight === null ? false : undefined,
      trackRunningStats: runningMean === null ? false : undefined,
    })}`;
  }
}

/**
 * Normalises each channel, during training by the batch's mean and variance, in eval mode by
 * running ones. The running variance is the unbiased estimate, the batch's the biased one, as in
 * PyTorch. With trackRunningStats: false it normalises by the batch's in both modes.
 * @shape x [N,H,W,channels] → y, as x
 * @gradient through the batch's statistics while training; g·weight/√(runningVar + eps) in eval
 * mode
 * @throws ValueError for options out of range; ShapeError for a wrong rank or channels, or one
 * value per channel where the batch's statistics are used
 * @source Ioffe and Szegedy 2015; torch.nn.BatchNorm2d
 */
export class BatchNorm2d extends BatchNorm {
  static override readonly title: string = 'BatchNorm2d';

  constructor(channels: number, options: BatchNorm2dOptions = {}) {
    super('BatchNorm2d', channels, options);
  }
  protected checkRank(op: string, shape: Shape): void {
    rank4(op, 'input', shape);
  }
}

/** As of BatchNorm2d. */
export type BatchNorm1dOptions = BatchNorm2dOptions;

/**
 * BatchNorm2d for series, and for samples without a length, as after a Linear.
 * @shape x [N,L,channels] or [N,channels] → y, as x
 * @gradient through the batch's statistics while training; g·weight/√(runningVar + eps) in eval
 * mode
 * @throws ValueError for options out of range; ShapeError for a wrong rank or channels, or one
 * value per channel while training
 * @source Ioffe and Szegedy 2015; torch.nn.BatchNorm1d
 */
export class BatchNorm1d extends BatchNorm {
  static override readonly title: string = 'BatchNorm1d';

  constructor(channels: number, options: BatchNorm1dOptions = {}) {
    super('BatchNorm1d', channels, options);
  }
  protected checkRank(op: string, shape: Shape): void {
    if (shape.length !== 2) rank3(op, 'input', shape, '[N,L,C], or rank 2, [N,C]');
  }
}

/**
 * Normalises each sample over all positions and the channels of a group, in training and eval mode
 * alike.
 * @shape x [N,…,channels] → y, as x
 * @gradient through mean and variance
 * @throws ValueError for options out of range or groups that do not divide the channels; ShapeError
 * for wrong channels
 * @source Wu and He 2018; torch.nn.GroupNorm
 */
export class GroupNorm extends Module {
  static override readonly title: string = 'GroupNorm';
  readonly eps: number;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  constructor(
    readonly groups: number,
    readonly channels: number,
    options: NormOptions = {},
  ) {
    super();
    const op = 'GroupNorm';
    knownOptions(op, options, normOptions);
    const { eps = 1e-5, affine = true } = options;
    checkCount(op, 'channels', channels);
    checkGroups(op, groups, { channels });
    checkEps(op, eps);
    this.eps = eps;
    this.weight = affine ? oneParameter([channels]) : null;
    this.bias = affine ? zeroParameter([channels]) : null;
  }

  forward(x: Tensor): Tensor {
    checkChannels('GroupNorm', x, this.channels, 2);
    return groupNorm(x, this.groups, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
  override describe(): string {
    return `${this.groups}, ${this.channels}, ${attributes({ eps: this.eps, affine: this.weight === null ? false : undefined })}`;
  }
}

/**
 * Normalises over the last axes. Each position before them is normalised separately, in training
 * and eval mode alike.
 * @shape x […, …shape] → y, as x; weight and bias [shape]
 * @gradient through mean and variance
 * @throws ValueError for options or sizes out of range; ShapeError when the input does not end in
 * `shape`
 * @source Ba, Kiros and Hinton 2016; torch.nn.LayerNorm
 */
export class LayerNorm extends Module {
  static override readonly title: string = 'LayerNorm';
  readonly shape: Shape;
  readonly eps: number;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  /** @param shape the sizes of the last axes, or the size of the last one */
  constructor(shape: number | Shape, options: LayerNormOptions = {}) {
    super();
    const op = 'LayerNorm';
    knownOptions(op, options, { ...normOptions, bias: 'flag' });
    const { eps = 1e-5, affine = true, bias = true } = options;
    this.shape = ownShape(op, typeof shape === 'number' ? [shape] : shape);
    for (const size of this.shape) checkCount(op, 'sizes', size);
    checkEps(op, eps);
    this.eps = eps;
    this.weight = affine ? oneParameter([...this.shape]) : null;
    this.bias = affine && bias ? zeroParameter([...this.shape]) : null;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.shape, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
  override describe(): string {
    const { eps, weight, bias } = this;
    return `[${this.shape}], ${attributes({
      eps,
      affine: weight === null ? false : undefined,
      bias: weight !== null && bias === null ? false : undefined,
    })}`;
  }
}
