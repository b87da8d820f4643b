/**
 * InstanceNorm2d. Not here: the other normalisation layers (norm.ts), the arithmetic
 * (autograd/ops/norm.ts).
 */
import { noGrad } from '../autograd/backward.js';
import { checkTensor } from '../autograd/graph.js';
import { endWith } from '../autograd/lifetimes.js';
import { checkedPerInstance, moments, normalizeBy } from '../autograd/ops/norm.js';
import type { Tensor } from '../tensor/tensor.js';
import { rank4 } from '../values/shape.js';
import { attributes, checkChannels } from './check.js';
import { blend, ChannelNorm, normalizeByRunning } from './norm.js';

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
export class InstanceNorm2d extends ChannelNorm {
  static override readonly title: string = 'InstanceNorm2d';

  constructor(channels: number, options: InstanceNorm2dOptions = {}) {
    super('InstanceNorm2d', channels, options, false);
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
