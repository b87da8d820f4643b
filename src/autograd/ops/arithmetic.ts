/**
 * Ops with two operands and numpy broadcasting, and where. Either operand may be a number.
 * Not here: remainders and atan2 (remainder.ts), matmul (matmul.ts).
 */
import { shown } from '../../arguments.js';
import type { ArithmeticFn, BinaryFn, ComparisonFn } from '../../device/device.js';
import { ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type DType, holds, isFloat, promote } from '../../values/dtype.js';
import { broadcastAxes, broadcastShapes, type Shape, sameShape } from '../../values/shape.js';
import { apply, type BackwardStep, call, checkTensor, isTensor, type Op } from '../graph.js';
import { endWith } from '../lifetimes.js';

/**
 * A tensor or a number. A number takes the tensor's dtype if that dtype can hold it. Beside an
 * int32 or bool tensor, a whole number in [−2³¹, 2³¹) counts as int32 and any other number as
 * float32.
 */
export type Operand = Tensor | number;

/** Sums a gradient over the axes along which `shape` was broadcast. */
export function unbroadcast(grad: Tensor, shape: Shape): Tensor {
  if (sameShape(grad.shape, shape)) return grad;
  const axes = broadcastAxes(shape, grad.shape);
  return (axes.length === 0 ? grad : grad.sum(axes)).reshape(shape);
}

type Rule = (step: { grad: Tensor; a: Operand; b: Operand; output: Tensor }) => Tensor;
/**
 * Gradients of an op with two operands, for the left and the right one. Either operand may be a
 * number.
 */
export interface Rules {
  readonly left: Rule;
  readonly right: Rule;
  readonly saves: readonly (number | 'output')[];
}

/**
 * The gradient of one operand of maximum or minimum: g where its element was chosen, g/2 on ties, 0
 * elsewhere. A comparison with NaN is false, so where either operand is NaN the gradient is g.
 */
const toWinner = (grad: Tensor, loses: Tensor, ties: Tensor): Tensor =>
  where(loses, 0, where(ties, grad.mul(0.5), grad));
const rules: Record<Exclude<ArithmeticFn, 'fmod' | 'atan2'>, Rules> = {
  add: { left: ({ grad }) => grad, right: ({ grad }) => grad, saves: [] },
  sub: { left: ({ grad }) => grad, right: ({ grad }) => grad.neg(), saves: [] },
  mul: { left: ({ grad, b }) => grad.mul(b), right: ({ grad, a }) => grad.mul(a), saves: [0, 1] },
  div: {
    left: ({ grad, b }) => grad.div(b),
    right: ({ grad, b, output }) => grad.mul(output).div(b).neg(),
    saves: [1, 'output'],
  },
  pow: {
    // x⁰ has slope 0 everywhere, also at x = 0, where x⁻¹ is not finite.
    left: ({ grad, a, b }) => {
      const slope = pow(a, typeof b === 'number' ? b - 1 : b.sub(1)).mul(b);
      return grad.mul(typeof b === 'number' ? (b === 0 ? slope.zerosLike() : slope) : slope.where(b.notEqual(0), 0));
    },
    // 0ᵇ is constant in b for b ≥ 0. For b < 0 it is ∞, and its slope is −∞.
    right: ({ grad, a, b, output }) => {
      const flat = (exponent: Tensor): Tensor => exponent.less(0).logicalNot().cast(exponent.dtype);
      if (typeof a !== 'number') return grad.mul(output.mul(a.where(a.notEqual(0), flat(b as Tensor)).log()));
      return grad.mul(output.mul(a === 0 ? flat(b as Tensor).log() : Math.log(a)));
    },
    saves: [0, 1, 'output'],
  },
  // Ties and NaN as in PyTorch.
  maximum: {
    left: ({ grad, a, b }) => toWinner(grad, compare('less', a, b), compare('equal', a, b)),
    right: ({ grad, a, b }) => toWinner(grad, compare('greater', a, b), compare('equal', a, b)),
    saves: [0, 1],
  },
  minimum: {
    left: ({ grad, a, b }) => toWinner(grad, compare('greater', a, b), compare('equal', a, b)),
    right: ({ grad, a, b }) => toWinner(grad, compare('less', a, b), compare('equal', a, b)),
    saves: [0, 1],
  },
};

const tensorOp = (fn: ArithmeticFn, { left, right, saves }: Rules): Op<null> => ({
  name: fn,
  lower: ([a, b]) => call('binary', { fn }, { shape: broadcastShapes(fn, a.shape, b.shape), dtype: a.dtype }),
  saves,
  backward: ({ grad, inputs: [a, b], output, needs }: BackwardStep<null>) => [
    needs[0] ? unbroadcast(left({ grad, a, b, output }), a.shape) : null,
    needs[1] ? unbroadcast(right({ grad, a, b, output }), b.shape) : null,
  ],
});

interface ScalarAttrs {
  readonly scalar: number;
  readonly reverse: boolean;
}
/**
 * With `reverse` the number is the left operand, so the op's one input is the rule's right operand.
 */
const scalarOp = (fn: ArithmeticFn, { left, right, saves }: Rules, reverse: boolean): Op<ScalarAttrs> => ({
  name: fn,
  lower: ([x], attrs) => call('binaryScalar', { fn, ...attrs }, { shape: x.shape, dtype: x.dtype }),
  saves: saves.flatMap<number | 'output'>((s) => (s === 'output' ? [s] : s === Number(reverse) ? [0] : [])),
  backward: ({ grad, inputs: [x], output, attrs: { scalar } }) => [
    reverse ? right({ grad, a: scalar, b: x, output }) : left({ grad, a: x, b: scalar, output }),
  ],
});

const comparisons = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const;
const isComparison = (fn: BinaryFn): boolean => (comparisons as readonly BinaryFn[]).includes(fn);

/**
 * The common dtype of two operands. Bools count as int32. div, pow and atan2 always use floats. A
 * comparison does not convert a whole number, so devices compare int32 with any whole number
 * exactly.
 */
function meet(fn: BinaryFn, a: Operand, b: Operand): DType {
  const of = (x: Operand, other: Operand): DType => {
    if (typeof x !== 'number') return x.dtype;
    const dtype = (other as Tensor).dtype;
    if (isFloat(dtype)) return dtype;
    return (isComparison(fn) ? Number.isInteger(x) : holds('int32', x)) ? 'int32' : 'float32';
  };
  const dtype = promote(of(a, b), of(b, a));
  if (fn === 'div' || fn === 'pow' || fn === 'atan2') return promote(dtype, 'float32');
  return dtype === 'bool' ? 'int32' : dtype;
}

/** The forms of one op: two tensors, a number on the right, a number on the left. */
export interface Forms {
  readonly both: Op<null>;
  readonly right: Op<ScalarAttrs>;
  readonly left: Op<ScalarAttrs>;
}

/** Checks that a value is a tensor or a number. */
export function checkOperand(op: string, name: string, value: unknown): void {
  if (typeof value === 'number' || isTensor(value)) return;
  throw new ValueError(op, `${name} must be a tensor or a number`, `${name}=${shown(value)}`);
}

/**
 * Converts the operands to one dtype and runs the op. The converted operands end with the result.
 */
export function run(fn: BinaryFn, { both, right, left }: Forms, a: Operand, b: Operand): Tensor {
  checkOperand(fn, 'a', a);
  checkOperand(fn, 'b', b);
  if (typeof a === 'number' && typeof b === 'number')
    throw new ValueError(fn, 'one operand must be a tensor', 'two numbers', 'wrap one with tensor()');
  const dtype = meet(fn, a, b);
  const lift = (x: Tensor): Tensor => x.cast(dtype);
  const made = (x: Tensor, from: Tensor): Tensor[] => (x !== from && x.node === null ? [x] : []);
  if (typeof a !== 'number' && typeof b !== 'number') {
    const [x, y] = [lift(a), lift(b)];
    return endWith(apply(both, [x, y], null), ...made(x, a), ...made(y, b));
  }
  const source = (typeof a === 'number' ? b : a) as Tensor;
  const x = lift(source);
  const y =
    typeof a === 'number'
      ? apply(left, [x], { scalar: a, reverse: true })
      : apply(right, [x], { scalar: b as number, reverse: false });
  return endWith(y, ...made(x, source));
}

/** Creates an arithmetic op once, in all of its forms. */
export const formsOf = (fn: ArithmeticFn, own: Rules): Forms => ({
  both: tensorOp(fn, own),
  right: scalarOp(fn, own, false),
  left: scalarOp(fn, own, true),
});

const arithmeticForms = Object.fromEntries(
  Object.entries(rules).map(([fn, own]) => [fn, formsOf(fn as ArithmeticFn, own)]),
) as Record<keyof typeof rules, Forms>;
const arithmetic = (fn: keyof typeof rules, a: Operand, b: Operand): Tensor => run(fn, arithmeticForms[fn], a, b);

/**
 * a + b; int32 wraps.
 * @shape a, b broadcast → c
 * @units int32: modulo 2³², as numpy
 * @gradient g, g (summed over broadcast axes)
 * @throws ShapeError when shapes do not broadcast
 * @source torch.add
 */
export const add = (a: Operand, b: Operand): Tensor => arithmetic('add', a, b);
/**
 * a − b; int32 wraps.
 * @shape a, b broadcast → c
 * @units int32: modulo 2³², as numpy
 * @gradient g, −g
 * @throws ShapeError when shapes do not broadcast
 * @source torch.sub
 */
export const sub = (a: Operand, b: Operand): Tensor => arithmetic('sub', a, b);
/**
 * a·b; int32 wraps.
 * @shape a, b broadcast → c
 * @units int32: modulo 2³², as numpy
 * @gradient g·b, g·a
 * @throws ShapeError when shapes do not broadcast
 * @source torch.mul
 */
export const mul = (a: Operand, b: Operand): Tensor => arithmetic('mul', a, b);
/**
 * a/b, in floats.
 * @shape a, b broadcast → c
 * @gradient g/b, −g·c/b
 * @throws ShapeError when shapes do not broadcast
 * @source torch.div
 */
export const div = (a: Operand, b: Operand): Tensor => arithmetic('div', a, b);
/**
 * aᵇ, in floats.
 * @shape a, b broadcast → c
 * @gradient a: g·b·aᵇ⁻¹, 0 where b is 0; b: g·c·log a. Where a is 0, the latter is 0 for b ≥ 0 and
 * −∞ for b < 0
 * @throws ShapeError when shapes do not broadcast
 * @source torch.pow
 */
export const pow = (a: Operand, b: Operand): Tensor => arithmetic('pow', a, b);
/**
 * The larger operand; NaN if either is NaN.
 * @shape a, b broadcast → c
 * @gradient g to the larger, half each on ties, g to both on NaN
 * @throws ShapeError when shapes do not broadcast
 * @source torch.maximum
 */
export const maximum = (a: Operand, b: Operand): Tensor => arithmetic('maximum', a, b);
/**
 * The smaller operand; NaN if either is NaN.
 * @shape a, b broadcast → c
 * @gradient g to the smaller, half each on ties, g to both on NaN
 * @throws ShapeError when shapes do not broadcast
 * @source torch.minimum
 */
export const minimum = (a: Operand, b: Operand): Tensor => arithmetic('minimum', a, b);

const comparison = (fn: ComparisonFn): Op<null> => ({
  name: fn,
  lower: ([a, b]) => call('binary', { fn }, { shape: broadcastShapes(fn, a.shape, b.shape), dtype: 'bool' }),
});
const scalarComparison = (fn: ComparisonFn): Op<ScalarAttrs> => ({
  name: fn,
  lower: ([x], attrs) => call('binaryScalar', { fn, ...attrs }, { shape: x.shape, dtype: 'bool' }),
});

const comparisonForms = Object.fromEntries(
  comparisons.map((fn) => [fn, { both: comparison(fn), right: scalarComparison(fn), left: scalarComparison(fn) }]),
) as Record<ComparisonFn, Forms>;
const compare = (fn: ComparisonFn, a: Operand, b: Operand): Tensor => run(fn, comparisonForms[fn], a, b);

/**
 * a = b.
 * @shape a, b broadcast → c, bool
 * @gradient none
 * @throws ShapeError when shapes do not broadcast
 * @source torch.eq
 */
export const equal = (a: Operand, b: Operand): Tensor => compare('equal', a, b);
/**
 * a ≠ b.
 * @shape a, b broadcast → c, bool
 * @gradient none
 * @throws ShapeError when shapes do not broadcast
 * @source torch.ne
 */
export const notEqual = (a: Operand, b: Operand): Tensor => compare('notEqual', a, b);
/**
 * a < b.
 * @shape a, b broadcast → c, bool
 * @gradient none
 * @throws ShapeError when shapes do not broadcast
 * @source torch.lt
 */
export const less = (a: Operand, b: Operand): Tensor => compare('less', a, b);
/**
 * a ≤ b.
 * @shape a, b broadcast → c, bool
 * @gradient none
 * @throws ShapeError when shapes do not broadcast
 * @source torch.le
 */
export const lessEqual = (a: Operand, b: Operand): Tensor => compare('lessEqual', a, b);
/**
 * a > b.
 * @shape a, b broadcast → c, bool
 * @gradient none
 * @throws ShapeError when shapes do not broadcast
 * @source torch.gt
 */
export const greater = (a: Operand, b: Operand): Tensor => compare('greater', a, b);
/**
 * a ≥ b.
 * @shape a, b broadcast → c, bool
 * @gradient none
 * @throws ShapeError when shapes do not broadcast
 * @source torch.ge
 */
export const greaterEqual = (a: Operand, b: Operand): Tensor => compare('greaterEqual', a, b);

const whereOp: Op<null> = {
  name: 'where',
  lower: ([condition, a, b]) => {
    if (condition.dtype !== 'bool')
      throw new ValueError(
        'where',
        'condition must be bool',
        `dtype=${condition.dtype}`,
        'compare first, as in x.greater(0)',
      );
    const shape = broadcastShapes('where', condition.shape, broadcastShapes('where', a.shape, b.shape));
    return call('where', {}, { shape, dtype: a.dtype });
  },
  saves: [0],
  backward: ({ grad, inputs: [condition, a, b], needs }) => [
    null,
    needs[1] ? unbroadcast(where(condition, grad, 0), a.shape) : null,
    needs[2] ? unbroadcast(where(condition, 0, grad), b.shape) : null,
  ],
};

/**
 * a where condition is true, else b.
 * @shape condition (bool), a, b broadcast → c
 * @gradient g where chosen, else 0
 * @throws ShapeError when shapes do not broadcast; ValueError when condition is not bool
 * @source torch.where
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  checkTensor('where', 'condition', condition);
  checkOperand('where', 'a', a);
  checkOperand('where', 'b', b);
  const like = typeof a !== 'number' ? a : b;
  if (typeof like === 'number')
    throw new ValueError('where', 'one operand must be a tensor', 'two numbers', 'wrap one with tensor()');
  const dtype = meet('add', a, b);
  const lift = (x: Operand): Tensor => (typeof x === 'number' ? like.fullLike(x, [], dtype) : x.cast(dtype));
  const [x, y] = [lift(a), lift(b)];
  const made = [x, y].filter((t) => t !== a && t !== b && t.node === null);
  return endWith(apply(whereOp, [condition, x, y], null), ...made);
}
