/**
 * Normalisation of groups of elements: y = (x − mean)/√(variance + eps)·scale + shift. A kernel
 * computes the statistics, which are not part of the graph. The gradient of y still accounts for
 * their dependence on x. It is one kernel, or composed of other ops if it is itself recorded.
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import type { Grouping } from '../../device/device.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../../values/dtype.js';
import { type Shape, sameShape, sizeOf } from '../../values/shape.js';
import { apply, applyAll, type BackwardStep, call, checkTensor, isTracking, type Op } from '../graph.js';
import { endWith } from '../lifetimes.js';

interface NormAttrs {
  readonly grouping: Grouping;
  readonly eps: number;
  /** Whether mean and variance are constants that do not depend on x. */
  readonly fixed: boolean;
}
/** Scale and shift per column of the grouping. Both are optional. */
export interface AffineOptions {
  weight?: Tensor | null;
  bias?: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
}

const affineOptions: OptionNames<AffineOptions> = { weight: 'value', bias: 'value', eps: 'value' };

const momentsOp: Op<{ grouping: Grouping }> = {
  name: 'moments',
  lower: ([x], { grouping }) => {
    const { outer, groups } = grouping;
    return call(
      'moments',
      { grouping },
      { shape: [2, outer, groups], dtype: x.dtype },
      { shape: [outer, groups], dtype: x.dtype },
    );
  },
};

const gradOp: Op<NormAttrs> = {
  name: 'normalizeGrad',
  lower: ([g, , , , scale], attrs) => {
    const spec = ({ shape, dtype }: Tensor) => ({ shape, dtype });
    return call('normalizeGrad', attrs, spec(g), ...(scale === undefined ? [] : [spec(scale), spec(scale)]));
  },
};

/**
 * The gradients with respect to x, scale and shift, composed of ops that can be differentiated
 * again.
 */
function composed({ grad, inputs, attrs }: BackwardStep<NormAttrs>): Tensor[] {
  const [x, mean, variance, scale] = inputs;
  const { grouping, eps, fixed } = attrs;
  const { outer, positions, groups, inner } = grouping;
  const average = (t: Tensor): Tensor => t.mean([1, 3], { keepDims: true });
  const from = x.reshape([outer, positions, groups, inner]);
  const g = grad.reshape(from.shape);
  const centred = from.sub(fixed ? mean.sum(0).reshape([outer, 1, groups, 1]) : average(from));
  const spread = fixed ? variance.reshape([outer, 1, groups, 1]) : average(centred.mul(centred));
  const deviation = spread.add(eps).sqrt();
  const normal = centred.div(deviation);
  const scaled = scale === undefined ? g : g.mul(scale.reshape([groups, inner]));
  const own = fixed ? scaled : scaled.sub(average(scaled)).sub(normal.mul(average(scaled.mul(normal))));
  const byX = own.div(deviation).reshape(x.shape);
  if (scale === undefined) return [byX];
  return [byX, g.mul(normal).sum([0, 1]).reshape(scale.shape), g.sum([0, 1]).reshape(scale.shape)];
}

const normalizeOp = (affine: boolean): Op<NormAttrs> => ({
  name: 'normalize',
  lower: ([x], { grouping, eps }) => call('normalize', { grouping, eps }, { shape: x.shape, dtype: x.dtype }),
  saves: affine ? [0, 1, 2, 3] : [0, 1, 2],
  backward: (step) => {
    const { grad, inputs, attrs } = step;
    const [byX, byScale, byShift] = isTracking()
      ? composed(step)
      : applyAll(gradOp, [grad, ...inputs.slice(0, affine ? 4 : 3)], attrs);
    return affine ? [byX, null, null, byScale, byShift] : [byX, null, null];
  },
});
const plainOp = normalizeOp(false);
const affineOp = normalizeOp(true);

/**
 * Mean and variance of the groups of x, outside the graph. The mean is [2, outer, groups], the sum
 * of its two rows. The variance is [outer, groups].
 */
export function moments(x: Tensor, grouping: Grouping): [mean: Tensor, variance: Tensor] {
  const [mean, variance] = applyAll(momentsOp, [x], { grouping });
  return [mean, variance];
}

function checkAffine(op: string, x: Tensor, shape: Shape, { weight, bias, eps = 1e-5 }: AffineOptions): void {
  checkFloat(op, x.dtype);
  checkNumber(op, 'eps', eps, (v) => v >= 0 && v < Infinity, 'finite and not negative');
  for (const [name, list] of Object.entries({ weight, bias })) {
    if (list === null || list === undefined) continue;
    checkTensor(op, name, list);
    if (!sameShape(list.shape, shape))
      throw new ShapeError(
        op,
        `${name} must have the shape ${show(shape)}`,
        `${name}=${show(list.shape)}, input=${show(x.shape)}`,
      );
    if (list.dtype !== x.dtype)
      throw new ValueError(
        op,
        `input and ${name} must share a dtype`,
        `${x.dtype} and ${list.dtype}`,
        'convert with cast()',
      );
  }
}

/** Normalises by given statistics. With `fixed` the gradient treats them as constants. */
export function normalizeBy(
  x: Tensor,
  [mean, variance]: readonly [Tensor, Tensor],
  grouping: Grouping,
  { weight, bias, eps = 1e-5 }: AffineOptions,
  fixed: boolean,
): Tensor {
  const attrs = { grouping, eps, fixed };
  if (weight == null && bias == null) return apply(plainOp, [x, mean, variance], attrs);
  const scale = weight ?? (bias as Tensor).onesLike();
  const shift = bias ?? scale.zerosLike();
  const y = apply(affineOp, [x, mean, variance, scale, shift], attrs);
  return endWith(y, ...(weight == null ? [scale] : []), ...(bias == null ? [shift] : []));
}

/** Normalises the groups of x by their own statistics. */
function byOwn(x: Tensor, grouping: Grouping, options: AffineOptions): Tensor {
  const statistics = moments(x, grouping);
  return endWith(normalizeBy(x, statistics, grouping, options, false), ...statistics);
}

/** The grouping for channels on the last axis: each channel is a group, over all other axes. */
export const perChannel = ({ shape }: Tensor): Grouping => ({
  outer: 1,
  positions: sizeOf(shape.slice(0, -1)),
  groups: shape.at(-1) as number,
  inner: 1,
});

/**
 * Normalises each channel by its mean and variance over all other axes. The layer BatchNorm2d keeps
 * running statistics.
 * @shape x […,C], weight and bias [C] → y, as x
 * @gradient through mean and variance; weight: Σ g·(normalised x); bias: Σ g
 * @throws ShapeError for another shape of weight or bias, or an empty input; ValueError for a dtype
 * that is not float
 * @source Ioffe and Szegedy 2015; torch.nn.functional.batch_norm in training
 */
export function batchNorm(x: Tensor, options: AffineOptions = {}): Tensor {
  const grouping = checkedPerChannel('batchNorm', x, options);
  return byOwn(x, grouping, options);
}

export function checkedPerChannel(op: string, x: Tensor, options: AffineOptions): Grouping {
  knownOptions(op, options, affineOptions);
  checkTensor(op, 'input', x);
  if (x.rank < 2 || x.size === 0)
    throw new ShapeError(
      op,
      'input must have channels on its last axis and values before it',
      `input=${show(x.shape)}`,
    );
  checkAffine(op, x, [x.shape[x.rank - 1]], options);
  return perChannel(x);
}

/**
 * Normalises each sample over all positions and the channels of a group. With as many groups as
 * channels it is instanceNorm.
 * @shape x [N,…,C], weight and bias [C] → y, as x
 * @gradient through mean and variance; weight: Σ g·(normalised x); bias: Σ g
 * @throws ShapeError for another shape of weight or bias, or an empty input; ValueError for groups
 * that do not divide C, or a dtype that is not float
 * @source Wu and He 2018; torch.nn.functional.group_norm
 */
export function groupNorm(x: Tensor, groups: number, options: AffineOptions = {}): Tensor {
  const op = 'groupNorm';
  knownOptions(op, options, affineOptions);
  checkTensor(op, 'input', x);
  const channels = x.shape[x.rank - 1];
  if (x.rank < 2 || x.size === 0)
    throw new ShapeError(
      op,
      'input must have samples, channels on its last axis, and values',
      `input=${show(x.shape)}`,
    );
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ValueError(op, 'groups must divide the channels', `groups=${groups}, input=${show(x.shape)}`);
  checkAffine(op, x, [channels], options);
  const positions = sizeOf(x.shape.slice(1, -1));
  return byOwn(x, { outer: x.shape[0], positions, groups, inner: channels / groups }, options);
}

/**
 * Normalises each channel of each sample over all positions. The layer InstanceNorm2d can keep
 * running statistics.
 * @shape x [N,…,C], weight and bias [C] → y, as x
 * @gradient through mean and variance; weight: Σ g·(normalised x); bias: Σ g
 * @throws ShapeError for another shape of weight or bias, or fewer than two positions; ValueError
 * for a dtype that is not float
 * @source Ulyanov, Vedaldi and Lempitsky 2016; torch.nn.functional.instance_norm
 */
export function instanceNorm(x: Tensor, options: AffineOptions = {}): Tensor {
  return byOwn(x, checkedPerInstance('instanceNorm', x, options), options);
}

export function checkedPerInstance(op: string, x: Tensor, options: AffineOptions): Grouping {
  knownOptions(op, options, affineOptions);
  checkTensor(op, 'input', x);
  const { rank, shape } = x;
  const positions = sizeOf(shape.slice(1, -1));
  if (rank < 3 || x.size === 0 || positions < 2)
    throw new ShapeError(
      op,
      'input must have samples, two or more positions, and channels on its last axis',
      `input=${show(shape)}`,
    );
  checkAffine(op, x, [shape[rank - 1]], options);
  return { outer: shape[0], positions, groups: shape[rank - 1], inner: 1 };
}

/**
 * Normalises over the last axes, which must have the sizes in `shape`. Each position before them is
 * normalised separately.
 * @shape x […, …shape], weight and bias [shape] → y, as x
 * @gradient through mean and variance; weight: Σ g·(normalised x); bias: Σ g
 * @throws ShapeError when x does not end in `shape`, for another shape of weight or bias, or an
 * empty input; ValueError for a dtype that is not float
 * @source Ba, Kiros and Hinton 2016; torch.nn.functional.layer_norm
 */
export function layerNorm(x: Tensor, shape: Shape, options: AffineOptions = {}): Tensor {
  const op = 'layerNorm';
  knownOptions(op, options, affineOptions);
  checkTensor(op, 'input', x);
  if (!Array.isArray(shape)) throw new ShapeError(op, 'shape must be a list of sizes', `shape=${shown(shape)}`);
  if (shape.length === 0 || shape.length > x.rank || !sameShape(x.shape.slice(x.rank - shape.length), shape))
    throw new ShapeError(op, `input must end in the shape ${show(shape)}`, `input=${show(x.shape)}`);
  if (x.size === 0) throw new ShapeError(op, 'input must have values', `input=${show(x.shape)}`);
  checkAffine(op, x, shape, options);
  const inner = sizeOf(shape);
  return byOwn(x, { outer: x.size / inner, positions: 1, groups: 1, inner }, options);
}
