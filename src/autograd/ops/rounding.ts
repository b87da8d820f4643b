/**
 * Rounding to whole numbers, simple powers, logarithms of other bases, and tests for infinities.
 * Not here: other elementwise ops (elementwise.ts), remainders (remainder.ts).
 */
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat, isFloat } from '../../values/dtype.js';
import { checkTensor } from '../graph.js';
import { composed } from '../lifetimes.js';
import { div } from './arithmetic.js';
import { simple, unary } from './elementwise.js';

const step = (fn: 'floor' | 'ceil' | 'round' | 'trunc') => simple(unary(fn, [], ({ grad }) => grad.zerosLike()));
/**
 * The largest whole number that is not above x.
 * @shape x [any] → y, as x
 * @gradient 0
 * @throws ValueError for a dtype that is not float
 * @source torch.floor
 */
export const floor = step('floor');
/**
 * The smallest whole number that is not below x.
 * @shape x [any] → y, as x
 * @gradient 0
 * @throws ValueError for a dtype that is not float
 * @source torch.ceil
 */
export const ceil = step('ceil');
/**
 * The nearest whole number. Halves go to the even neighbour: 0.5 to 0, and 1.5 to 2.
 * @shape x [any] → y, as x
 * @gradient 0
 * @throws ValueError for a dtype that is not float
 * @source torch.round; ONNX Round
 */
export const round = step('round');
/**
 * x without its fraction, so rounded towards 0.
 * @shape x [any] → y, as x
 * @gradient 0
 * @throws ValueError for a dtype that is not float
 * @source torch.trunc
 */
export const trunc = step('trunc');

/**
 * eˣ − 1, exact near 0.
 * @shape x [any] → y, as x
 * @gradient g·eˣ
 * @throws ValueError for a dtype that is not float
 * @source torch.expm1
 */
export const expm1 = simple(unary('expm1', ['output'], ({ grad, output }) => grad.mul(output.add(1))));

/** A function of floats that is composed of other ops. */
const ofFloats =
  (op: string, fn: (x: Tensor) => Tensor) =>
  (x: Tensor): Tensor => {
    checkTensor(op, 'input', x);
    checkFloat(op, x.dtype);
    return composed(() => fn(x));
  };
/**
 * Logarithm to base 2, as log(x)/log 2; −Infinity at 0, NaN below. In float32 the logarithm of a
 * power of 2 may be off by one unit in the last place.
 * @shape x [any] → y, as x
 * @gradient g/(x·log 2)
 * @throws ValueError for a dtype that is not float
 * @source torch.log2
 */
export const log2 = ofFloats('log2', (x) => x.log().mul(Math.LOG2E));
/**
 * Logarithm to base 10, as log(x)/log 10; −Infinity at 0, NaN below. In float32 the logarithm of a
 * power of 10 may be off by one unit in the last place.
 * @shape x [any] → y, as x
 * @gradient g/(x·log 10)
 * @throws ValueError for a dtype that is not float
 * @source torch.log10
 */
export const log10 = ofFloats('log10', (x) => x.log().mul(Math.LOG10E));
/**
 * 1/x.
 * @shape x [any] → y, as x
 * @gradient −g/x²
 * @throws ValueError for a dtype that is not float
 * @source torch.reciprocal
 */
export const reciprocal = ofFloats('reciprocal', (x) => div(1, x));
/**
 * x². int32 wraps.
 * @shape x [any] → y, as x
 * @gradient 2·g·x
 * @throws ValueError if x is no tensor
 * @source torch.square
 */
export function square(x: Tensor): Tensor {
  checkTensor('square', 'input', x);
  return isFloat(x.dtype) ? x.pow(2) : x.mul(x);
}
/**
 * 1/√x; Infinity at 0, NaN below.
 * @shape x [any] → y, as x
 * @gradient −g/(2·x·√x)
 * @throws ValueError for a dtype that is not float
 * @source torch.rsqrt
 */
export const rsqrt = ofFloats('rsqrt', (x) => div(1, x.sqrt()));

/** A test of the magnitude of floats. Whole numbers have a result of one value. */
function testOf(op: string, x: Tensor, whole: 0 | 1, test: (size: Tensor) => Tensor): Tensor {
  checkTensor(op, 'input', x);
  return isFloat(x.dtype) ? composed(() => test(x.detach().abs())) : x.fullLike(whole, x.shape, 'bool');
}
/**
 * True where x is neither infinite nor NaN.
 * @shape x [any] → y, as x, bool
 * @gradient none
 * @throws GraphError for a released input
 * @source torch.isfinite
 */
export const isFinite = (x: Tensor): Tensor => testOf('isFinite', x, 1, (size) => size.less(Infinity));
/**
 * True where x is ∞ or −∞.
 * @shape x [any] → y, as x, bool
 * @gradient none
 * @throws GraphError for a released input
 * @source torch.isinf
 */
export const isInf = (x: Tensor): Tensor => testOf('isInf', x, 0, (size) => size.equal(Infinity));
