/**
 * Elementwise ops with one operand. The output has the input's shape. Gradients are written in
 * Tensor methods. Not here: two operands (arithmetic.ts), activations with options or of several
 * ops (activation.ts), rounding and powers (rounding.ts), and trigonometry (trigonometry.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import type { UnaryFn, UnaryGradFn } from '../../device/device.js';
import { GraphError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkDType, checkFloat, type DType } from '../../values/dtype.js';
import { apply, type BackwardStep, call, checkTensor, isTracking, type Op } from '../graph.js';
import { applyInPlace } from '../in-place.js';

interface UnaryAttrs {
  readonly alpha: number;
  readonly beta: number;
}
type Rule = (step: BackwardStep<UnaryAttrs>) => Tensor;
const none: UnaryAttrs = { alpha: 0, beta: 0 };

/** An op of one operand and one kernel function, from its gradient rule. */
export function unary(fn: UnaryFn, saves: Op<UnaryAttrs>['saves'], rule: Rule): Op<UnaryAttrs> {
  return {
    name: fn,
    lower: ([x], { alpha, beta }) => {
      checkFloat(fn, x.dtype);
      return call('unary', { fn, alpha, beta }, { shape: x.shape, dtype: x.dtype });
    },
    saves,
    backward: (step) => [rule(step)],
  };
}

const table = {
  neg: unary('neg', [], ({ grad }) => grad.neg()),
  exp: unary('exp', ['output'], ({ grad, output }) => grad.mul(output)),
  log: unary('log', [0], ({ grad, inputs: [x] }) => grad.div(x)),
  log1p: unary('log1p', [0], ({ grad, inputs: [x] }) => grad.div(x.add(1))),
  sqrt: unary('sqrt', ['output'], ({ grad, output }) => grad.div(output.mul(2))),
  abs: unary('abs', [0], ({ grad, inputs: [x] }) => grad.mul(x.sign())),
  sign: unary('sign', [], ({ grad }) => grad.zerosLike()),
  // The gate reads the output, which is positive or NaN exactly where x is. So the input need not
  // be saved, or even be materialised.
  relu: unary('relu', ['output'], ({ grad, output, spare }) => gateBy(grad, output, 0, spare)),
  leakyRelu: unary('leakyRelu', [0], ({ grad, inputs: [x], attrs, spare }) => gateBy(grad, x, attrs.alpha, spare)),
  elu: unary('elu', [0], ({ grad, inputs: [x], attrs }) =>
    grad.mul(x.minimum(0).exp().mul(attrs.alpha).where(x.lessEqual(0), 1)),
  ),
  gelu: unary('gelu', [0], ({ grad, inputs: [x] }) => {
    const cumulative = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
    const density = x
      .mul(x)
      .mul(-0.5)
      .exp()
      .mul(1 / Math.sqrt(2 * Math.PI));
    return grad.mul(cumulative.add(x.mul(density)));
  }),
  silu: unary('silu', [0], (step) =>
    bySlope('silu', step, step.inputs[0], (x) => {
      const s = x.sigmoid();
      return s.mul(x.mul(s.rsub(1)).add(1));
    }),
  ),
  sigmoid: unary('sigmoid', ['output'], (step) => bySlope('sigmoid', step, step.output, (y) => y.mul(y.rsub(1)))),
  tanh: unary('tanh', ['output'], (step) => bySlope('tanh', step, step.output, (y) => y.mul(y).rsub(1))),
  softplus: unary('softplus', [0], (step) => bySlope('softplus', step, step.inputs[0], (x) => x.sigmoid())),
  erf: unary('erf', [0], ({ grad, inputs: [x] }) =>
    grad.mul(
      x
        .mul(x)
        .neg()
        .exp()
        .mul(2 / Math.sqrt(Math.PI)),
    ),
  ),
  clamp: unary('clamp', [0], ({ grad, inputs: [x], attrs }) =>
    grad.where(x.greaterEqual(attrs.alpha).mul(x.lessEqual(attrs.beta)).cast('bool'), 0),
  ),
};

/** The function that calls an op without attributes. */
export const simple =
  (op: Op<UnaryAttrs>) =>
  (x: Tensor): Tensor =>
    apply(op, [x], none);

/**
 * −x.
 * @shape x [any] → y, as x
 * @gradient −g
 * @throws ValueError for a dtype that is not float
 * @source torch.neg
 */
export const neg = simple(table.neg);
/**
 * eˣ.
 * @shape x [any] → y, as x
 * @gradient g·eˣ
 * @throws ValueError for a dtype that is not float
 * @source torch.exp
 */
export const exp = simple(table.exp);
/**
 * Natural logarithm; −Infinity at 0, NaN below.
 * @shape x [any] → y, as x
 * @gradient g/x
 * @throws ValueError for a dtype that is not float
 * @source torch.log
 */
export const log = simple(table.log);
/**
 * log(1 + x), exact near 0.
 * @shape x [any] → y, as x
 * @gradient g/(1+x)
 * @throws ValueError for a dtype that is not float
 * @source torch.log1p
 */
export const log1p = simple(table.log1p);
/**
 * Square root; NaN below 0.
 * @shape x [any] → y, as x
 * @gradient g/(2√x)
 * @throws ValueError for a dtype that is not float
 * @source torch.sqrt
 */
export const sqrt = simple(table.sqrt);
/**
 * |x|.
 * @shape x [any] → y, as x
 * @gradient g·sign(x), 0 at 0
 * @throws ValueError for a dtype that is not float
 * @source torch.abs
 */
export const abs = simple(table.abs);
/**
 * −1, 0 or 1.
 * @shape x [any] → y, as x
 * @gradient 0
 * @throws ValueError for a dtype that is not float
 * @source torch.sign
 */
export const sign = simple(table.sign);
/** Options of relu. */
export interface ReluOptions {
  /**
   * Whether x ends, so that its memory is free for what follows. Reading x afterwards is an error.
   * Results are the same. Default false.
   */
  inPlace?: boolean;
}
export const reluOptions: OptionNames<ReluOptions> = { inPlace: 'flag' };

/**
 * max(x, 0). NaN stays NaN. After a convolution or a normalisation whose result nothing else reads,
 * `inPlace` saves the memory of that result.
 * @shape x [any] → y, as x
 * @gradient 0 where x ≤ 0, else g. NaN passes g, so that the effects of a NaN stay visible
 * @throws ValueError for a dtype that is not float; GraphError for inPlace with a leaf that
 * requires a gradient
 * @source torch.nn.functional.relu
 */
export function relu(x: Tensor, options: ReluOptions = {}): Tensor {
  knownOptions('relu', options, reluOptions);
  if (options.inPlace !== true) return apply(table.relu, [x], none);
  checkTensor('relu', 'x', x);
  if (x.requiresGrad && x.node === null)
    throw new GraphError(
      'relu',
      'a leaf that requires a gradient must not change in place',
      `${x.madeBy} ${show(x.shape)}`,
      'leave inPlace out',
    );
  const y = apply(table.relu, [x], none);
  x.release();
  x.hint ??= 'relu with inPlace has taken its memory: leave inPlace out, or clone() it before';
  return y;
}
/** x·Φ(x), by its kernel. gelu has options (activation.ts). */
export const exactGelu = simple(table.gelu);
/**
 * x·sigmoid(x).
 * @shape x [any] → y, as x
 * @gradient g·s·(1 + x·(1−s))
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.functional.silu
 */
export const silu = simple(table.silu);
/**
 * 1/(1 + e⁻ˣ), stable on both sides.
 * @shape x [any] → y, as x
 * @gradient g·s·(1−s)
 * @throws ValueError for a dtype that is not float
 * @source torch.sigmoid
 */
export const sigmoid = simple(table.sigmoid);
/**
 * Hyperbolic tangent.
 * @shape x [any] → y, as x
 * @gradient g·(1−y²)
 * @throws ValueError for a dtype that is not float
 * @source torch.tanh
 */
export const tanh = simple(table.tanh);
/** log(1 + eˣ), by its kernel. softplus has options (activation.ts). */
export const plainSoftplus = simple(table.softplus);
/**
 * The error function.
 * @shape x [any] → y, as x
 * @gradient g·2/√π·e^(−x²)
 * @throws ValueError for a dtype that is not float
 * @source torch.erf
 */
export const erf = simple(table.erf);

/**
 * x where positive, else slope·x.
 * @shape x [any] → y, as x
 * @gradient g where x > 0, else slope·g, also where x is NaN
 * @throws ValueError for a NaN slope or a dtype that is not float
 * @source torch.nn.functional.leaky_relu
 */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor =>
  apply(table.leakyRelu, [x], { alpha: numberOf('leakyRelu', 'slope', slope), beta: 0 });

/**
 * x where positive, else alpha·(eˣ − 1).
 * @shape x [any] → y, as x
 * @gradient g where x > 0, else g·alpha·eˣ
 * @throws ValueError for a NaN alpha or a dtype that is not float
 * @source torch.nn.functional.elu
 */
export const elu = (x: Tensor, alpha = 1): Tensor =>
  apply(table.elu, [x], { alpha: numberOf('elu', 'alpha', alpha), beta: 0 });

/**
 * Limits x to [min, max]. NaN stays NaN.
 * @shape x [any] → y, as x
 * @gradient g where min ≤ x ≤ max, else 0, also where x is NaN. At the limits themselves g passes,
 * as in torch.clamp, so that a value clipped to its limit can move back inside
 * @throws ValueError for min > max, a NaN limit, or a dtype that is not float
 * @source torch.clamp
 */
export function clamp(x: Tensor, min = -Infinity, max = Infinity): Tensor {
  checkNumber('clamp', 'min', min, () => true, 'a number');
  checkNumber('clamp', 'max', max, () => true, 'a number');
  if (min > max) throw new ValueError('clamp', 'min must not exceed max', `min=${min}, max=${max}`);
  return apply(table.clamp, [x], { alpha: min, beta: max });
}

function numberOf(op: string, name: string, value: number): number {
  checkNumber(op, name, value, () => true, 'a number');
  return value;
}

const gate: Op<{ slope: number }> = {
  name: 'gate',
  lower: ([g], attrs) => call('gate', attrs, { shape: g.shape, dtype: g.dtype }),
  saves: [1],
  backward: ({ grad, inputs: [, x], attrs, needs }) => [
    needs[0] ? gateBy(grad, x, attrs.slope) : null,
    needs[1] ? grad.zerosLike() : null,
  ],
};
/** g where x > 0, else slope·g. This one kernel is the gradient of relu and leakyRelu. */
const gateBy = (g: Tensor, x: Tensor, slope: number, spare = false): Tensor =>
  spare ? applyInPlace(gate, [g, x], { slope }, g) : apply(gate, [g, x], { slope });

const unaryGrad: Op<{ fn: UnaryGradFn }> = {
  name: 'unaryGrad',
  lower: ([g], attrs) => call('unaryGrad', attrs, { shape: g.shape, dtype: g.dtype }),
};
/**
 * g times the slope at `v`. One kernel computes it, unless the gradient itself is recorded; then it
 * is composed of ops.
 */
function bySlope(
  fn: UnaryGradFn,
  { grad, spare }: BackwardStep<UnaryAttrs>,
  v: Tensor,
  slope: (v: Tensor) => Tensor,
): Tensor {
  if (isTracking()) return grad.mul(slope(v));
  return spare ? applyInPlace(unaryGrad, [grad, v], { fn }, grad) : apply(unaryGrad, [grad, v], { fn });
}

const castOp: Op<{ dtype: DType }> = {
  name: 'cast',
  lower: ([x], { dtype }) => call('cast', {}, { shape: x.shape, dtype }),
  backward: ({ grad, inputs: [x] }) => [grad.cast(x.dtype)],
};
/**
 * Converts to another dtype. Conversion to int32 truncates. A number out of int32's range gives the
 * nearest limit, and NaN gives 0, on every device. (PyTorch's result then depends on the
 * processor.) Conversion to bool is x ≠ 0, which is true for NaN.
 * @shape x [any] → y, as x
 * @units to int32: [−2³¹, 2³¹); on gpu devices whole numbers are exact only up to 2²⁴
 * @gradient g, between float dtypes
 * @throws DeviceError for a dtype that the device lacks
 * @source torch.Tensor.to
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor('cast', 'input', x);
  if (x.dtype === dtype) return x;
  checkDType('cast', dtype);
  return apply(castOp, [x], { dtype });
}

const test = (fn: 'logicalNot' | 'isNaN'): Op<UnaryAttrs> => ({
  name: fn,
  lower: ([x]) => call('unary', { fn, alpha: 0, beta: 0 }, { shape: x.shape, dtype: 'bool' }),
});
/**
 * True where x is 0 or false.
 * @shape x [any] → y, as x, bool
 * @gradient none
 * @throws GraphError for a released input
 * @source torch.logical_not
 */
export const logicalNot = simple(test('logicalNot'));
/**
 * True where x is NaN.
 * @shape x [any] → y, as x, bool
 * @gradient none
 * @throws GraphError for a released input
 * @source torch.isnan
 */
export const isNaN = simple(test('isNaN'));
