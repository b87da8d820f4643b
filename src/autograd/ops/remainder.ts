/**
 * Remainders and the angle of a point, which have two operands and numpy broadcasting.
 * Not here: the other arithmetic ops, and how two operands meet (arithmetic.ts).
 */
import type { Tensor } from '../../tensor/tensor.js';
import { composed } from '../lifetimes.js';
import { checkOperand, formsOf, type Operand, type Rules, run } from './arithmetic.js';

const fmodRules: Rules = {
  left: ({ grad }) => grad,
  right: ({ grad, a, b, output }) => {
    // The quotient is whole. The rounding corrects a division that is off by some digits.
    const whole = typeof a === 'number' ? output.rsub(a) : a.sub(output);
    return grad.mul(whole.div(b).round()).neg();
  },
  saves: [0, 1, 'output'],
};
const fmodForms = formsOf('fmod', fmodRules);

/**
 * The slope of atan2: `other`/(a² + b²). Both are first divided by the larger, so that the squares
 * do not overflow or vanish.
 */
function slope(a: Operand, b: Operand, other: Operand): Tensor {
  const size = (x: Operand): Operand => (typeof x === 'number' ? Math.abs(x) : x.abs());
  const [p, q] = [size(a), size(b)];
  const larger = typeof p === 'number' ? (q as Tensor).maximum(p) : p.maximum(q);
  const part = (x: Operand): Tensor => (typeof x === 'number' ? larger.pow(-1).mul(x) : x.div(larger));
  const [m, n] = [part(a), part(b)];
  return part(other)
    .div(m.mul(m).add(n.mul(n)))
    .div(larger);
}
const atan2Rules: Rules = {
  left: ({ grad, a, b }) => grad.mul(slope(a, b, b)),
  right: ({ grad, a, b }) => grad.mul(slope(a, b, a)).neg(),
  saves: [0, 1],
};
const atan2Forms = formsOf('atan2', atan2Rules);

/**
 * The remainder of a/b rounded towards 0. It has the sign of a, and is exact. That of floats by 0
 * is NaN; that of int32 by 0 is 0, as in numpy.
 * @shape a, b broadcast → c
 * @gradient a: g; b: −g·trunc(a/b)
 * @throws ShapeError when shapes do not broadcast
 * @source torch.fmod; ONNX Mod with fmod=1
 */
export const fmod = (a: Operand, b: Operand): Tensor => run('fmod', fmodForms, a, b);

/**
 * The remainder of a/b rounded down. It has the sign of b, and lies in [0, b), or (b, 0]. That of
 * floats by 0 is NaN; that of int32 by 0 is 0, as in numpy.
 * @shape a, b broadcast → c
 * @gradient a: g; b: −g·floor(a/b)
 * @throws ShapeError when shapes do not broadcast
 * @source torch.remainder; numpy.mod; ONNX Mod with fmod=0
 */
export function remainder(a: Operand, b: Operand): Tensor {
  checkOperand('remainder', 'a', a);
  checkOperand('remainder', 'b', b);
  return composed(() => {
    const rest = run('fmod', fmodForms, a, b);
    // A remainder of the wrong sign is one divisor away from the right one.
    const sign = typeof b === 'number' ? b < 0 : b.less(0);
    const isOther =
      typeof sign === 'boolean'
        ? sign
          ? rest.greater(0)
          : rest.less(0)
        : rest.less(0).notEqual(sign).mul(rest.notEqual(0)).cast('bool');
    return rest.add(b).where(isOther, rest);
  });
}

/**
 * The angle of the point (x, y) to the positive x axis. As in C, the sign of a zero counts: the
 * angle of (−1, −0) is −π.
 * @shape y, x broadcast → angle
 * @units radians, in [−π, π]
 * @gradient y: g·x/(x² + y²); x: −g·y/(x² + y²); NaN at (0, 0), as in PyTorch
 * @throws ShapeError when shapes do not broadcast
 * @source torch.atan2
 */
export const atan2 = (y: Operand, x: Operand): Tensor => run('atan2', atan2Forms, y, x);
