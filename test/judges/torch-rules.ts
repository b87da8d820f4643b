/**
 * The calls of PyTorch's operator database that this library does not claim, each with its reason.
 * Every other call must be right. Not here: calls of which the Python side writes no values. It
 * counts them under one of `reasons`.
 */
import { Tensor } from '../../src/index.js';
import type { Arguments, WrittenCall } from './calls.js';

interface Rule {
  /** Names in the operator database. */
  readonly ops: RegExp;
  readonly reason: string;
  /** Whether the values are claimed all the same. */
  readonly gradientOnly?: boolean;
  readonly when: (a: Arguments, call: WrittenCall) => boolean;
}

export const reasons = {
  unwritable: 'a type other than float32, float64, int32 and bool',
  refused: 'PyTorch itself has no result or no gradient',
} as const;

const isError = (_: Arguments, call: WrittenCall): boolean => call.source === 'error';
const rank = (a: Arguments): number => (a.get('input') instanceof Tensor ? a.tensor('input').rank : -1);
const isEmpty = (a: Arguments): boolean => a.get('input') instanceof Tensor && a.tensor('input').size === 0;
/** linspace(0, 3, 1.0): numbers here have no type. */
const isOfFloat = (a: Arguments, call: WrittenCall): boolean => isError(a, call) && a.number('steps', 0) >= 1;
/** Whether a float tensor among the arguments holds a value for which `test` is true. */
const holds = (a: Arguments, test: (v: number) => boolean): boolean =>
  a.names
    .map((name) => a.get(name))
    .some((v) => v instanceof Tensor && v.dtype.startsWith('float') && v.dataSync().some(test));
const image = (name: string): RegExp => new RegExp(`^nn\\.functional\\.(${name})(\\.|$)`);
const repeats = (a: Arguments, call: WrittenCall): boolean => {
  const indices = a.tensor('indices');
  const size = indices.shape.slice(call.op.includes('1d') ? -1 : -2).reduce((x, y) => x * y);
  const data = indices.dataSync();
  const planes = Array.from({ length: indices.size / size }, (_, i) => data.subarray(i * size, (i + 1) * size));
  return planes.some((plane) => new Set(plane).size < plane.length);
};

const rules: readonly Rule[] = [
  { ops: /./, reason: 'out=, a result written into an argument', when: (a) => a.has('out') },
  {
    ops: /./,
    reason: 'an axis of a tensor without axes, which is an error here',
    when: (a) => rank(a) === 0 && ['dim', 'dim0'].some((name) => a.has(name) && typeof a.get(name) !== 'boolean'),
  },
  {
    ops: /^(add|sub|mul|div\.no_rounding_mode|true_divide|pow)$/,
    reason: 'two numbers, of which one must be a tensor here',
    when: (a) => typeof a.get('input') === 'number' && typeof a.get('other') === 'number',
  },
  {
    ops: /^(eq|ne|lt|le|gt|ge|rsub|__r\w+__|(max|min)\.binary|maximum|minimum|fmod|remainder|atan2)$/,
    reason: 'legal here: a number as either operand',
    when: (a, call) => isError(a, call) && ['input', 'other'].some((name) => typeof a.get(name) === 'number'),
  },

  {
    ops: /^(sort|argsort|topk)$/,
    reason: 'an axis of a tensor without axes, which is an error here',
    when: (a) => rank(a) === 0,
  },
  {
    ops: /^(gather|scatter_add)$/,
    reason: 'legal here: int32 indices; indices out of range in a tensor, which read 0 or are skipped',
    when: (a, call) => isError(a, call) && a.tensor('index').rank === rank(a),
  },

  {
    ops: /^linalg\.vector_norm$/,
    reason: 'an order that is rounded to float32 there',
    when: (a, call) => !isError(a, call) && Math.fround(a.number('ord', 2)) !== a.number('ord', 2),
  },

  // ---- elementwise
  {
    ops: /^fmod$/,
    reason: 'gradients where the rounded quotient is whole there and the exact one is not',
    gradientOnly: true,
    when: (a) => {
      const [x, y] = [a.get('input'), a.get('other')];
      if (!(x instanceof Tensor) || !(y instanceof Tensor) || x.size !== y.size) return false;
      const by = y.dataSync();
      return x.dataSync().some((v, i) => Math.abs(Math.abs(v % by[i]) - Math.abs(by[i])) < 1e-9 * Math.abs(v));
    },
  },
  { ops: /^sign$/, reason: 'NaN, whose sign is 0 there and NaN here', when: (a) => holds(a, Number.isNaN) },
  {
    ops: /^(abs|nn\.functional\.elu)$/,
    reason: 'gradients at NaN: abs has 0 there and NaN here, elu NaN there in float64 only',
    gradientOnly: true,
    when: (a) => holds(a, Number.isNaN),
  },
  {
    ops: image('selu|celu|relu6|hardtanh|hardsigmoid|hardswish'),
    reason: "gradients at NaN, which there depend on the element's place in its array or on the type",
    gradientOnly: true,
    when: (a) => holds(a, Number.isNaN),
  },
  {
    ops: image('hardswish'),
    reason: "gradients at 3, which there are 1 or 1.5 by the element's place in its array",
    gradientOnly: true,
    when: (a) => holds(a, (v) => v === 3),
  },
  {
    ops: image('hardsigmoid|celu'),
    reason: 'gradients in float64, which there have a factor that is rounded to float32',
    gradientOnly: true,
    when: (a, call) => call.dtype === 'float64' && a.number('alpha', 0.5) !== 1,
  },
  {
    ops: image('hardtanh'),
    reason: 'a min that is not less than max, which is an error here, and in the layer there',
    when: (a) => a.number('min_val', -1) >= a.number('max_val', 1),
  },
  {
    ops: /^int$/,
    reason: 'values outside of int32, which end at its limits here and at the lowest there',
    when: (a) => holds(a, (v) => !(Math.abs(v) < 2 ** 31)),
  },
  {
    ops: /^clamp$/,
    reason: 'tensors as limits',
    when: (a) => ['min', 'max'].some((name) => a.get(name) instanceof Tensor),
  },
  {
    ops: /dropout$/,
    reason: 'a random mask',
    when: (a) => a.flag('training', true) && a.number('p', 0.5) > 0 && a.number('p', 0.5) < 1,
  },
  { ops: /dropout$/, reason: 'p = 1, which is an error here', when: (a) => a.number('p', 0.5) === 1 },

  // ---- reductions and movement
  {
    ops: /^logsumexp$/,
    reason: 'gradients at 100 and beyond, where PyTorch takes exp(x − result), which loses digits',
    gradientOnly: true,
    when: (a) => holds(a, (v) => Math.abs(v) >= 100),
  },
  {
    ops: /^(amax|amin)$/,
    reason: 'legal here: more than 64 axes',
    when: (a, call) => isError(a, call) && rank(a) > 64,
  },
  {
    ops: /^squeeze$/,
    reason: 'an axis whose size is not 1, which is an error here',
    when: (a) => a.has('dim') && a.tensor('input').shape.at(a.number('dim', 0)) !== 1,
  },
  { ops: /^t$/, reason: 'fewer than two axes, which is an error here', when: (a) => rank(a) < 2 },
  { ops: /^t$/, reason: 'legal here: more than two axes', when: isError },
  { ops: /^mT$/, reason: 'fewer than two axes, which is an error here', when: (a) => rank(a) < 2 },
  {
    ops: /^cat$/,
    reason: 'an empty tensor of rank 1 among tensors of another rank, which PyTorch passes over',
    when: (a) => {
      const tensors = a.tensors('tensors').filter((t) => t instanceof Tensor);
      return tensors.some((t) => t.rank === 1 && t.size === 0) && tensors.some((t) => t.rank !== 1);
    },
  },

  // ---- making tensors
  {
    ops: /^arange$/,
    reason: 'no dtype: whole numbers give int64 there, float32 here',
    when: (a, call) => !isError(a, call) && !a.has('dtype'),
  },
  { ops: /^arange$/, reason: 'legal here: a step away from the end, which gives no elements', when: isError },
  { ops: /^linspace$/, reason: 'legal here: a number of points written as 1.0', when: isOfFloat },
  { ops: /^linspace$/, reason: 'no points, which is an error here', when: (a) => a.number('steps', 0) === 0 },

  // ---- images
  {
    ops: image('(adaptive_)?avg_pool1d'),
    reason: 'an empty batch, which is an error here',
    when: (a, call) => !isError(a, call) && isEmpty(a),
  },
  {
    ops: image('max_pool1d'),
    reason: 'legal here: series without channels',
    when: (a, call) => isError(a, call) && a.tensor('input').shape.at(-2) === 0,
  },
  {
    ops: image('max_unpool[12]d'),
    reason: 'indices that repeat, of which PyTorch keeps an arbitrary one',
    when: repeats,
  },
  {
    ops: image('interpolate|upsample_nearest'),
    reason: 'images of three dimensions',
    when: (a) => rank(a) === 5,
  },

  // ---- norms and losses
  { ops: image('batch_norm'), reason: 'an input of one axis, which has no channels', when: (a) => rank(a) === 1 },
  {
    ops: image('(group|layer)_norm'),
    reason: 'a negative eps, which is an error here',
    when: (a) => a.number('eps', 1) < 0,
  },
  { ops: image('(group|layer)_norm'), reason: 'an input without values, which is an error here', when: isEmpty },
  {
    ops: image('layer_norm'),
    reason:
      'gradients by the weight of one value in float32: (x − mean) / √(variance + eps) is 0 here, and rounding there',
    gradientOnly: true,
    when: (a, call) => call.dtype === 'float32' && (a.list('normalized_shape') ?? []).every((n) => n === 1),
  },
];

/** Under which rule a call falls; undefined for one that must be right. */
export const notClaimed = (call: WrittenCall, a: Arguments): Rule | undefined =>
  rules.find((rule) => rule.ops.test(call.op) && rule.when(a, call));
