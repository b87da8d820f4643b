/**
 * Resizing of one axis by interpolation: which positions of the input the output reads, and with
 * which weights. Images and series share it. Not here: the ops (resize.ts, resize1d.ts), means over
 * the parts of an axis (adaptive-pool.ts).
 */
import { checkNumber, type OptionNames, shown } from '../../arguments.js';
import { ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { allocate } from '../../values/dtype.js';
import { parse, type TensorData } from '../../values/nested.js';
import type { Shape } from '../../values/shape.js';
import { endWith } from '../lifetimes.js';

/** How the positions of an interpolation are computed and read. */
export interface SamplingOptions {
  /** Whether the centres of the corner pixels keep their position. Default false. */
  alignCorners?: boolean;
  /**
   * Whether pixels are areas and the outer edges keep their position. Default: the opposite of
   * alignCorners. With both false, the top left corner keeps its position (TensorFlow 1).
   */
  halfPixelCenters?: boolean;
  /**
   * The rule of positions by ONNX's names, in place of the two options above. 'half_pixel' is the
   * default rule, 'align_corners' is alignCorners, and 'asymmetric' is the rule with both false.
   * 'pytorch_half_pixel' is 'half_pixel', but an output of one pixel reads the first one.
   */
  coordinateTransformation?: 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';
  /**
   * How 'nearest' rounds a position; the two first ones differ at halves. Default 'floor' where the
   * top left corner keeps its position, else 'round_prefer_ceil'.
   */
  nearestMode?: 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';
  /**
   * The coefficient of the cubic convolution, −0.75 in PyTorch and −0.5 in Keys 1981. Default
   * −0.75.
   */
  cubicCoefficient?: number;
  /**
   * Whether a cubic interpolation leaves out pixels outside of the image, and divides by the sum of
   * the other weights. Otherwise the edge is repeated. Default false.
   */
  excludeOutside?: boolean;
  /**
   * Whether a scale stands for the ratio of the rounded size to the input's. With false, positions
   * are computed from the scale as given, as PyTorch does by default and ONNX always. Default true.
   */
  recomputeScaleFactor?: boolean;
}
export const samplingOptions: OptionNames<SamplingOptions> = {
  alignCorners: 'flag',
  halfPixelCenters: 'flag',
  coordinateTransformation: 'value',
  nearestMode: 'value',
  cubicCoefficient: 'value',
  excludeOutside: 'flag',
  recomputeScaleFactor: 'flag',
};

/** One axis of a resize. One step of the output is a/b steps of the input. */
interface SampledAxis {
  readonly input: number;
  readonly output: number;
  readonly a: number;
  readonly b: number;
}
/**
 * The position of output pixel i in the input, as a fraction p/q. Ratios of sizes give whole
 * numbers, which keep the fraction, and so ties, exact. p is negative before the centre of the
 * first pixel.
 */
type SamplingRule = (i: number, axis: SampledAxis) => readonly [p: number, q: number];
const halfPixel: SamplingRule = (i, { a, b }) => [(2 * i + 1) * a - b, 2 * b];
const aligned: SamplingRule = (i, { input, output }) => (output === 1 ? [0, 1] : [i * (input - 1), output - 1]);
const legacy: SamplingRule = (i, { a, b }) => [i * a, b];
const rules: Readonly<Record<NonNullable<SamplingOptions['coordinateTransformation']>, SamplingRule>> = {
  half_pixel: halfPixel,
  pytorch_half_pixel: (i, axis) => (axis.output === 1 ? [0, 1] : halfPixel(i, axis)),
  align_corners: aligned,
  asymmetric: legacy,
};

/** p/q, rounded down. */
const floorDiv = (p: number, q: number): number => Math.floor(p / q);
/** p/q, rounded to a whole number in each way. */
const roundings: Readonly<Record<NonNullable<SamplingOptions['nearestMode']>, (p: number, q: number) => number>> = {
  round_prefer_floor: (p, q) => -floorDiv(q - 2 * p, 2 * q),
  round_prefer_ceil: (p, q) => floorDiv(2 * p + q, 2 * q),
  floor: floorDiv,
  ceil: (p, q) => -floorDiv(-p, q),
};

/** A checked interpolation. */
export interface Sampling {
  readonly method: 'linear' | 'nearest' | 'cubic';
  readonly rule: SamplingRule;
  readonly rounding: (p: number, q: number) => number;
  readonly coefficient: number;
  readonly excludeOutside: boolean;
  readonly recomputes: boolean;
  /** Whether 'linear' copies an axis that keeps its size, whatever the scale. PyTorch does. */
  readonly copies: boolean;
}

function checkName(op: string, name: string, value: unknown, known: object): void {
  const names = Object.keys(known);
  if (typeof value !== 'string' || !names.includes(value))
    throw new ValueError(
      op,
      `${name} must be one of ${names.map((n) => `'${n}'`).join(', ')}`,
      `${name}=${shown(value)}`,
    );
}

/** The rule of positions that the options name. */
function ruleOf(op: string, options: SamplingOptions): SamplingRule {
  const { alignCorners = false, halfPixelCenters = !alignCorners, coordinateTransformation: named } = options;
  if (named !== undefined) {
    checkName(op, 'coordinateTransformation', named, rules);
    if (options.alignCorners !== undefined || options.halfPixelCenters !== undefined)
      throw new ValueError(
        op,
        'coordinateTransformation stands in place of alignCorners and halfPixelCenters',
        `coordinateTransformation=${named}, with one of them`,
      );
    return rules[named];
  }
  if (alignCorners && halfPixelCenters)
    throw new ValueError(
      op,
      'alignCorners and halfPixelCenters exclude each other',
      'both true',
      'both false is the legacy rule of TensorFlow 1',
    );
  return alignCorners ? aligned : halfPixelCenters ? halfPixel : legacy;
}

/** Options that serve one method only, by the method's name inside this file. */
const needs: readonly (readonly [keyof SamplingOptions, 'nearest' | 'cubic'])[] = [
  ['nearestMode', 'nearest'],
  ['cubicCoefficient', 'cubic'],
  ['excludeOutside', 'cubic'],
];

/**
 * Checks the options of an interpolation. `methods` are the names of the op's methods, and what
 * they stand for. Null stands for means over parts of the image.
 */
export function samplingOf(
  op: string,
  options: SamplingOptions & { readonly method?: string; readonly size?: unknown; readonly scale?: unknown },
  methods: Readonly<Record<string, 'linear' | 'nearest' | 'cubic' | 'area'>>,
): Sampling | null {
  const { size, scale, nearestMode, cubicCoefficient = -0.75, excludeOutside = false } = options;
  checkSizeOrScale(op, size, scale);
  const [usual] = Object.keys(methods);
  const { method: name = usual } = options;
  checkName(op, 'method', name, methods);
  const method = methods[name];
  for (const [option, needed] of needs)
    if (options[option] !== undefined && method !== needed) {
      const proper = Object.keys(methods).find((key) => methods[key] === needed);
      throw new ValueError(op, `${option} goes with method '${proper}'`, `method=${name}`);
    }
  if (size !== undefined && options.recomputeScaleFactor !== undefined)
    throw new ValueError(op, 'recomputeScaleFactor goes with a scale', `size=${shown(size)}`);
  if (nearestMode !== undefined) checkName(op, 'nearestMode', nearestMode, roundings);
  checkNumber(op, 'cubicCoefficient', cubicCoefficient, Number.isFinite, 'a finite number');
  const rule = ruleOf(op, options);
  if (method === 'area') {
    const given = (['alignCorners', 'halfPixelCenters', 'coordinateTransformation'] as const).find(
      (option) => options[option] !== undefined,
    );
    if (given !== undefined) throw new ValueError(op, `method 'area' has no ${given}`, `${given}=${options[given]}`);
    return null;
  }
  return {
    method,
    rule,
    rounding: roundings[nearestMode ?? (rule === legacy ? 'floor' : 'round_prefer_ceil')],
    coefficient: cubicCoefficient,
    excludeOutside,
    recomputes: options.recomputeScaleFactor ?? true,
    copies: options.coordinateTransformation === undefined,
  };
}

/** Checks that one of two options is given. */
function checkSizeOrScale(op: string, size: unknown, scale: unknown): void {
  const got = size === undefined ? 'neither' : `size=${shown(size)}, scale=${shown(scale)}`;
  if ((size === undefined) === (scale === undefined))
    throw new ValueError(op, 'one of size and scale must be given', got);
}

/** Uploads numbers to x's device, in x's dtype. `shape` defaults to the shape of the numbers. */
export function uploaded(op: string, x: Tensor, numbers: TensorData, shape?: Shape): Tensor {
  const parsed = parse(op, numbers);
  const data = allocate(x.dtype, parsed.data.length);
  data.set(parsed.data);
  return x.upload(data, x.dtype, shape ?? parsed.shape);
}

/** The shape in which numbers along an axis broadcast to x's axes. */
const along = (x: Tensor, axis: number, ...sizes: readonly number[]): number[] => [
  ...sizes,
  ...x.shape.slice(axis + 1).fill(1),
];

/** Resizes one axis. `scale` is the one given; without it the ratio of the sizes counts. */
export function resizeAxis(
  op: string,
  x: Tensor,
  axis: number,
  output: number,
  sampling: Sampling,
  scale?: number,
): Tensor {
  const { method, rule, rounding, recomputes, copies } = sampling;
  const input = x.shape[axis];
  const keepsRatio = scale === undefined || recomputes || rule === aligned;
  // By the ratio of equal sizes every rule is the identity.
  if (output === input && (keepsRatio || scale === 1 || (copies && method === 'linear'))) return x;
  const sampled = { input, output, ...(keepsRatio ? { a: input, b: output } : { a: 1, b: scale }) };
  const inside = (cell: number): number => Math.min(Math.max(cell, 0), input - 1);
  const positions = Array.from({ length: output }, (_, i) => rule(i, sampled));
  if (method === 'nearest')
    return x.indexSelect(
      positions.map(([p, q]) => inside(rounding(p, q))),
      axis,
    );
  if (method === 'cubic') return cubic(op, x, axis, positions, sampling);
  const low = positions.map(([p, q]) => inside(floorDiv(Math.max(p, 0), q)));
  const weights = Float64Array.from(positions, ([p, q]) => (Math.max(p, 0) % q) / q);
  const a = x.indexSelect(low, axis);
  if (weights.every((w) => w === 0)) return a;
  const b = x.indexSelect(
    low.map((i) => inside(i + 1)),
    axis,
  );
  const weight = uploaded(op, x, weights, along(x, axis, output));
  // TensorFlow's formula. Unlike a·(1 − w) + b·w, it keeps a constant area exactly constant.
  return endWith(a.add(b.sub(a).mul(weight)), weight);
}

/** The weight of a pixel at a distance in the cubic convolution (Keys 1981). */
export function cubicWeight(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
}

/** The four pixels around each position, with their weights. */
function cubic(
  op: string,
  x: Tensor,
  axis: number,
  positions: readonly (readonly [p: number, q: number])[],
  { coefficient, excludeOutside }: Sampling,
): Tensor {
  const input = x.shape[axis];
  const output = positions.length;
  const cells = new Int32Array(output * 4);
  const weights = new Float64Array(output * 4);
  for (const [i, [p, q]] of positions.entries()) {
    const low = floorDiv(p, q);
    const offset = (p - low * q) / q;
    const own = [-1, 0, 1, 2].map((k) =>
      excludeOutside && (low + k < 0 || low + k >= input) ? 0 : cubicWeight(k - offset, coefficient),
    );
    const sum = excludeOutside ? own.reduce((total, w) => total + w) : 1;
    for (const [k, w] of own.entries()) {
      cells[i * 4 + k] = Math.min(Math.max(low - 1 + k, 0), input - 1);
      weights[i * 4 + k] = w / sum;
    }
  }
  const weight = uploaded(op, x, weights, along(x, axis, output, 4));
  const taps = x.indexSelect(cells, axis);
  const apart = taps.reshape([...x.shape.slice(0, axis), output, 4, ...x.shape.slice(axis + 1)]);
  return endWith(apart.mul(weight).sum(axis + 1), weight);
}
