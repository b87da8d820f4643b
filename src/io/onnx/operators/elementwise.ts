/**
 * Functions of one element, arithmetic and comparisons with broadcasting, and conversions: the
 * export. The import is in elementwise-import.ts.
 */
import type { BinaryFn, KernelAttrs, UnaryFn } from '../../../device/device.js';
import { type Builder, typeOf } from '../builder.js';
import { Float } from '../graph.js';
import type { Call, Value } from '../record.js';
import type { Exporters } from './table.js';

type UnaryAttrs = KernelAttrs['unary'];
type UnaryExport = (graph: Builder, x: string, attrs: UnaryAttrs, from: Value) => string;

/** An operator of the same meaning. */
const same =
  (operator: string): UnaryExport =>
  (graph, x) =>
    graph.one(operator, [x]);
const withAlpha =
  (operator: string): UnaryExport =>
  (graph, x, { alpha }) =>
    graph.one(operator, [x], { alpha: new Float(alpha) });

const unaryExports: Readonly<Record<UnaryFn, UnaryExport>> = {
  neg: same('Neg'),
  exp: same('Exp'),
  log: same('Log'),
  sqrt: same('Sqrt'),
  abs: same('Abs'),
  sign: same('Sign'),
  relu: same('Relu'),
  sigmoid: same('Sigmoid'),
  tanh: same('Tanh'),
  softplus: same('Softplus'),
  erf: same('Erf'),
  floor: same('Floor'),
  ceil: same('Ceil'),
  round: same('Round'),
  sin: same('Sin'),
  cos: same('Cos'),
  tan: same('Tan'),
  asin: same('Asin'),
  acos: same('Acos'),
  atan: same('Atan'),
  sinh: same('Sinh'),
  cosh: same('Cosh'),
  asinh: same('Asinh'),
  acosh: same('Acosh'),
  atanh: same('Atanh'),
  trunc: (graph, x, _, { dtype }) => {
    const isBelow = graph.one('Less', [x, graph.scalar(0, dtype)]);
    return graph.one('Where', [isBelow, graph.one('Ceil', [x]), graph.one('Floor', [x])]);
  },
  // (e^x − 1)·x/log(e^x), which loses no digits near 0 (Kahan). It is used there only.
  expm1: (graph, x, _, { dtype }) => {
    const one = graph.scalar(1, dtype);
    const power = graph.one('Exp', [x]);
    const rest = graph.one('Sub', [power, one]);
    const isTiny = graph.one('Equal', [power, one]);
    const log = graph.one('Where', [isTiny, one, graph.one('Log', [power])]);
    const near = graph.one('Where', [isTiny, x, graph.one('Mul', [rest, graph.one('Div', [x, log])])]);
    const isNear = graph.one('Less', [graph.one('Abs', [x]), one]);
    return graph.one('Where', [isNear, near, rest]);
  },
  leakyRelu: withAlpha('LeakyRelu'),
  elu: withAlpha('Elu'),
  silu: (graph, x) => graph.one('Mul', [x, graph.one('Sigmoid', [x])]),
  gelu: (graph, x, _, { dtype }) => {
    if (graph.opset >= 20) return graph.one('Gelu', [x]);
    const scalar = (value: number): string => graph.scalar(value, dtype);
    const erf = graph.one('Erf', [graph.one('Div', [x, scalar(Math.SQRT2)])]);
    return graph.one('Mul', [graph.one('Mul', [x, graph.one('Add', [erf, scalar(1)])]), scalar(0.5)]);
  },
  // log(1 + x)·x/((1 + x) − 1), which loses no digits near 0 (Kahan).
  log1p: (graph, x, _, { dtype }) => {
    const one = graph.scalar(1, dtype);
    const sum = graph.one('Add', [x, one]);
    const rest = graph.one('Sub', [sum, one]);
    const isSmall = graph.one('Equal', [rest, graph.scalar(0, dtype)]);
    const isHuge = graph.one('Equal', [rest, x]);
    const scaled = graph.one('Mul', [
      graph.one('Log', [sum]),
      graph.one('Div', [x, graph.one('Where', [isSmall, one, rest])]),
    ]);
    const exact = graph.one('Where', [isHuge, graph.one('Log', [sum]), scaled]);
    return graph.one('Where', [isSmall, x, exact]);
  },
  clamp: (graph, x, { alpha, beta }, { dtype }) =>
    graph.one('Clip', [
      x,
      alpha === -Infinity ? '' : graph.scalar(alpha, dtype),
      beta === Infinity ? '' : graph.scalar(beta, dtype),
    ]),
  logicalNot: (graph, x, _, { dtype }) =>
    dtype === 'bool' ? graph.one('Not', [x]) : graph.one('Equal', [x, graph.scalar(0, dtype)]),
  isNaN: (graph, x, _, { dtype }) =>
    dtype === 'float32' ? graph.one('IsNaN', [x]) : graph.one('IsNaN', [graph.cast(x, 'float32')]),
};

type BinaryExport = (graph: Builder, a: string, b: string) => string;
const both =
  (operator: string): BinaryExport =>
  (graph, a, b) =>
    graph.one(operator, [a, b]);
/** An operator that opset 12 has, and before as one of two others. */
const orEqual =
  (operator: string, strict: string): BinaryExport =>
  (graph, a, b) =>
    graph.opset >= 12
      ? graph.one(operator, [a, b])
      : graph.one('Or', [graph.one(strict, [a, b]), graph.one('Equal', [a, b])]);

const binaryExports: Readonly<Record<BinaryFn, BinaryExport>> = {
  add: both('Add'),
  sub: both('Sub'),
  mul: both('Mul'),
  div: both('Div'),
  pow: both('Pow'),
  maximum: both('Max'),
  minimum: both('Min'),
  fmod: (graph, a, b) => graph.one('Mod', [a, b], { fmod: 1 }),
  atan2: (graph, y, x) => {
    const [zero, pi] = [graph.scalar(0, 'float32'), graph.scalar(Math.PI, 'float32')];
    const [half, low] = [Math.PI / 2, -Math.PI / 2].map((value) => graph.scalar(value, 'float32')) as [string, string];
    const pick = (condition: string, yes: string, no: string): string => graph.one('Where', [condition, yes, no]);
    const isAbove = graph.one('Greater', [y, zero]);
    const isBelow = graph.one('Less', [y, zero]);
    const slope = graph.one('Atan', [graph.one('Div', [y, x])]);
    const turned = pick(isBelow, graph.one('Sub', [slope, pi]), graph.one('Add', [slope, pi]));
    const upright = pick(isAbove, half, pick(isBelow, low, y));
    const isLeft = graph.one('Less', [x, zero]);
    return pick(graph.one('Equal', [x, zero]), upright, pick(isLeft, turned, slope));
  },
  equal: both('Equal'),
  notEqual: (graph, a, b) => graph.one('Not', [graph.one('Equal', [a, b])]),
  less: both('Less'),
  lessEqual: orEqual('LessOrEqual', 'Less'),
  greater: both('Greater'),
  greaterEqual: orEqual('GreaterOrEqual', 'Greater'),
};

const comparisons: readonly BinaryFn[] = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'];

/** A comparison of whole numbers with a number that int32 does not hold is one of floats. */
const comparable = ({ dtype }: Value, scalar: number) =>
  dtype === 'bool' ? 'int32' : dtype === 'int32' && scalar !== (scalar | 0) ? 'float64' : dtype;

function binary(graph: Builder, { attrs: { fn }, inputs, outputs }: Call<'binary'>): void {
  const y = outputs[0] as Value;
  const order = graph.orderFor(y.shape, inputs);
  const [a, b] = inputs.map((value) => {
    const tensor = graph.operand(value, order);
    return value.dtype === 'bool' ? graph.cast(tensor, 'int32') : tensor;
  }) as [string, string];
  const made = binaryExports[fn](graph, a, b);
  graph.set(y, order, y.dtype === 'bool' && !comparisons.includes(fn) ? graph.cast(made, 'bool') : made);
}

function binaryScalar(graph: Builder, { attrs, inputs, outputs }: Call<'binaryScalar'>): void {
  const { fn, scalar, reverse } = attrs;
  const x = inputs[0] as Value;
  const y = outputs[0] as Value;
  const order = graph.orderOf(x);
  const type = comparisons.includes(fn) ? comparable(x, scalar) : typeOf(y.dtype);
  const tensor = graph.get(x, order);
  const left = type === x.dtype ? tensor : graph.cast(tensor, type);
  const right = graph.scalar(scalar, type);
  graph.set(y, order, reverse ? binaryExports[fn](graph, right, left) : binaryExports[fn](graph, left, right));
}

export const elementwiseExports: Exporters = {
  unary: (graph, { attrs, inputs, outputs }) => {
    const x = inputs[0] as Value;
    const order = graph.orderOf(x);
    graph.set(outputs[0] as Value, order, unaryExports[attrs.fn](graph, graph.get(x, order), attrs, x));
  },
  binary,
  binaryScalar,
  where: (graph, { inputs, outputs }) => {
    const y = outputs[0] as Value;
    const order = graph.orderFor(y.shape, inputs);
    graph.set(
      y,
      order,
      graph.one(
        'Where',
        inputs.map((value) => graph.operand(value, order)),
      ),
    );
  },
  cast: (graph, { inputs, outputs }) => {
    const x = inputs[0] as Value;
    const y = outputs[0] as Value;
    const order = graph.orderOf(x);
    const tensor = graph.get(x, order);
    graph.set(y, order, x.dtype === y.dtype ? tensor : graph.cast(tensor, typeOf(y.dtype)));
  },
};
