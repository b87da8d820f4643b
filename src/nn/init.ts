/**
 * Initial values of parameters, written in place. They are exported as the namespace `init`. Values
 * are drawn in row-major order from manualSeed's generator, or from the given one. Not here: the
 * draws in the layers' constructors, which call these functions.
 */
import { checkIsNumber, checkNumber, knownOptions, type OptionNames } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { checkTensor } from '../autograd/graph.js';
import { ShapeError, show, ValueError } from '../errors.js';
import { tensor } from '../tensor/create.js';
import { fromHost, type Tensor } from '../tensor/tensor.js';
import { isFloat } from '../values/dtype.js';
import { checkGenerator, type RandomGenerator } from '../values/generator.js';
import { globalRandom } from '../values/random.js';
import { sizeOf } from '../values/shape.js';
import { drawn } from './drawn.js';

export interface InitOptions {
  /** Source of the values; manualSeed's generator by default. */
  random?: RandomGenerator;
}

/**
 * The position of the input channels. 'HWIO': the last axis but one (also [in, out] of Linear).
 * 'HWOI': the last axis (transposed convolution).
 */
export type WeightLayout = 'HWIO' | 'HWOI';
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu';

const initOptions: OptionNames<InitOptions> = { random: 'value' };

function checkFinite(op: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) checkNumber(op, name, value, Number.isFinite, 'finite');
}

function fill<T extends Tensor>(target: T, draw: (count: number) => ArrayLike<number>): T {
  const { shape, dtype, device, size } = target;
  const values = drawn(size, isFloat(dtype) ? dtype : 'float64', draw);
  noGrad(() => {
    // Only tensor() checks whether another dtype can hold the values.
    target.assign(isFloat(dtype) ? fromHost(device, values, dtype, shape) : tensor(values, { shape, dtype, device }));
  });
  return target;
}

/**
 * Fills with one value.
 * @shape target [any], filled
 * @throws ValueError when the dtype cannot hold it
 * @source torch.nn.init.constant_
 */
export function constant<T extends Tensor>(target: T, value: number): T {
  checkTensor('constant', 'target', target);
  checkIsNumber('constant', 'value', value);
  return fill(target, (count) => new Float64Array(count).fill(value));
}

/**
 * N(mean, std²).
 * @shape target [any], filled
 * @throws ValueError for numbers that are not finite or a negative std
 * @source torch.nn.init.normal_
 */
export function normal<T extends Tensor>(target: T, mean = 0, std = 1, options: InitOptions = {}): T {
  knownOptions('normal', options, initOptions);
  checkTensor('normal', 'target', target);
  const { random = globalRandom() } = options;
  checkGenerator('normal', random);
  checkFinite('normal', { mean, std });
  if (std < 0) throw new ValueError('normal', 'std must not be negative', `std=${std}`);
  return fill(target, (count) => random.randn(count).map((v) => mean + std * v));
}

/**
 * U[low, high).
 * @shape target [any], filled
 * @throws ValueError for bounds that are not finite or low above high
 * @source torch.nn.init.uniform_
 */
export function uniform<T extends Tensor>(target: T, low = 0, high = 1, options: InitOptions = {}): T {
  knownOptions('uniform', options, initOptions);
  checkTensor('uniform', 'target', target);
  const { random = globalRandom() } = options;
  checkGenerator('uniform', random);
  checkFinite('uniform', { low, high });
  if (low > high) throw new ValueError('uniform', 'low must not exceed high', `low=${low}, high=${high}`);
  return fill(target, (count) => random.uniform(low, high, count));
}

/**
 * The number of connections into one output (fanIn) and out of one input (fanOut) of a weight,
 * kernel cells included.
 * @shape weight [in,out], [kh,kw,in/groups,out] ('HWIO') or [kh,kw,out/groups,in] ('HWOI'); of
 * series without kh
 * @units connections
 * @throws ShapeError for fewer than two axes; ValueError for an unknown layout
 * @source torch.nn.init._calculate_fan_in_and_fan_out
 */
export function fans(weight: Tensor, layout: WeightLayout = 'HWIO'): { fanIn: number; fanOut: number } {
  checkTensor('fans', 'weight', weight);
  const before = weight.shape.at(-2);
  const last = weight.shape.at(-1);
  if (before === undefined || last === undefined)
    throw new ShapeError(
      'fans',
      'weight must have rank 2 or more',
      `weight=${show(weight.shape)}`,
      'fill a bias with constant() or uniform()',
    );
  if (layout !== 'HWIO' && layout !== 'HWOI')
    throw new ValueError('fans', "layout must be 'HWIO' or 'HWOI'", `layout=${layout}`);
  const cells = sizeOf(weight.shape.slice(0, -2));
  const [fanIn, fanOut] = layout === 'HWIO' ? [before, last] : [last, before];
  return { fanIn: fanIn * cells, fanOut: fanOut * cells };
}

/**
 * The factor that preserves the variance through a nonlinearity.
 * @units standard deviations
 * @throws ValueError for an unknown nonlinearity
 * @source torch.nn.init.calculate_gain
 */
export function gain(nonlinearity: Nonlinearity, slope = 0.01): number {
  checkFinite('gain', { slope });
  switch (nonlinearity) {
    case 'linear':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + slope * slope));
    default:
      throw new ValueError(
        'gain',
        "nonlinearity must be 'linear', 'sigmoid', 'tanh', 'relu' or 'leakyRelu'",
        `nonlinearity=${nonlinearity}`,
      );
  }
}

export interface KaimingOptions extends InitOptions {
  /** Slope of the leaky ReLU after the layer. Default 0, a ReLU. */
  a?: number;
  /**
   * The direction in which the variance is preserved: forward ('fanIn', default) or backward
   * ('fanOut').
   */
  mode?: 'fanIn' | 'fanOut';
  /** The nonlinearity after the layer. Default 'leakyRelu' with slope `a`. */
  nonlinearity?: Nonlinearity;
  /** The position of the input channels. Default 'HWIO'. */
  layout?: WeightLayout;
}

const kaimingOptions: OptionNames<KaimingOptions> = {
  ...initOptions,
  a: 'value',
  mode: 'value',
  nonlinearity: 'value',
  layout: 'value',
};

function kaimingStd(op: string, weight: Tensor, options: KaimingOptions): number {
  knownOptions(op, options, kaimingOptions);
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu', layout } = options;
  checkFinite(op, { a });
  if (mode !== 'fanIn' && mode !== 'fanOut')
    throw new ValueError(op, "mode must be 'fanIn' or 'fanOut'", `mode=${mode}`);
  return gain(nonlinearity, a) / Math.sqrt(fans(weight, layout)[mode]);
}

/**
 * N(0, gain²/fan): He initialisation, √(2/fanIn) before a ReLU.
 * @shape weight, as fans(); filled
 * @throws ShapeError for a weight without fans; ValueError for options out of range
 * @source He et al. 2015; torch.nn.init.kaiming_normal_
 */
export const kaimingNormal = <T extends Tensor>(weight: T, options: KaimingOptions = {}): T =>
  normal(weight, 0, kaimingStd('kaimingNormal', weight, options), { random: options.random });

/**
 * U(±√3·gain/√fan): He initialisation with a uniform distribution of the same variance.
 * @shape weight, as fans(); filled
 * @throws ShapeError for a weight without fans; ValueError for options out of range
 * @source He et al. 2015; torch.nn.init.kaiming_uniform_
 */
export function kaimingUniform<T extends Tensor>(weight: T, options: KaimingOptions = {}): T {
  const bound = Math.sqrt(3) * kaimingStd('kaimingUniform', weight, options);
  return uniform(weight, -bound, bound, { random: options.random });
}

/**
 * kaimingNormal under its author's name.
 * @shape weight, as fans(); filled
 * @throws as kaimingNormal
 * @source He et al. 2015
 */
export const heNormal = kaimingNormal;
/**
 * kaimingUniform under its author's name.
 * @shape weight, as fans(); filled
 * @throws as kaimingUniform
 * @source He et al. 2015
 */
export const heUniform = kaimingUniform;

export interface XavierOptions extends InitOptions {
  /** Default 1; see gain(). */
  gain?: number;
  /** The position of the input channels. Default 'HWIO'. */
  layout?: WeightLayout;
}

const xavierOptions: OptionNames<XavierOptions> = { ...initOptions, gain: 'value', layout: 'value' };

function xavierStd(op: string, weight: Tensor, options: XavierOptions): number {
  knownOptions(op, options, xavierOptions);
  checkFinite(op, { gain: options.gain ?? 1 });
  const { fanIn, fanOut } = fans(weight, options.layout);
  return (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut));
}

/**
 * N(0, 2·gain²/(fanIn + fanOut)).
 * @shape weight, as fans(); filled
 * @throws ShapeError for a weight without fans
 * @source Glorot and Bengio 2010; torch.nn.init.xavier_normal_
 */
export const xavierNormal = <T extends Tensor>(weight: T, options: XavierOptions = {}): T =>
  normal(weight, 0, xavierStd('xavierNormal', weight, options), { random: options.random });

/**
 * U(±gain·√(6/(fanIn + fanOut))).
 * @shape weight, as fans(); filled
 * @throws ShapeError for a weight without fans
 * @source Glorot and Bengio 2010; torch.nn.init.xavier_uniform_
 */
export function xavierUniform<T extends Tensor>(weight: T, options: XavierOptions = {}): T {
  const bound = Math.sqrt(3) * xavierStd('xavierUniform', weight, options);
  return uniform(weight, -bound, bound, { random: options.random });
}
