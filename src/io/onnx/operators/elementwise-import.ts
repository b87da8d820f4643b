/**
 * Functions of one element, arithmetic and comparisons with broadcasting, and conversions: the
 * import. The export is in elementwise.ts.
 */
import * as activation from '../../../autograd/ops/activation.js';
import * as arithmetic from '../../../autograd/ops/arithmetic.js';
import { dropout } from '../../../autograd/ops/dropout.js';
import * as elementwise from '../../../autograd/ops/elementwise.js';
import { fmod, remainder } from '../../../autograd/ops/remainder.js';
import * as rounding from '../../../autograd/ops/rounding.js';
import * as trigonometry from '../../../autograd/ops/trigonometry.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { DType } from '../../../values/dtype.js';
import { isFloat } from '../../../values/dtype.js';
import { RandomState } from '../../../values/random.js';
import { sizeOf } from '../../../values/shape.js';
import type { Node } from '../run.js';
import { type Held, orderFor } from '../values.js';
import type { Importer, Importers } from './table.js';

/** A function of one tensor, in any order of its axes. */
const unary = (fn: (x: Tensor, node: Node) => Tensor, ...attributes: string[]): Importer => ({
  run: (node) => {
    const x = node.on(0);
    const { order } = x;
    return node.held(fn(x.in(order), node), order);
  },
  attributes,
  inputs: [1, 1],
});

/** Tensors with one order, or a number where a constant has one element. */
function operands(node: Node): { order: readonly number[]; values: (Tensor | number)[] } {
  const rank = Math.max(...node.inputs.map((value) => value.rank));
  const order = orderFor(rank, node.inputs);
  const isTensor = node.values.map((value) => !(value as Held).isFixed || (value as Held).rank > 0);
  // At least one must be a tensor.
  if (!isTensor.includes(true)) isTensor[0] = true;
  const values = node.values.map((value, i) => {
    const held = value as Held;
    return isTensor[i] ? held.on(node.device).operand(order) : (held.numbers()[0] as number);
  });
  return { order, values };
}
const asTensor = (value: Tensor | number, like: Tensor): Tensor =>
  typeof value === 'number' ? like.fullLike(value, []) : value;

const binary = (
  fn: (a: Tensor | number, b: Tensor | number, node: Node) => Tensor,
  ...attributes: string[]
): Importer => ({
  run: (node) => {
    const { order, values } = operands(node);
    return node.held(fn(values[0] as Tensor, values[1] as Tensor, node), order);
  },
  attributes,
  inputs: [2, 2],
});
/** The same of any number of tensors. */
const folded = (
  fn: (a: Tensor | number, b: Tensor | number) => Tensor,
  finish = (sum: Tensor, _count: number) => sum,
): Importer => ({
  run: (node) => {
    const { order, values } = operands(node);
    const first = values[0] as Tensor;
    const all = values.length === 1 ? first : values.slice(1).reduce<Tensor | number>((a, b) => fn(a, b), first);
    return node.held(finish(all as Tensor, values.length), order);
  },
  inputs: [1, Infinity],
});

const isWhole = (value: Tensor | number): boolean =>
  typeof value === 'number' ? Number.isInteger(value) : !isFloat(value.dtype);

/** Division of whole numbers rounds towards 0. */
function divide(a: Tensor | number, b: Tensor | number, node: Node): Tensor {
  if (!isWhole(a) || !isWhole(b)) return arithmetic.div(a, b);
  const exact = node.device.dtypes.includes('float64') ? 'float64' : 'float32';
  const wide = (value: Tensor | number) => (typeof value === 'number' ? value : value.cast(exact));
  return arithmetic.div(wide(a), wide(b)).cast('int32');
}
/** With fmod, the remainder has the sign of a. Otherwise it has that of b, as Python's. */
const remainders = binary((a, b, node) => {
  if (node.flag('fmod')) return fmod(a, b);
  if (!isWhole(a) || !isWhole(b)) node.refuse('fmod must be 1 for floats', 'fmod=0');
  return remainder(a, b);
}, 'fmod');
/** The indices of a pool, modulo the size of a plane, are those within the plane. */
function modulo(node: Node): Held {
  const { plane, indices } = node.at(0);
  const size = indices === null ? 0 : sizeOf(indices.inputShape.slice(1, -1));
  const isOfPlane = plane !== null && node.at(1).isFixed && node.at(1).numbers().join() === String(size);
  return isOfPlane && !node.flag('fmod') ? plane : (remainders.run(node) as Held);
}
function power(a: Tensor | number, b: Tensor | number): Tensor {
  const result = arithmetic.pow(a, b);
  // The result has the type of the base.
  return typeof a !== 'number' && a.dtype === 'int32' ? result.cast('int32') : result;
}

const logical = (fn: (a: Tensor, b: Tensor) => Tensor): Importer =>
  binary((a, b) => {
    const [x, y] = [a, b].map((v) => asTensor(v, (typeof a === 'number' ? b : a) as Tensor).cast('int32'));
    return fn(x as Tensor, y as Tensor).cast('bool');
  });

const types: Readonly<Record<number, DType>> = { 1: 'float32', 6: 'int32', 7: 'int32', 9: 'bool', 11: 'float64' };

function cast(x: Tensor, node: Node): Tensor {
  const to = node.int('to', 0);
  const dtype = Object.hasOwn(types, to) ? types[to] : undefined;
  if (dtype === undefined || !node.device.dtypes.includes(dtype))
    node.refuse('the result must be float32, int32, int64 or bool', `to=${to}`);
  return x.cast(dtype);
}

/** The limits of a Clip, which were attributes before opset 11. */
function clip(node: Node): Held {
  const limit = (i: number, name: string, usual: number): number => {
    if (node.opset < 11) return node.float(name, usual);
    return node.has(i) ? (node.numbers(i)[0] as number) : usual;
  };
  const x = node.on(0);
  const [low, high] = [limit(1, 'min', -Infinity), limit(2, 'max', Infinity)];
  const { order } = x;
  const tensor = x.in(order);
  if (isFloat(tensor.dtype) && low <= high) return node.held(elementwise.clamp(tensor, low, high), order);
  const above = low === -Infinity ? tensor : arithmetic.maximum(tensor, low);
  return node.held(high === Infinity ? above : arithmetic.minimum(above, high), order);
}

/** Infinities, or those of one sign. */
function isInf(x: Tensor, node: Node): Tensor {
  const [below, above] = [node.flag('detect_negative', true), node.flag('detect_positive', true)];
  if (below && above) return rounding.isInf(x);
  return below || above ? x.equal(below ? -Infinity : Infinity) : x.fullLike(0, x.shape, 'bool');
}

/** Moves numbers by `bias` towards 0. Those within ±lambd become 0. */
function shrink(x: Tensor, node: Node): Tensor {
  const [bias, edge] = [node.float('bias', 0), node.float('lambd', 0.5)];
  const above = arithmetic.where(x.greater(edge), x.sub(bias), 0);
  return arithmetic.where(x.less(-edge), x.add(bias), above);
}

function prelu(node: Node): Held {
  const [x, slope] = [node.on(0), node.on(1)];
  const { order } = x;
  const tensor = x.in(order);
  return node.held(arithmetic.where(tensor.greater(0), tensor, tensor.mul(slope.operand(order))), order);
}

function where(node: Node): Held {
  const { order, values } = operands(node);
  const [condition, a, b] = values as [Tensor, Tensor | number, Tensor | number];
  return node.held(arithmetic.where(condition, a, b), order);
}

const alpha = (node: Node, usual: number): number => node.float('alpha', usual);
const identity: Importer = { run: (node) => node.at(0), inputs: [1, 1] };

/** The identity, or dropout where the graph asks for training. A seed fixes the mask. */
function dropped(node: Node): (Held | null)[] {
  const isTraining = node.has(2) && node.numbers(2)[0] !== 0;
  const rate = node.has(1) ? (node.numbers(1)[0] as number) : node.float('ratio', 0.5);
  const isMasked = node.graph.outputs.length > 1;
  if (!isTraining || rate === 0)
    return [node.at(0), isMasked ? node.held(node.on(0).plain.fullLike(1, node.at(0).shape, 'bool')) : null];
  if (!(rate > 0 && rate < 1)) node.refuse('ratio must be in [0, 1)', String(rate));
  const x = node.on(0).plain;
  const random = node.given('seed') ? new RandomState(node.int('seed', 0)) : undefined;
  const kept = dropout(x.fullLike(1), { rate, ...(random && { random }) });
  return [node.held(x.mul(kept)), isMasked ? node.held(kept.greater(0)) : null];
}

export const elementwiseImports: Importers = {
  Neg: unary((x) => (isFloat(x.dtype) ? elementwise.neg(x) : x.mul(-1))),
  Exp: unary(elementwise.exp),
  Log: unary(elementwise.log),
  Sqrt: unary(elementwise.sqrt),
  Abs: unary((x) => (isFloat(x.dtype) ? elementwise.abs(x) : x.maximum(x.mul(-1)))),
  Sign: unary(elementwise.sign),
  Relu: unary((x) => elementwise.relu(x)),
  Sigmoid: unary(elementwise.sigmoid),
  Tanh: unary(elementwise.tanh),
  Erf: unary(elementwise.erf),
  Not: unary(elementwise.logicalNot),
  IsNaN: unary(elementwise.isNaN),
  IsInf: unary(isInf, 'detect_negative', 'detect_positive'),
  Floor: unary(rounding.floor),
  Ceil: unary(rounding.ceil),
  Round: unary(rounding.round),
  Reciprocal: unary(rounding.reciprocal),
  Sin: unary(trigonometry.sin),
  Cos: unary(trigonometry.cos),
  Tan: unary(trigonometry.tan),
  Asin: unary(trigonometry.asin),
  Acos: unary(trigonometry.acos),
  Atan: unary(trigonometry.atan),
  Sinh: unary(trigonometry.sinh),
  Cosh: unary(trigonometry.cosh),
  Asinh: unary(trigonometry.asinh),
  Acosh: unary(trigonometry.acosh),
  Atanh: unary(trigonometry.atanh),
  Softplus: unary((x) => activation.softplus(x)),
  Softsign: unary(activation.softsign),
  Mish: unary(activation.mish),
  HardSwish: unary(activation.hardSwish),
  LeakyRelu: unary((x, node) => elementwise.leakyRelu(x, alpha(node, 0.01)), 'alpha'),
  Elu: unary((x, node) => elementwise.elu(x, alpha(node, 1)), 'alpha'),
  Celu: unary((x, node) => activation.celu(x, alpha(node, 1)), 'alpha'),
  Selu: unary(
    (x, node) => {
      const slope = node.float('alpha', 1.6732631921768188);
      return elementwise.elu(x, slope).mul(node.float('gamma', 1.0507010221481323));
    },
    'alpha',
    'gamma',
  ),
  HardSigmoid: unary(
    (x, node) => elementwise.clamp(x.mul(alpha(node, 0.20000000298023224)).add(node.float('beta', 0.5)), 0, 1),
    'alpha',
    'beta',
  ),
  ThresholdedRelu: unary((x, node) => x.where(x.greater(alpha(node, 1)), 0), 'alpha'),
  Shrink: unary(shrink, 'bias', 'lambd'),
  Gelu: unary(
    (x, node) => activation.gelu(x, { approximate: node.text('approximate', 'none', 'tanh') }),
    'approximate',
  ),
  PRelu: { run: prelu, inputs: [2, 2] },
  Clip: { run: clip, attributes: ['min', 'max'], inputs: [1, 3], fixed: [1, 2] },

  Add: binary(arithmetic.add),
  Sub: binary(arithmetic.sub),
  Mul: binary(arithmetic.mul),
  Div: binary(divide),
  Pow: binary(power),
  Mod: { ...remainders, run: modulo },
  Equal: binary(arithmetic.equal),
  Less: binary(arithmetic.less),
  LessOrEqual: binary(arithmetic.lessEqual),
  Greater: binary(arithmetic.greater),
  GreaterOrEqual: binary(arithmetic.greaterEqual),
  And: logical((a, b) => a.mul(b)),
  Or: logical((a, b) => a.add(b)),
  Xor: logical((a, b) => a.notEqual(b)),
  Max: folded(arithmetic.maximum),
  Min: folded(arithmetic.minimum),
  Sum: folded(arithmetic.add),
  Mean: folded(arithmetic.add, (sum, count) => sum.div(count)),
  Where: { run: where, inputs: [3, 3] },
  Cast: unary(cast, 'to', 'saturate'),
  CastLike: {
    run: (node) => {
      const [x, like] = [node.on(0), node.on(1)];
      return node.held(x.in(x.order).cast(like.dtype), x.order);
    },
    attributes: ['saturate'],
    inputs: [2, 2],
  },
  Identity: identity,
  Dropout: {
    run: dropped,
    attributes: ['ratio', 'seed'],
    inputs: [1, 3],
    fixed: [1, 2],
  },
};
