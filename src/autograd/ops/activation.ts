/**
 * Activations that are composed of other ops, or have options that are. No device has a kernel of
 * their own. Their gradients at kinks are PyTorch's.
 * Not here: activations that are one kernel, such as relu and elu (elementwise.ts), and softmax
 * (reduce.ts).
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../../values/dtype.js';
import { normalizeAxis } from '../../values/shape.js';
import { apply, call, checkTensor, type Op } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { elu, exactGelu, plainSoftplus } from './elementwise.js';

function checkInput(op: string, x: Tensor): void {
  checkTensor(op, 'input', x);
  checkFloat(op, x.dtype);
}

export interface GeluOptions {
  /** 'none' for Φ(x) itself, or 'tanh' for a formula that is close to it. Default 'none'. */
  approximate?: 'none' | 'tanh';
}
export const geluOptions: OptionNames<GeluOptions> = { approximate: 'value' };

export function checkApproximate(op: string, approximate: unknown): void {
  if (approximate !== 'none' && approximate !== 'tanh')
    throw new ValueError(op, "approximate must be 'none' or 'tanh'", `approximate=${shown(approximate)}`);
}

/**
 * x·Φ(x), with the normal distribution's Φ. With approximate: 'tanh' Φ(x) is
 * (1 + tanh(√(2/π)·(x + 0.044715·x³)))/2, as in GPT-2 and BERT.
 * @shape x [any] → y, as x
 * @gradient g·(Φ(x) + x·Φ′(x))
 * @throws ValueError for a dtype that is not float, or another name for approximate
 * @source Hendrycks & Gimpel 2016; torch.nn.functional.gelu
 */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  knownOptions('gelu', options, geluOptions);
  const { approximate = 'none' } = options;
  checkApproximate('gelu', approximate);
  if (approximate === 'none') return exactGelu(x);
  checkInput('gelu', x);
  // (1 + tanh(z))/2 is sigmoid(2·z), which keeps its digits below 0. Beyond ±30 it is exactly 0 or
  // 1 in float64, too, and the limits keep x³ finite.
  const near = x.clamp(-30, 30);
  const z = near.mul(near.mul(near).mul(0.044715).add(1));
  return x.mul(z.mul(2 * Math.sqrt(2 / Math.PI)).sigmoid());
}

export interface SoftplusOptions {
  /** The formula is log(1 + e^(beta·x))/beta. Default 1. */
  beta?: number;
  /**
   * Where beta·x is larger, the result is x itself. Default Infinity, because the formula is stable
   * for any x. PyTorch's default is 20, which changes results by less than 3e-9.
   */
  threshold?: number;
}
export const softplusOptions: OptionNames<SoftplusOptions> = { beta: 'value', threshold: 'value' };

export function checkSoftplus(op: string, beta: number, threshold: number): void {
  checkNumber(op, 'beta', beta, (v) => v !== 0 && Number.isFinite(v), 'finite and not 0');
  checkNumber(op, 'threshold', threshold, () => true, 'a number');
}

/**
 * log(1 + eˣ), stable.
 * @shape x [any] → y, as x
 * @gradient g·sigmoid(beta·x); g where beta·x exceeds a threshold
 * @throws ValueError for a beta that is 0 or not finite, a NaN threshold, or a dtype that is not
 * float
 * @source torch.nn.functional.softplus
 */
export function softplus(x: Tensor, options: SoftplusOptions = {}): Tensor {
  knownOptions('softplus', options, softplusOptions);
  const { beta = 1, threshold = Infinity } = options;
  checkSoftplus('softplus', beta, threshold);
  checkInput('softplus', x);
  const scaled = beta === 1 ? x : x.mul(beta);
  const soft = plainSoftplus(scaled);
  const y = beta === 1 ? soft : soft.div(beta);
  if (threshold === Infinity) return y;
  const isBeyond = scaled.greater(threshold);
  return endWith(x.where(isBeyond, y), isBeyond);
}

interface Limits {
  readonly min: number;
  readonly max: number;
}
/** The kernel of clamp with another gradient: 0 at the limits, too. NaN passes g, as in relu. */
const limitOp: Op<Limits> = {
  name: 'hardTanh',
  lower: ([x], { min, max }) =>
    call('unary', { fn: 'clamp', alpha: min, beta: max }, { shape: x.shape, dtype: x.dtype }),
  saves: [0],
  backward: ({ grad, inputs: [x], attrs: { min, max } }) => [
    grad.where(x.lessEqual(min).add(x.greaterEqual(max)).logicalNot(), 0),
  ],
};

export function checkLimits(op: string, min: number, max: number): void {
  checkNumber(op, 'min', min, () => true, 'a number');
  checkNumber(op, 'max', max, () => true, 'a number');
  if (min >= max) throw new ValueError(op, 'min must be less than max', `min=${min}, max=${max}`);
}

/**
 * Limits x to [min, max], by default [−1, 1]. It differs from clamp by its gradient at the limits.
 * NaN stays NaN.
 * @shape x [any] → y, as x
 * @gradient g where min < x < max, else 0; NaN passes g
 * @throws ValueError for min ≥ max, a NaN limit, or a dtype that is not float
 * @source torch.nn.functional.hardtanh
 */
export function hardTanh(x: Tensor, min = -1, max = 1): Tensor {
  checkInput('hardTanh', x);
  checkLimits('hardTanh', min, max);
  return apply(limitOp, [x], { min, max });
}

/**
 * min(max(x, 0), 6). NaN stays NaN.
 * @shape x [any] → y, as x
 * @gradient g where 0 < x < 6, else 0; NaN passes g
 * @throws ValueError for a dtype that is not float
 * @source Howard et al. 2017 (MobileNets); torch.nn.functional.relu6
 */
export function relu6(x: Tensor): Tensor {
  checkInput('relu6', x);
  return apply(limitOp, [x], { min: 0, max: 6 });
}

/**
 * relu6(x + 3)/6.
 * @shape x [any] → y, as x
 * @gradient g/6 where −3 < x < 3, else 0; NaN passes g/6
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.functional.hardsigmoid
 */
export function hardSigmoid(x: Tensor): Tensor {
  checkInput('hardSigmoid', x);
  return relu6(x.add(3)).div(6);
}

/**
 * x·relu6(x + 3)/6; NaN at −∞.
 * @shape x [any] → y, as x
 * @gradient 0 where x < −3, g·(x/3 + ½) where −3 ≤ x ≤ 3, else g
 * @throws ValueError for a dtype that is not float
 * @source Howard et al. 2019 (MobileNetV3); torch.nn.functional.hardswish
 */
export function hardSwish(x: Tensor): Tensor {
  checkInput('hardSwish', x);
  // The division comes first, because 6·x can overflow.
  return x.mul(x.add(3).clamp(0, 6).div(6));
}

const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;
/**
 * elu with alpha 1.6733, times 1.0507. These numbers keep mean 0 and variance 1 from layer to
 * layer, with weights drawn as by init.kaimingNormal for a linear layer.
 * @shape x [any] → y, as x
 * @gradient g·scale where x > 0, else g·scale·alpha·eˣ
 * @throws ValueError for a dtype that is not float
 * @source Klambauer et al. 2017; torch.nn.functional.selu
 */
export function selu(x: Tensor): Tensor {
  checkInput('selu', x);
  return elu(x, seluAlpha).mul(seluScale);
}

export const checkCeluAlpha = (op: string, alpha: number): void =>
  checkNumber(op, 'alpha', alpha, (v) => v > 0 && v < Infinity, 'positive and finite');

/**
 * x where positive, else alpha·(e^(x/alpha) − 1). Unlike elu it has no kink for any alpha.
 * @shape x [any] → y, as x
 * @gradient g where x > 0, else g·e^(x/alpha)
 * @throws ValueError for an alpha that is not positive and finite, or a dtype that is not float
 * @source Barron 2017; torch.nn.functional.celu
 */
export function celu(x: Tensor, alpha = 1): Tensor {
  checkInput('celu', x);
  checkCeluAlpha('celu', alpha);
  if (alpha === 1) return elu(x);
  const isPositive = x.greater(0);
  return endWith(x.where(isPositive, elu(x.div(alpha)).mul(alpha)), isPositive);
}

/**
 * x·tanh(log(1 + eˣ)); NaN at −∞.
 * @shape x [any] → y, as x
 * @gradient g·(t + x·(1 − t²)·sigmoid(x)) with t = tanh(softplus(x)); NaN at ±∞
 * @throws ValueError for a dtype that is not float
 * @source Misra 2019; torch.nn.functional.mish
 */
export function mish(x: Tensor): Tensor {
  checkInput('mish', x);
  return x.mul(x.softplus().tanh());
}

/**
 * x/(1 + |x|); NaN at ±∞.
 * @shape x [any] → y, as x
 * @gradient g/(1 + |x|)²
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.functional.softsign
 */
export function softsign(x: Tensor): Tensor {
  checkInput('softsign', x);
  return x.div(x.abs().add(1));
}

/**
 * log(sigmoid(x)) = −softplus(−x), stable.
 * @shape x [any] → y, as x
 * @gradient g·sigmoid(−x)
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.functional.logsigmoid
 */
export function logSigmoid(x: Tensor): Tensor {
  checkInput('logSigmoid', x);
  return x.neg().softplus().neg();
}

/**
 * a·sigmoid(b), where a and b are the first and the second half of x along an axis, the channels by
 * default.
 * @shape x […,2·C,…] → y […,C,…]
 * @gradient a: g·sigmoid(b); b: g·a·s·(1−s) with s = sigmoid(b)
 * @throws ShapeError for a bad axis, or one of odd size; ValueError for a dtype that is not float
 * @source Dauphin et al. 2017; torch.nn.functional.glu
 */
export function glu(x: Tensor, axis = -1): Tensor {
  const op = 'glu';
  checkInput(op, x);
  const a = normalizeAxis(op, axis, x.rank);
  const size = x.shape[a];
  if (size % 2 !== 0)
    throw new ShapeError(op, 'the axis must have an even size', `input=${show(x.shape)}, axis=${axis}`);
  const before = new Array<null>(a).fill(null);
  return x.slice(...before, [0, size / 2]).mul(x.slice(...before, [size / 2, size]).sigmoid());
}

/**
 * x where positive, else weight·x, with one weight or one per channel.
 * @shape x […,C], weight [C], [1] or [] → y, as x
 * @gradient x: g where x > 0, else weight·g; weight: Σ g·x where x ≤ 0
 * @throws ShapeError for another shape of the weight; ValueError for dtypes that are not float or
 * differ
 * @source He et al. 2015; torch.nn.functional.prelu
 */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  const op = 'prelu';
  checkInput(op, x);
  checkTensor(op, 'weight', weight);
  if (weight.rank > 1 || (weight.size !== 1 && weight.size !== x.shape.at(-1)))
    throw new ShapeError(
      op,
      'weight must hold one number, or one per channel on the last axis',
      `weight=${show(weight.shape)}, input=${show(x.shape)}`,
    );
  if (weight.dtype !== x.dtype)
    throw new ValueError(
      op,
      'input and weight must share a dtype',
      `${x.dtype} and ${weight.dtype}`,
      'convert with cast()',
    );
  const slope = weight.size === 1 ? weight.reshape([]) : weight;
  const isPositive = x.greater(0);
  // NaN counts as below 0. The product has no infinite factor where x is chosen, so that the
  // weight's gradient stays finite there.
  const isBelow = isPositive.logicalNot();
  return endWith(x.where(isPositive, x.where(isBelow, 0).mul(slope)), isPositive, isBelow);
}
