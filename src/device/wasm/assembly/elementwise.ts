/**
 * Elementwise kernels. Each function has a loop of its own over whole vectors. The last elements
 * are computed as one more vector in scratch memory, of which only the needed lanes are stored.
 * Not here: the functions of one operand (unary.ts), reading broadcast operands (operands.ts).
 */
import { Opcode } from '../protocol/command';
import { BinaryWord, GateWord, UnaryWord, WhereWord } from '../protocol/elementwise';
import { BinaryCode } from '../protocol/functions';
import { address, arg, next, number, scratch } from './core';
import { power, sigmoid4, splat } from './math';
import { after, locate, step } from './operands';
import { storeLanes } from './tiles';
import { atan24 } from './trigonometry';
import { truth, unaryRun } from './unary';

/** Elements per chunk, unless the command says otherwise. */
const block = 8192;
/** Bytes of scratch memory per operand. */
const slot: usize = 36864;

/** A function of one operand. */
function unary(p: usize, thread: i32): void {
  const size = arg(p, UnaryWord.size);
  const fn = arg(p, UnaryWord.fn);
  const alpha = splat(number(p, UnaryWord.alpha));
  const beta = splat(number(p, UnaryWord.beta));
  const aside = scratch(thread);
  for (let c = next(); c * block < size; c = next()) {
    const offset = (<usize>(c * block)) << 2;
    const count = min(block, size - c * block);
    const to = address(p, UnaryWord.to) + offset;
    const from = address(p, UnaryWord.from) + offset;
    unaryRun(fn, to, from, count & ~3, alpha, beta);
    if ((count & 3) == 0) continue;
    const whole = (<usize>(count & ~3)) << 2;
    unaryRun(fn, aside, from + whole, 4, alpha, beta);
    storeLanes(to + whole, v128.load(aside), count & 3);
  }
}

@inline
function pow4(a: v128, b: v128): v128 {
  let y = splat(power(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, power(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, power(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, power(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
}

@inline
function fmod4(a: v128, b: v128): v128 {
  let y = splat(f32x4.extract_lane(a, 0) % f32x4.extract_lane(b, 0));
  y = f32x4.replace_lane(y, 1, f32x4.extract_lane(a, 1) % f32x4.extract_lane(b, 1));
  y = f32x4.replace_lane(y, 2, f32x4.extract_lane(a, 2) % f32x4.extract_lane(b, 2));
  return f32x4.replace_lane(y, 3, f32x4.extract_lane(a, 3) % f32x4.extract_lane(b, 3));
}
/** The remainder of whole numbers. That by 0 is 0. */
@inline
function remainder(a: i32, b: i32): i32 {
  return b == 0 ? 0 : a % b;
}
@inline
function wordFmod4(a: v128, b: v128): v128 {
  let y = i32x4.splat(remainder(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)));
  y = i32x4.replace_lane(y, 1, remainder(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)));
  y = i32x4.replace_lane(y, 2, remainder(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)));
  return i32x4.replace_lane(y, 3, remainder(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)));
}

@unmanaged class Add { @inline of(a: v128, b: v128): v128 { return f32x4.add(a, b); } }
@unmanaged class Sub { @inline of(a: v128, b: v128): v128 { return f32x4.sub(a, b); } }
@unmanaged class Mul { @inline of(a: v128, b: v128): v128 { return f32x4.mul(a, b); } }
@unmanaged class Div { @inline of(a: v128, b: v128): v128 { return f32x4.div(a, b); } }
@unmanaged class Pow { @inline of(a: v128, b: v128): v128 { return pow4(a, b); } }
@unmanaged class Maximum { @inline of(a: v128, b: v128): v128 { return f32x4.max(a, b); } }
@unmanaged class Minimum { @inline of(a: v128, b: v128): v128 { return f32x4.min(a, b); } }
@unmanaged class Equal { @inline of(a: v128, b: v128): v128 { return truth(f32x4.eq(a, b)); } }
@unmanaged class NotEqual { @inline of(a: v128, b: v128): v128 { return truth(f32x4.ne(a, b)); } }
@unmanaged class Less { @inline of(a: v128, b: v128): v128 { return truth(f32x4.lt(a, b)); } }
@unmanaged class LessEqual { @inline of(a: v128, b: v128): v128 { return truth(f32x4.le(a, b)); } }
@unmanaged class Fmod { @inline of(a: v128, b: v128): v128 { return fmod4(a, b); } }
@unmanaged class Atan2 { @inline of(a: v128, b: v128): v128 { return atan24(a, b); } }
// Gradients of activations. g is the incoming gradient; y is the output, x the input of the
// activation.

@unmanaged class SigmoidGrad {
  @inline of(g: v128, y: v128): v128 { return f32x4.mul(g, f32x4.mul(y, f32x4.sub(splat(1), y))); }
}
@unmanaged class TanhGrad {
  @inline of(g: v128, y: v128): v128 { return f32x4.mul(g, f32x4.sub(splat(1), f32x4.mul(y, y))); }
}
@unmanaged class SoftplusGrad { @inline of(g: v128, x: v128): v128 { return f32x4.mul(g, sigmoid4(x)); } }
@unmanaged class SiluGrad {
  @inline of(g: v128, x: v128): v128 {
    const s = sigmoid4(x);
    const y = f32x4.mul(s, f32x4.add(f32x4.mul(x, f32x4.sub(splat(1), s)), splat(1)));
    return f32x4.mul(g, y);
  }
}

@unmanaged class WordAdd { @inline of(a: v128, b: v128): v128 { return i32x4.add(a, b); } }
@unmanaged class WordSub { @inline of(a: v128, b: v128): v128 { return i32x4.sub(a, b); } }
@unmanaged class WordMul { @inline of(a: v128, b: v128): v128 { return i32x4.mul(a, b); } }
@unmanaged class WordMaximum { @inline of(a: v128, b: v128): v128 { return i32x4.max_s(a, b); } }
@unmanaged class WordMinimum { @inline of(a: v128, b: v128): v128 { return i32x4.min_s(a, b); } }
@unmanaged class WordFmod { @inline of(a: v128, b: v128): v128 { return wordFmod4(a, b); } }
@unmanaged class WordEqual { @inline of(a: v128, b: v128): v128 { return truth(i32x4.eq(a, b)); } }
@unmanaged class WordNotEqual { @inline of(a: v128, b: v128): v128 { return truth(i32x4.ne(a, b)); } }
@unmanaged class WordLess { @inline of(a: v128, b: v128): v128 { return truth(i32x4.lt_s(a, b)); } }
@unmanaged class WordLessEqual { @inline of(a: v128, b: v128): v128 { return truth(i32x4.le_s(a, b)); } }

function binaryLoop<F>(to: usize, a: usize, aStep: usize, b: usize, bStep: usize, count: i32): void {
  for (const end = to + ((<usize>count) << 2); to < end; to += 16, a += aStep, b += bStep)
    v128.store(to, changetype<F>(<usize>0).of(v128.load(a), v128.load(b)));
}

/** Computes `count` elements, a multiple of 4. */
function binaryRun(fn: i32, to: usize, a: usize, aStep: usize, b: usize, bStep: usize, count: i32): void {
  switch (fn) {
    case BinaryCode.add: return binaryLoop<Add>(to, a, aStep, b, bStep, count);
    case BinaryCode.sub: return binaryLoop<Sub>(to, a, aStep, b, bStep, count);
    case BinaryCode.mul: return binaryLoop<Mul>(to, a, aStep, b, bStep, count);
    case BinaryCode.div: return binaryLoop<Div>(to, a, aStep, b, bStep, count);
    case BinaryCode.pow: return binaryLoop<Pow>(to, a, aStep, b, bStep, count);
    case BinaryCode.maximum: return binaryLoop<Maximum>(to, a, aStep, b, bStep, count);
    case BinaryCode.minimum: return binaryLoop<Minimum>(to, a, aStep, b, bStep, count);
    case BinaryCode.equal: return binaryLoop<Equal>(to, a, aStep, b, bStep, count);
    case BinaryCode.notEqual: return binaryLoop<NotEqual>(to, a, aStep, b, bStep, count);
    case BinaryCode.less: return binaryLoop<Less>(to, a, aStep, b, bStep, count);
    case BinaryCode.lessEqual: return binaryLoop<LessEqual>(to, a, aStep, b, bStep, count);
    case BinaryCode.fmod: return binaryLoop<Fmod>(to, a, aStep, b, bStep, count);
    case BinaryCode.atan2: return binaryLoop<Atan2>(to, a, aStep, b, bStep, count);
    case BinaryCode.sigmoidGrad: return binaryLoop<SigmoidGrad>(to, a, aStep, b, bStep, count);
    case BinaryCode.tanhGrad: return binaryLoop<TanhGrad>(to, a, aStep, b, bStep, count);
    case BinaryCode.softplusGrad: return binaryLoop<SoftplusGrad>(to, a, aStep, b, bStep, count);
    case BinaryCode.siluGrad: return binaryLoop<SiluGrad>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordAdd: return binaryLoop<WordAdd>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordSub: return binaryLoop<WordSub>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordMul: return binaryLoop<WordMul>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordMaximum: return binaryLoop<WordMaximum>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordMinimum: return binaryLoop<WordMinimum>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordFmod: return binaryLoop<WordFmod>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordEqual: return binaryLoop<WordEqual>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordNotEqual: return binaryLoop<WordNotEqual>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordLess: return binaryLoop<WordLess>(to, a, aStep, b, bStep, count);
    case BinaryCode.wordLessEqual: return binaryLoop<WordLessEqual>(to, a, aStep, b, bStep, count);
    default:
      unreachable();
  }
}

/** A function of two operands. */
function binary(p: usize, thread: i32): void {
  const size = arg(p, BinaryWord.size);
  const chunk = arg(p, BinaryWord.chunk);
  const fn = arg(p, BinaryWord.fn);
  const pa = p + (BinaryWord.operands << 2);
  const pb = after(pa);
  const aStep = step(pa);
  const bStep = step(pb);
  const aside = scratch(thread);
  let fresh = true;
  for (let c = next(); c * chunk < size; c = next()) {
    const start = c * chunk;
    const count = min(chunk, size - start);
    const a = locate(pa, start, count, aside + slot, fresh);
    const b = locate(pb, start, count, aside + slot * 2, fresh);
    fresh = false;
    const to = address(p, BinaryWord.to) + ((<usize>start) << 2);
    const vectors = <usize>(count >> 2);
    binaryRun(fn, to, a, aStep, b, bStep, count & ~3);
    if ((count & 3) == 0) continue;
    binaryRun(fn, aside, a + vectors * aStep, 16, b + vectors * bStep, 16, 4);
    storeLanes(to + vectors * 16, v128.load(aside), count & 3);
  }
}

/** a where the condition holds, else b. */
function where(p: usize, thread: i32): void {
  const size = arg(p, WhereWord.size);
  const chunk = arg(p, WhereWord.chunk);
  const pc = p + (WhereWord.operands << 2);
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
    let condition = locate(pc, start, count, aside, fresh);
    let a = locate(pa, start, count, aside + slot, fresh);
    let b = locate(pb, start, count, aside + slot * 2, fresh);
    fresh = false;
    for (
      let to = address(p, WhereWord.to) + ((<usize>start) << 2);
      count > 0;
      count -= 4, to += 16, condition += cStep, a += aStep, b += bStep
    )
      storeLanes(to, v128.bitselect(v128.load(a), v128.load(b), i32x4.ne(v128.load(condition), i32x4.splat(0))), count);
  }
}

/** g where x > 0, and slope·g elsewhere. With slope 0, also g where x is NaN. */
function gate(p: usize): void {
  const size = arg(p, GateWord.size);
  const slope = splat(number(p, GateWord.slope));
  const closed = number(p, GateWord.slope) == 0;
  for (let c = next(); c * block < size; c = next()) {
    const offset = (<usize>(c * block)) << 2;
    let to = address(p, GateWord.to) + offset;
    let g = address(p, GateWord.g) + offset;
    let x = address(p, GateWord.x) + offset;
    let count = min(block, size - c * block);
    if (closed)
      for (; count > 0; count -= 4, to += 16, g += 16, x += 16)
        storeLanes(to, v128.andnot(v128.load(g), f32x4.le(v128.load(x), splat(0))), count);
    for (; count > 0; count -= 4, to += 16, g += 16, x += 16) {
      const v = v128.load(g);
      storeLanes(to, v128.bitselect(v, f32x4.mul(v, slope), f32x4.gt(v128.load(x), splat(0))), count);
    }
  }
}

export function dispatchElementwise(opcode: i32, p: usize, thread: i32): void {
  if (opcode == Opcode.unary) unary(p, thread);
  else if (opcode == Opcode.binary) binary(p, thread);
  else if (opcode == Opcode.where) where(p, thread);
  else if (opcode == Opcode.gate) gate(p);
  else unreachable();
}
