/** Normalisation layers, channels last, written in ops. */
import { checkNumber, knownOptions, type OptionNames } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { checkTensor } from '../autograd/graph.js';
import { ShapeError, show } from '../errors.js';
import { ones, zeros } from '../tensor/create.js';
import { rank4, sizeOf } from '../tensor/shape.js';
import type { Parameter, Tensor } from '../tensor/tensor.js';
import { attributes, checkChannels, checkCount, checkGroups } from './check.js';
import { Module } from './module.js';
import { oneParameter, zeroParameter } from './parameter.js';

export interface NormOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Learn a scale (weight, from 1) and a shift (bias, from 0) per channel. Default true. */
  affine?: boolean;
}
export interface BatchNorm2dOptions extends NormOptions {
  /** Weight of the new batch in the running statistics, in [0, 1]. Default 0.1. */
  momentum?: number;
}

const normOptions: OptionNames<NormOptions> = { eps: 'value', affine: 'flag' };

const checkEps = (op: string, eps: number): void =>
  checkNumber(op, 'eps', eps, (v) => v >= 0 && v < Infinity, 'finite and not negative');

/**
 * Normalises each channel: by the batch's mean and variance while training, by running ones in eval mode. The running variance is the unbiased one,
 * the batch's the biased, as in PyTorch.
 * @shape x [N,H,W,channels] → y, as x
 * @gradient through the batch's statistics while training; g·weight/√(runningVar + eps) in eval mode
 * @throws ValueError for options out of range; ShapeError for a wrong rank or channels, or one value per channel while training
 * @source Ioffe and Szegedy 2015; torch.nn.BatchNorm2d
 */
export class BatchNorm2d extends Module {
  readonly eps: number;
  readonly momentum: number;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;

  constructor(
    readonly channels: number,
    options: BatchNorm2dOptions = {},
  ) {
    super();
    const op = 'BatchNorm2d';
    knownOptions(op, options, { ...normOptions, momentum: 'value' });
    const { eps = 1e-5, momentum = 0.1, affine = true } = options;
    checkCount(op, 'channels', channels);
    checkEps(op, eps);
    checkNumber(op, 'momentum', momentum, (v) => v >= 0 && v <= 1, 'in [0, 1]');
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? oneParameter([channels]) : null;
    this.bias = affine ? zeroParameter([channels]) : null;
    this.runningMean = zeros([channels]).keep();
    this.runningVar = ones([channels]).keep();
  }

  forward(x: Tensor): Tensor {
    const op = 'BatchNorm2d';
    checkTensor(op, 'input', x);
    rank4(op, 'input', x.shape);
    checkChannels(op, x, this.channels, 4);
    if (!this.training) return this.#scaled(x.sub(this.runningMean), this.runningVar);
    const count = x.size / this.channels;
    if (count < 2)
      throw new ShapeError(
        op,
        'training needs more than one value per channel',
        `input=${show(x.shape)}`,
        'use a larger batch, or eval()',
      );
    const mean = x.mean([0, 1, 2]);
    const centred = x.sub(mean);
    const variance = centred.mul(centred).mean([0, 1, 2]);
    noGrad(() => {
      const blend = (running: Tensor, now: Tensor, factor: number): void => {
        running.assign(running.mul(1 - this.momentum).add(now.detach().mul(this.momentum * factor)));
      };
      blend(this.runningMean, mean, 1);
      blend(this.runningVar, variance, count / (count - 1));
    });
    return this.#scaled(centred, variance);
  }

  /** Scales are worked out per channel, where they are cheap. */
  #scaled(centred: Tensor, variance: Tensor): Tensor {
    const deviation = variance.add(this.eps).sqrt();
    const y = this.weight === null ? centred.div(deviation) : centred.mul(this.weight.div(deviation));
    return this.bias === null ? y : y.add(this.bias);
  }
  override describe(): string {
    return `${this.channels}, ${attributes({ eps: this.eps, momentum: this.momentum, affine: this.weight === null ? false : undefined })}`;
  }
}

/**
 * Normalises each sample over all positions and the channels of a group: the same while training and after.
 * @shape x [N,…,channels] → y, as x
 * @gradient through mean and variance
 * @throws ValueError for options out of range or groups that do not divide the channels; ShapeError for wrong channels
 * @source Wu and He 2018; torch.nn.GroupNorm
 */
export class GroupNorm extends Module {
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
    const grouped = x.reshape([x.shape[0], sizeOf(x.shape.slice(1, -1)), this.groups, this.channels / this.groups]);
    const centred = grouped.sub(grouped.mean([1, 3], { keepDims: true }));
    const variance = centred.mul(centred).mean([1, 3], { keepDims: true });
    const y = centred.div(variance.add(this.eps).sqrt()).reshape(x.shape);
    return this.weight === null || this.bias === null ? y : y.mul(this.weight).add(this.bias);
  }
  override describe(): string {
    return `${this.groups}, ${this.channels}, ${attributes({ eps: this.eps, affine: this.weight === null ? false : undefined })}`;
  }
}
