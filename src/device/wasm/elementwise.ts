/**
 * Commands for elementwise kernels. This file decides how a broadcast operand is read: in place, as
 * a single element, or copied chunk by chunk into the output's order.
 */
import { DeviceError } from '../../errors.js';
import type { DType } from '../../values/dtype.js';
import { broadcastStrides, collapse, type Shape, sizeOf } from '../../values/shape.js';
import type { BinaryFn, ComparisonFn, UnaryFn, UnaryGradFn } from '../device.js';
import { bits, type Encoder, type Family, type WasmOperand, worthSharing } from './commands.js';
import { Opcode } from './protocol/command.js';
import { BinaryCode, OperandMode, UnaryCode } from './protocol/functions.js';

/** The functions with a number of their own. The other two are computed with exchanged operands. */
type NumberedFn = Exclude<BinaryFn, 'greater' | 'greaterEqual'>;

// The compiler rejects these two lines when an enum lacks a function.
const unaryCodes: Readonly<Record<UnaryFn, UnaryCode>> = UnaryCode;
const binaryCodes: Readonly<Record<NumberedFn, BinaryCode>> = BinaryCode;
const wordCodes: Readonly<Record<Exclude<NumberedFn, 'div' | 'pow' | 'atan2'>, BinaryCode>> = {
  add: BinaryCode.wordAdd,
  sub: BinaryCode.wordSub,
  mul: BinaryCode.wordMul,
  maximum: BinaryCode.wordMaximum,
  minimum: BinaryCode.wordMinimum,
  equal: BinaryCode.wordEqual,
  notEqual: BinaryCode.wordNotEqual,
  less: BinaryCode.wordLess,
  lessEqual: BinaryCode.wordLessEqual,
  fmod: BinaryCode.wordFmod,
};
const gradCodes: Readonly<Record<UnaryGradFn, BinaryCode>> = {
  sigmoid: BinaryCode.sigmoidGrad,
  tanh: BinaryCode.tanhGrad,
  softplus: BinaryCode.softplusGrad,
  silu: BinaryCode.siluGrad,
};
const comparisons: Readonly<Record<ComparisonFn, true>> = {
  equal: true,
  notEqual: true,
  less: true,
  lessEqual: true,
  greater: true,
  greaterEqual: true,
};
const isComparison = (fn: BinaryFn): boolean => fn in comparisons;

/** Elements per chunk if an operand is copied into the output's order. */
const layoutChunk = 4096;
const mostLayout = 8192;

/** An operand in the output's order, by sizes and strides, or a number (as a word). */
interface Source {
  readonly at: number;
  readonly mode: OperandMode;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

const valueSource = (word: number): Source => ({ at: word, mode: OperandMode.value, sizes: [], strides: [] });

function sourceOf({ shape, buffer }: WasmOperand, to: Shape): Source {
  const {
    sizes,
    strides: [strides],
  } = collapse(to, [broadcastStrides(shape, to)]);
  const at = buffer.address;
  if (sizes.length > 1)
    return { at, mode: strides[0] === 0 ? OperandMode.repeated : OperandMode.spread, sizes, strides };
  return { at, mode: strides[0] === 0 ? OperandMode.single : OperandMode.plain, sizes: [], strides: [] };
}

const periodOf = ({ sizes }: Source): number => sizeOf(sizes.slice(1));

/**
 * The number of elements per chunk, and the operands' words. An operand that repeats is copied only
 * once if a chunk can be a whole number of its periods.
 */
function layout(sources: readonly Source[]): { chunk: number; words: number[] } {
  let chunk = mostLayout;
  if (sources.some(({ mode }) => mode === OperandMode.spread || mode === OperandMode.repeated)) {
    const periods = sources.filter(({ mode }) => mode === OperandMode.repeated).map(periodOf);
    const period = Math.max(1, ...periods.filter((n) => n <= mostLayout));
    chunk = Math.max(Math.floor(layoutChunk / period), 1) * period;
  }
  const words = sources.flatMap((source) => {
    const { at, sizes, strides } = source;
    const mode =
      source.mode === OperandMode.repeated && chunk % periodOf(source) !== 0 ? OperandMode.spread : source.mode;
    return [at, mode, sizes.length, ...sizes, ...strides];
  });
  return { chunk, words };
}

function emitUnary(to: Encoder, code: UnaryCode, from: WasmOperand, into: WasmOperand, alpha = 0, beta = 0): void {
  const size = sizeOf(into.shape);
  if (size > 0)
    to.emit(Opcode.unary, size > worthSharing, [
      into.buffer.address,
      from.buffer.address,
      size,
      code,
      bits(alpha),
      bits(beta),
    ]);
}

const emitFill = (to: Encoder, { buffer, shape }: WasmOperand, word: number): void =>
  to.emit(Opcode.fill, sizeOf(shape) > worthSharing, [buffer.address, sizeOf(shape), word]);

function codeOf(fn: NumberedFn, words: boolean, dtype: DType): BinaryCode {
  if (!words) return binaryCodes[fn];
  if (fn === 'div' || fn === 'pow' || fn === 'atan2')
    throw new DeviceError(
      fn,
      'operands must be float32',
      dtype,
      "convert with cast('float32'), or use device('reference')",
    );
  return wordCodes[fn];
}

function emitBinary(to: Encoder, fn: BinaryFn, words: boolean, a: Source, b: Source, into: WasmOperand): void {
  const size = sizeOf(into.shape);
  if (size === 0) return;
  const mirrored = fn === 'greater' || fn === 'greaterEqual';
  const code = codeOf(mirrored ? (fn === 'greater' ? 'less' : 'lessEqual') : fn, words, into.dtype);
  const { chunk, words: operands } = layout(mirrored ? [b, a] : [a, b]);
  to.emit(Opcode.binary, size > worthSharing, [into.buffer.address, size, chunk, code, ...operands]);
  if (into.dtype === 'bool' && !isComparison(fn)) emitUnary(to, UnaryCode.wordIsNotZero, into, into);
}

export const elementwise: Family<'unary' | 'binary' | 'binaryScalar' | 'where' | 'gate' | 'unaryGrad' | 'cast'> = {
  unary(to, [x], { fn, alpha, beta }, [y]) {
    if (x.dtype === 'float32') return emitUnary(to, unaryCodes[fn], x, y, alpha, beta);
    if (fn === 'logicalNot') return emitUnary(to, UnaryCode.wordIsZero, x, y);
    if (fn === 'isNaN') return emitFill(to, y, 0);
    throw new DeviceError(
      fn,
      'the input must be float32',
      x.dtype,
      "convert with cast('float32'), or use device('reference')",
    );
  },

  binary(to, [a, b], { fn }, [c]) {
    emitBinary(to, fn, (isComparison(fn) ? a : c).dtype !== 'float32', sourceOf(a, c.shape), sourceOf(b, c.shape), c);
  },

  binaryScalar(to, [a], { fn, scalar, reverse }, [c]) {
    const x = sourceOf(a, c.shape);
    const words = (isComparison(fn) ? a : c).dtype !== 'float32';
    // x·x is equally exact and cheaper than pow.
    if (fn === 'pow' && !reverse && !words && scalar === 2) return emitBinary(to, 'mul', false, x, x, c);
    let number = scalar;
    if (words && scalar !== (scalar | 0)) {
      // With a number out of int32's range, the result of some functions is the same for every x.
      const limited = Math.min(Math.max(scalar, -(2 ** 31)), 2 ** 31 - 1);
      const [l, r] = reverse ? [scalar, 0] : [0, scalar];
      const decided: Partial<Record<BinaryFn, number>> = {
        equal: 0,
        notEqual: 1,
        less: Number(l < r),
        lessEqual: Number(l <= r),
        greater: Number(l > r),
        greaterEqual: Number(l >= r),
        maximum: scalar > limited ? scalar | 0 : undefined,
        minimum: scalar < limited ? scalar | 0 : undefined,
      };
      const result = decided[fn];
      if (result !== undefined) return emitFill(to, c, result);
      number = fn === 'maximum' || fn === 'minimum' ? limited : scalar | 0;
    }
    const s = valueSource(words ? number : bits(number));
    emitBinary(to, fn, words, reverse ? s : x, reverse ? x : s, c);
  },

  where(to, [condition, a, b], _attrs, [c]) {
    const size = sizeOf(c.shape);
    if (size === 0) return;
    const { chunk, words } = layout([condition, a, b].map((operand) => sourceOf(operand, c.shape)));
    to.emit(Opcode.where, size > worthSharing, [c.buffer.address, size, chunk, ...words]);
  },

  gate(to, [g, x], { slope }, [y]) {
    const size = sizeOf(y.shape);
    if (size > 0)
      to.emit(Opcode.gate, size > worthSharing, [
        y.buffer.address,
        g.buffer.address,
        x.buffer.address,
        size,
        bits(slope),
      ]);
  },

  unaryGrad(to, [g, v], { fn }, [y]) {
    const size = sizeOf(y.shape);
    if (size === 0) return;
    const { chunk, words } = layout([sourceOf(g, y.shape), sourceOf(v, y.shape)]);
    to.emit(Opcode.binary, size > worthSharing, [y.buffer.address, size, chunk, gradCodes[fn], ...words]);
  },

  cast(to, [x], _attrs, [y]) {
    const fromFloat = x.dtype === 'float32';
    if (y.dtype === 'bool' && x.dtype !== 'bool')
      return emitUnary(to, fromFloat ? UnaryCode.isNotZero : UnaryCode.wordIsNotZero, x, y);
    if (y.dtype === 'float32' && !fromFloat) return emitUnary(to, UnaryCode.toFloat, x, y);
    if (y.dtype === 'int32' && fromFloat) return emitUnary(to, UnaryCode.toInt, x, y);
    const size = sizeOf(y.shape);
    if (size > 0 && x.buffer.address !== y.buffer.address)
      to.emit(Opcode.copy, size > worthSharing, [y.buffer.address, x.buffer.address, size]);
  },
};
