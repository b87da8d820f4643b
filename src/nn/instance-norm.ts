/**
 * InstanceNorm2d. Not here: the other normalisation layers (norm.ts), the arithmetic
 * (autograd/ops/norm.ts).
 */
import { knownOptions } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { checkTensor } from '../autograd/graph.js';
import { endWith } from '../autograd/lifetimes.js';
import { checkedPerInstance, moments, normalizeBy } from '../autograd/ops/norm.js';
import { ones, zeros } from '../tensor/create.js';
import type { Parameter, Tensor } from '../tensor/tensor.js';
import { rank4 } from '../values/shape.js';
import { attributes, checkChannels, checkCount } from './check.js';
import { Module } from './module.js';
import { blend, checkEps, checkMomentum, normalizeByRunning, normOptions } from './norm.js';
import { oneParameter, zeroParameter } from './parameter.js';

export interface InstanceNorm2dOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Weight of the new batch in the running statistics, in [0, 1]. Default 0.1. */
  momentum?: number;
  /**
   * Whether to learn a scale (weight, initially 1) and a shift (bias, initially 0) per channel.
   * Default false.
   */
  affine?: boolean;
  /**
   * Whether to keep running statistics, which are means over the samples, and use them in eval
   * mode. Default false.
   */
  trackRunningStats?: boolean;
}

/**
 * Normalises each channel of each sample over its positions, in training and eval mode alike. With
 * trackRunningStats eval mode normalises by running statistics.
 * @shape x [N,H,W,channels] → y, as x
 * @gradient through mean and variance; g·weight/√(runningVar + eps) in eval mode with running
 * statistics
 * @throws ValueError for options out of range; ShapeError for a wrong rank or channels, or fewer
 * than two positions
 * @source Ulyanov, Vedaldi and Lempitsky 2016; torch.nn.InstanceNorm2d
 */
export class InstanceNorm2d extends Module {
  static override readonly title: string = 'InstanceNorm2d';
  readonly eps: number;
  readonly momentum: number;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  /** Null without running statistics, as runningVar. */
  readonly runningMean: Tensor | null;
  readonly runningVar: Tensor | null;

  constructor(
    readonly channels: number,
    options: InstanceNorm2dOptions = {},
  ) {
    super();
    const op = 'InstanceNorm2d';
    knownOptions(op, options, { ...normOptions, momentum: 'value', trackRunningStats: 'flag' });
    const { eps = 1e-5, momentum = 0.1, affine = false, trackRunningStats = false } = options;
    checkCount(op, 'channels', channels);
    checkEps(op, eps);
    checkMomentum(op, momentum);
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? oneParameter([channels]) : null;
    this.bias = affine ? zeroParameter([channels]) : null;
    this.runningMean = trackRunningStats ? zeros([channels]).keep() : null;
    this.runningVar = trackRunningStats ? ones([channels]).keep() : null;
  }

  forward(x: Tensor): Tensor {
    const op = 'InstanceNorm2d';
    checkTensor(op, 'input', x);
    rank4(op, 'input', x.shape);
    checkChannels(op, x, this.channels, 4);
    const affine = { weight: this.weight, bias: this.bias, eps: this.eps };
    const { runningMean, runningVar, momentum } = this;
    if (!this.training && runningMean && runningVar)
      return normalizeByRunning(op, x, [runningMean, runningVar], affine);
    const grouping = checkedPerInstance(op, x, affine);
    const statistics = moments(x, grouping);
    const y = normalizeBy(x, statistics, grouping, affine, false);
    if (runningMean && runningVar)
      noGrad(() => {
        const [mean, variance] = statistics;
        const { positions } = grouping;
        blend(runningMean, mean.sum(0).mean(0), momentum);
        blend(runningVar, variance.mean(0), momentum, positions / (positions - 1));
      });
    return endWith(y, ...statistics);
  }
  override describe(): string {
    const { eps, momentum, weight, runningMean } = this;
    return `${this.channels}, ${attributes({
      eps,
      momentum: runningMean === null ? undefined : momentum,
      affine: weight === null ? undefined : true,
      trackRunningStats: runningMean === null ? undefined : true,
    })}`;
  }
}
