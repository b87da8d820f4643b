/**
 * Elementwise kernels. One loop per function, over whole vectors; what is left over is one more vector beside the array, of which the wanted lanes are stored.
 * A broadcast operand is laid out in the thread's scratch, a chunk at a time, so that the loops see plain runs; a single element is a vector that is read again and again.
 */
import { Opcode } from '../protocol/command';
import { arg, next, number, scratch } from './core';
import { down4, erf4, exp4, expm1Down4, log1p4, log4, power, sigmoid4, sigmoidLoop, siluLoop, softplus4, splat, tanh4 } from './math';
import { storeLanes } from './tiles';

/** Elements of a chunk where nothing is laid out. */
const block = 8192;
/** Bytes of scratch per operand. */
const slot: usize = 36864;
const sign = 0x80000000;

// @ts-ignore: decorator
@inline
function truth(mask: v128): v128 {
  return v128.and(mask, i32x4.splat(1));
}

// Each function is a class, so that its loop is compiled for it alone.

@unmanaged
class Neg {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return f32x4.neg(x);
  }
}
@unmanaged
class Exp {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return exp4(x);
  }
}
@unmanaged
class Log {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return log4(x);
  }
}
@unmanaged
class Log1p {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return log1p4(x);
  }
}
@unmanaged
class Sqrt {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return f32x4.sqrt(x);
  }
}
@unmanaged
class Abs {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return f32x4.abs(x);
  }
}
/** ±0 and NaN stay. */
@unmanaged
class Sign {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return v128.bitselect(v128.or(v128.and(x, i32x4.splat(sign)), splat(1)), x, v128.or(f32x4.lt(x, splat(0)), f32x4.gt(x, splat(0))));
  }
}
/** NaN stays: pmax gives its first operand when either is NaN. */
@unmanaged
class Relu {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return f32x4.pmax(x, splat(0));
  }
}
@unmanaged
class LeakyRelu {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return v128.bitselect(x, f32x4.mul(x, alpha), f32x4.gt(x, splat(0)));
  }
}
@unmanaged
class Elu {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return v128.bitselect(x, f32x4.mul(expm1Down4(f32x4.pmin(x, splat(0))), alpha), f32x4.gt(x, splat(0)));
  }
}
@unmanaged
class Gelu {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    const y = f32x4.add(erf4(f32x4.mul(x, splat(0.70710678118654752))), splat(1));
    return f32x4.mul(f32x4.mul(x, splat(0.5)), y);
  }
}
@unmanaged
class Tanh {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return tanh4(x);
  }
}
@unmanaged
class Softplus {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return softplus4(x);
  }
}
@unmanaged
class Erf {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return erf4(x);
  }
}
@unmanaged
class Clamp {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return f32x4.min(f32x4.max(x, alpha), beta);
  }
}
@unmanaged
class IsZero {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return truth(f32x4.eq(x, splat(0)));
  }
}
@unmanaged
class IsNaN {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return truth(f32x4.ne(x, x));
  }
}
@unmanaged
class WordIsZero {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return truth(i32x4.eq(x, i32x4.splat(0)));
  }
}
@unmanaged
class IsNotZero {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return truth(f32x4.ne(x, splat(0)));
  }
}
@unmanaged
class WordIsNotZero {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return truth(i32x4.ne(x, i32x4.splat(0)));
  }
}
@unmanaged
class ToInt {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return i32x4.trunc_sat_f32x4_s(x);
  }
}
@unmanaged
class ToFloat {
  // @ts-ignore: decorator
  @inline
  of(x: v128, alpha: v128, beta: v128): v128 {
    return f32x4.convert_i32x4_s(x);
  }
}

function unaryLoop<F>(to: usize, from: usize, count: i32, alpha: v128, beta: v128): void {
  for (const end = to + (<usize>count << 2); to < end; to += 16, from += 16) v128.store(to, changetype<F>(0).of(v128.load(from), alpha, beta));
}

/** `count` elements, a multiple of 4; functions in the order of src/device/wasm/elementwise.ts. */
function unaryRun(fn: i32, to: usize, from: usize, count: i32, alpha: v128, beta: v128): void {
  switch (fn) {
    case 0: return unaryLoop<Neg>(to, from, count, alpha, beta);
    case 1: return unaryLoop<Exp>(to, from, count, alpha, beta);
    case 2: return unaryLoop<Log>(to, from, count, alpha, beta);
    case 3: return unaryLoop<Log1p>(to, from, count, alpha, beta);
    case 4: return unaryLoop<Sqrt>(to, from, count, alpha, beta);
    case 5: return unaryLoop<Abs>(to, from, count, alpha, beta);
    case 6: return unaryLoop<Sign>(to, from, count, alpha, beta);
    case 7: return unaryLoop<Relu>(to, from, count, alpha, beta);
    case 8: return unaryLoop<LeakyRelu>(to, from, count, alpha, beta);
    case 9: return unaryLoop<Elu>(to, from, count, alpha, beta);
    case 10: return unaryLoop<Gelu>(to, from, count, alpha, beta);
    case 11: return siluLoop(to, from, count);
    case 12: return sigmoidLoop(to, from, count);
    case 13: return unaryLoop<Tanh>(to, from, count, alpha, beta);
    case 14: return unaryLoop<Softplus>(to, from, count, alpha, beta);
    case 15: return unaryLoop<Erf>(to, from, count, alpha, beta);
    case 16: return unaryLoop<Clamp>(to, from, count, alpha, beta);
    case 17: return unaryLoop<IsZero>(to, from, count, alpha, beta);
    case 18: return unaryLoop<IsNaN>(to, from, count, alpha, beta);
    case 19: return unaryLoop<WordIsZero>(to, from, count, alpha, beta);
    case 20: return unaryLoop<IsNotZero>(to, from, count, alpha, beta);
    case 21: return unaryLoop<WordIsNotZero>(to, from, count, alpha, beta);
    case 22: return unaryLoop<ToInt>(to, from, count, alpha, beta);
    case 23: return unaryLoop<ToFloat>(to, from, count, alpha, beta);
    default: unreachable();
  }
}

/** to, from, elements, function, alpha, beta. */
function unary(p: usize, thread: i32): void {
  const size = arg(p, 2);
  const fn = arg(p, 3);
  const alpha = splat(number(p, 4));
  const beta = splat(number(p, 5));
  const aside = scratch(thread);
  for (let c = next(); c * block < size; c = next()) {
    const offset = <usize>(c * block) << 2;
    const count = min(block, size - c * block);
    const to = <usize>arg(p, 0) + offset;
    const from = <usize>arg(p, 1) + offset;
    unaryRun(fn, to, from, count & ~3, alpha, beta);
    if ((count & 3) == 0) continue;
    const whole = <usize>(count & ~3) << 2;
    unaryRun(fn, aside, from + whole, 4, alpha, beta);
    storeLanes(to + whole, v128.load(aside), count & 3);
  }
}

/** How an operand is read; the order of src/device/wasm/elementwise.ts. */
const enum Mode {
  /** As the output is written. */
  plain,
  /** One element, at an address. */
  single,
  /** One element, in the command. */
  value,
  /** Laid out for every chunk. */
  spread,
  /** Laid out once: every chunk sees the same. */
  repeated,
}

/** An operand in a command: address or value, mode, rank, sizes, strides (0, or words). The address after it. */
// @ts-ignore: decorator
@inline
function after(p: usize): usize {
  return p + <usize>(12 + (arg(p, 2) << 3));
}

/** Lays out elements from `start` on, in the output's order. Writes up to 3 more. */
function layOut(p: usize, to: usize, start: i32, count: i32): void {
  const from = <usize>arg(p, 0);
  const rank = arg(p, 2);
  const sizes = p + 12;
  const strides = sizes + (<usize>rank << 2);
  const inner = arg(sizes, rank - 1);
  const runs = arg(strides, rank - 1) != 0;
  let row = start / inner;
  let column = start % inner;
  for (; count > 0; row++, column = 0) {
    let offset = 0;
    let rest = row;
    for (let k = rank - 2; k > 0; k--) {
      const size = arg(sizes, k);
      offset += (rest % size) * arg(strides, k);
      rest /= size;
    }
    if (rank > 1) offset += rest * arg(strides, 0);
    const take = min(inner - column, count);
    const end = to + (<usize>take << 2);
    let at = from + (<usize>offset << 2);
    if (runs) {
      at += <usize>column << 2;
      for (let t = to; t < end; t += 16, at += 16) v128.store(t, v128.load(at));
    } else {
      const v = v128.load32_splat(at);
      for (let t = to; t < end; t += 16) v128.store(t, v);
    }
    to = end;
    count -= take;
  }
}

/** Where an operand's elements from `start` on lie. `aside`: its slot; fresh: at a thread's first chunk. */
function place(p: usize, start: i32, count: i32, aside: usize, fresh: bool): usize {
  const mode = arg(p, 1);
  if (mode == Mode.plain) return <usize>arg(p, 0) + (<usize>start << 2);
  if (mode == Mode.spread) layOut(p, aside, start, count);
  else if (fresh) {
    if (mode == Mode.repeated) layOut(p, aside, start, count);
    else v128.store(aside, i32x4.splat(mode == Mode.value ? arg(p, 0) : load<i32>(arg(p, 0))));
  }
  return aside;
}
/** Bytes from one vector of an operand to the next. */
// @ts-ignore: decorator
@inline
function step(p: usize): usize {
  const mode = arg(p, 1);
  return mode == Mode.single || mode == Mode.value ? 0 : 16;
}

// @ts-ignore: decorator
@inline
function pow4(a: v128, b: v128): v128 {
  let y = splat(power(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, power(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, power(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, power(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
}

@unmanaged
class Add {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}
@unmanaged
class Sub {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
}
@unmanaged
class Mul {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}
@unmanaged
class Div {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
}
@unmanaged
class Pow {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return pow4(a, b);
  }
}
@unmanaged
class Maximum {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
}
@unmanaged
class Minimum {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
}
@unmanaged
class Equal {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(f32x4.eq(a, b));
  }
}
@unmanaged
class NotEqual {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(f32x4.ne(a, b));
  }
}
@unmanaged
class Less {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(f32x4.lt(a, b));
  }
}
@unmanaged
class LessEqual {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(f32x4.le(a, b));
  }
}
// The slopes of activations, times the gradient g: at the output y, or at the input x.

@unmanaged
class SigmoidGrad {
  // @ts-ignore: decorator
  @inline
  of(g: v128, y: v128): v128 {
    return f32x4.mul(g, f32x4.mul(y, f32x4.sub(splat(1), y)));
  }
}
@unmanaged
class TanhGrad {
  // @ts-ignore: decorator
  @inline
  of(g: v128, y: v128): v128 {
    return f32x4.mul(g, f32x4.sub(splat(1), f32x4.mul(y, y)));
  }
}
@unmanaged
class SoftplusGrad {
  // @ts-ignore: decorator
  @inline
  of(g: v128, x: v128): v128 {
    return f32x4.mul(g, sigmoid4(x));
  }
}
@unmanaged
class SiluGrad {
  // @ts-ignore: decorator
  @inline
  of(g: v128, x: v128): v128 {
    const s = sigmoid4(x);
    const y = f32x4.mul(s, f32x4.add(f32x4.mul(x, f32x4.sub(splat(1), s)), splat(1)));
    return f32x4.mul(g, y);
  }
}

@unmanaged
class WordAdd {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.add(a, b);
  }
}
@unmanaged
class WordSub {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.sub(a, b);
  }
}
@unmanaged
class WordMul {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.mul(a, b);
  }
}
@unmanaged
class WordMaximum {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.max_s(a, b);
  }
}
@unmanaged
class WordMinimum {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.min_s(a, b);
  }
}
@unmanaged
class WordEqual {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(i32x4.eq(a, b));
  }
}
@unmanaged
class WordNotEqual {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(i32x4.ne(a, b));
  }
}
@unmanaged
class WordLess {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(i32x4.lt_s(a, b));
  }
}
@unmanaged
class WordLessEqual {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(i32x4.le_s(a, b));
  }
}

function binaryLoop<F>(to: usize, a: usize, aStep: usize, b: usize, bStep: usize, count: i32): void {
  for (const end = to + (<usize>count << 2); to < end; to += 16, a += aStep, b += bStep) v128.store(to, changetype<F>(0).of(v128.load(a), v128.load(b)));
}

/** `count` elements, a multiple of 4; functions in the order of src/device/wasm/elementwise.ts, from 16 on the same for words. */
function binaryRun(fn: i32, to: usize, a: usize, aStep: usize, b: usize, bStep: usize, count: i32): void {
  switch (fn) {
    case 0: return binaryLoop<Add>(to, a, aStep, b, bStep, count);
    case 1: return binaryLoop<Sub>(to, a, aStep, b, bStep, count);
    case 2: return binaryLoop<Mul>(to, a, aStep, b, bStep, count);
    case 3: return binaryLoop<Div>(to, a, aStep, b, bStep, count);
    case 4: return binaryLoop<Pow>(to, a, aStep, b, bStep, count);
    case 5: return binaryLoop<Maximum>(to, a, aStep, b, bStep, count);
    case 6: return binaryLoop<Minimum>(to, a, aStep, b, bStep, count);
    case 7: return binaryLoop<Equal>(to, a, aStep, b, bStep, count);
    case 8: return binaryLoop<NotEqual>(to, a, aStep, b, bStep, count);
    case 9: return binaryLoop<Less>(to, a, aStep, b, bStep, count);
    case 10: return binaryLoop<LessEqual>(to, a, aStep, b, bStep, count);
    case 11: return binaryLoop<SigmoidGrad>(to, a, aStep, b, bStep, count);
    case 12: return binaryLoop<TanhGrad>(to, a, aStep, b, bStep, count);
    case 13: return binaryLoop<SoftplusGrad>(to, a, aStep, b, bStep, count);
    case 14: return binaryLoop<SiluGrad>(to, a, aStep, b, bStep, count);
    case 16: return binaryLoop<WordAdd>(to, a, aStep, b, bStep, count);
    case 17: return binaryLoop<WordSub>(to, a, aStep, b, bStep, count);
    case 18: return binaryLoop<WordMul>(to, a, aStep, b, bStep, count);
    case 21: return binaryLoop<WordMaximum>(to, a, aStep, b, bStep, count);
    case 22: return binaryLoop<WordMinimum>(to, a, aStep, b, bStep, count);
    case 23: return binaryLoop<WordEqual>(to, a, aStep, b, bStep, count);
    case 24: return binaryLoop<WordNotEqual>(to, a, aStep, b, bStep, count);
    case 25: return binaryLoop<WordLess>(to, a, aStep, b, bStep, count);
    case 26: return binaryLoop<WordLessEqual>(to, a, aStep, b, bStep, count);
    default: unreachable();
  }
}

/** to, elements, elements of a chunk, function, a, b (operands). */
function binary(p: usize, thread: i32): void {
  const size = arg(p, 1);
  const chunk = arg(p, 2);
  const fn = arg(p, 3);
  const pa = p + 16;
  const pb = after(pa);
  const aStep = step(pa);
  const bStep = step(pb);
  const aside = scratch(thread);
  let fresh = true;
  for (let c = next(); c * chunk < size; c = next()) {
    const start = c * chunk;
    const count = min(chunk, size - start);
    const a = place(pa, start, count, aside + slot, fresh);
    const b = place(pb, start, count, aside + slot * 2, fresh);
    fresh = false;
    const to = <usize>arg(p, 0) + (<usize>start << 2);
    const vectors = <usize>(count >> 2);
    binaryRun(fn, to, a, aStep, b, bStep, count & ~3);
    if ((count & 3) == 0) continue;
    binaryRun(fn, aside, a + vectors * aStep, 16, b + vectors * bStep, 16, 4);
    storeLanes(to + vectors * 16, v128.load(aside), count & 3);
  }
}

/** to, elements, elements of a chunk, condition, a, b (operands). */
function select(p: usize, thread: i32): void {
  const size = arg(p, 1);
  const chunk = arg(p, 2);
  const pc = p + 12;
  const pa = after(pc);
  const pb = after(pa);
  const cStep = step(pc);
  const aStep = step(pa);
  const bStep = step(pb);
  const aside = scratch(thread);
  let fresh = true;
  for (let c = next(); c * chunk < size; c = next()) {
    const start = c * chunk;
    let count = min(chunk, size - start);
    let condition = place(pc, start, count, aside, fresh);
    let a = place(pa, start, count, aside + slot, fresh);
    let b = place(pb, start, count, aside + slot * 2, fresh);
    fresh = false;
    for (let to = <usize>arg(p, 0) + (<usize>start << 2); count > 0; count -= 4, to += 16, condition += cStep, a += aStep, b += bStep)
      storeLanes(to, v128.bitselect(v128.load(a), v128.load(b), i32x4.ne(v128.load(condition), i32x4.splat(0))), count);
  }
}

/** to, g, x, elements, slope. */
function gate(p: usize): void {
  const size = arg(p, 3);
  const slope = splat(number(p, 4));
  const closed = number(p, 4) == 0;
  for (let c = next(); c * block < size; c = next()) {
    const offset = <usize>(c * block) << 2;
    let to = <usize>arg(p, 0) + offset;
    let g = <usize>arg(p, 1) + offset;
    let x = <usize>arg(p, 2) + offset;
    let count = min(block, size - c * block);
    if (closed)
      for (; count > 0; count -= 4, to += 16, g += 16, x += 16) storeLanes(to, v128.andnot(v128.load(g), f32x4.le(v128.load(x), splat(0))), count);
    for (; count > 0; count -= 4, to += 16, g += 16, x += 16) {
      const v = v128.load(g);
      storeLanes(to, v128.bitselect(v, f32x4.mul(v, slope), f32x4.gt(v128.load(x), splat(0))), count);
    }
  }
}

export function dispatchElementwise(opcode: i32, p: usize, thread: i32): void {
  if (opcode == Opcode.unary) unary(p, thread);
  else if (opcode == Opcode.binary) binary(p, thread);
  else if (opcode == Opcode.select) select(p, thread);
  else if (opcode == Opcode.gate) gate(p);
  else unreachable();
}
