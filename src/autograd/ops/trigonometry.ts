/**
 * Trigonometric and hyperbolic functions of one operand. tanh is in elementwise.ts, atan2 in
 * remainder.ts.
 *
 * Angles in float32: on all devices the error of sin and cos is below 1e-6 for |x| up to 10⁴. On
 * gpu devices it is 1e-6 at 10⁵, 0.03 at 10⁶, and beyond no digit is right. On wasm it stays below
 * 1e-6 up to 10⁹. The results are always in [−1, 1].
 */
import { simple, unary } from './elementwise.js';

/**
 * Sine. Accurate to 1e-6 for |x| up to 10⁴; of larger angles see the head of this file.
 * @shape x [any] → y, as x
 * @units x in radians
 * @gradient g·cos x
 * @throws ValueError for a dtype that is not float
 * @source torch.sin
 */
export const sin = simple(unary('sin', [0], ({ grad, inputs: [x] }) => grad.mul(x.cos())));
/**
 * Cosine. Accurate to 1e-6 for |x| up to 10⁴; of larger angles see the head of this file.
 * @shape x [any] → y, as x
 * @units x in radians
 * @gradient −g·sin x
 * @throws ValueError for a dtype that is not float
 * @source torch.cos
 */
export const cos = simple(unary('cos', [0], ({ grad, inputs: [x] }) => grad.mul(x.sin()).neg()));
/**
 * Tangent. The angle is reduced as that of sin is.
 * @shape x [any] → y, as x
 * @units x in radians
 * @gradient g·(1 + y²)
 * @throws ValueError for a dtype that is not float
 * @source torch.tan
 */
export const tan = simple(unary('tan', ['output'], ({ grad, output }) => grad.mul(output.mul(output).add(1))));
/**
 * Arc sine; NaN outside [−1, 1].
 * @shape x [any] → y, as x
 * @units y in radians, in [−π/2, π/2]
 * @gradient g/√(1 − x²)
 * @throws ValueError for a dtype that is not float
 * @source torch.asin
 */
export const asin = simple(unary('asin', [0], ({ grad, inputs: [x] }) => grad.div(x.rsub(1).mul(x.add(1)).sqrt())));
/**
 * Arc cosine; NaN outside [−1, 1].
 * @shape x [any] → y, as x
 * @units y in radians, in [0, π]
 * @gradient −g/√(1 − x²)
 * @throws ValueError for a dtype that is not float
 * @source torch.acos
 */
export const acos = simple(
  unary('acos', [0], ({ grad, inputs: [x] }) => grad.div(x.rsub(1).mul(x.add(1)).sqrt()).neg()),
);
/**
 * Arc tangent.
 * @shape x [any] → y, as x
 * @units y in radians, in [−π/2, π/2]
 * @gradient g/(1 + x²)
 * @throws ValueError for a dtype that is not float
 * @source torch.atan
 */
export const atan = simple(unary('atan', [0], ({ grad, inputs: [x] }) => grad.div(x.mul(x).add(1))));
/**
 * Hyperbolic sine.
 * @shape x [any] → y, as x
 * @gradient g·cosh x
 * @throws ValueError for a dtype that is not float
 * @source torch.sinh
 */
export const sinh = simple(unary('sinh', [0], ({ grad, inputs: [x] }) => grad.mul(x.cosh())));
/**
 * Hyperbolic cosine.
 * @shape x [any] → y, as x
 * @gradient g·sinh x
 * @throws ValueError for a dtype that is not float
 * @source torch.cosh
 */
export const cosh = simple(unary('cosh', [0], ({ grad, inputs: [x] }) => grad.mul(x.sinh())));
/**
 * Inverse hyperbolic sine.
 * @shape x [any] → y, as x
 * @gradient g/√(x² + 1)
 * @throws ValueError for a dtype that is not float
 * @source torch.asinh
 */
export const asinh = simple(unary('asinh', [0], ({ grad, inputs: [x] }) => grad.div(x.mul(x).add(1).sqrt())));
/**
 * Inverse hyperbolic cosine; NaN below 1.
 * @shape x [any] → y, as x
 * @gradient g/√(x² − 1)
 * @throws ValueError for a dtype that is not float
 * @source torch.acosh
 */
export const acosh = simple(unary('acosh', [0], ({ grad, inputs: [x] }) => grad.div(x.mul(x).sub(1).sqrt())));
/**
 * Inverse hyperbolic tangent; ±Infinity at ±1, NaN beyond.
 * @shape x [any] → y, as x
 * @gradient g/(1 − x²)
 * @throws ValueError for a dtype that is not float
 * @source torch.atanh
 */
export const atanh = simple(unary('atanh', [0], ({ grad, inputs: [x] }) => grad.div(x.mul(x).rsub(1))));
