/**
 * The functions of one operand, each as a loop of its own over whole vectors.
 * Not here: the command that calls them (elementwise.ts), and their arithmetic (math.ts,
 * trigonometry.ts).
 */
import { UnaryCode } from '../protocol/functions';
import {
  erf4,
  exp4,
  expm1Down4,
  log1p4,
  log4,
  sigmoidLoop,
  siluLoop,
  softplus4,
  splat,
  tanh4,
} from './math';
import {
  acos4,
  acosh4,
  asin4,
  asinh4,
  atan4,
  atanh4,
  cos4,
  cosh4,
  expm14,
  sin4,
  sinh4,
  tan4,
} from './trigonometry';

const sign = 0x80000000;

/** 1 where a mask is set, else 0. */
@inline
export function truth(mask: v128): v128 {
  return v128.and(mask, i32x4.splat(1));
}

// Each function is a class, so that the loop is compiled for each one separately.

@unmanaged class Neg { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.neg(x); } }
@unmanaged class Exp { @inline of(x: v128, alpha: v128, beta: v128): v128 { return exp4(x); } }
@unmanaged class Log { @inline of(x: v128, alpha: v128, beta: v128): v128 { return log4(x); } }
@unmanaged class Log1p { @inline of(x: v128, alpha: v128, beta: v128): v128 { return log1p4(x); } }
@unmanaged class Sqrt { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.sqrt(x); } }
@unmanaged class Abs { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.abs(x); } }
/** Returns ±0 and NaN unchanged. */
@unmanaged class Sign {
  @inline of(x: v128, alpha: v128, beta: v128): v128 {
    const one = v128.or(v128.and(x, i32x4.splat(sign)), splat(1));
    return v128.bitselect(one, x, v128.or(f32x4.lt(x, splat(0)), f32x4.gt(x, splat(0))));
  }
}
/** Returns NaN unchanged, because pmax returns its first operand if either is NaN. */
@unmanaged class Relu { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.pmax(x, splat(0)); } }
@unmanaged class LeakyRelu {
  @inline of(x: v128, alpha: v128, beta: v128): v128 {
    return v128.bitselect(x, f32x4.mul(x, alpha), f32x4.gt(x, splat(0)));
  }
}
@unmanaged class Elu {
  @inline of(x: v128, alpha: v128, beta: v128): v128 {
    return v128.bitselect(x, f32x4.mul(expm1Down4(f32x4.pmin(x, splat(0))), alpha), f32x4.gt(x, splat(0)));
  }
}
@unmanaged class Gelu {
  @inline of(x: v128, alpha: v128, beta: v128): v128 {
    const y = f32x4.add(erf4(f32x4.mul(x, splat(0.70710678118654752))), splat(1));
    return f32x4.mul(f32x4.mul(x, splat(0.5)), y);
  }
}
@unmanaged class Tanh { @inline of(x: v128, alpha: v128, beta: v128): v128 { return tanh4(x); } }
@unmanaged class Softplus { @inline of(x: v128, alpha: v128, beta: v128): v128 { return softplus4(x); } }
@unmanaged class Erf { @inline of(x: v128, alpha: v128, beta: v128): v128 { return erf4(x); } }
@unmanaged class Clamp {
  @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.min(f32x4.max(x, alpha), beta); }
}
@unmanaged class IsZero { @inline of(x: v128, alpha: v128, beta: v128): v128 { return truth(f32x4.eq(x, splat(0))); } }
@unmanaged class IsNaN { @inline of(x: v128, alpha: v128, beta: v128): v128 { return truth(f32x4.ne(x, x)); } }
@unmanaged class Floor { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.floor(x); } }
@unmanaged class Ceil { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.ceil(x); } }
@unmanaged class Round { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.nearest(x); } }
@unmanaged class Trunc { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.trunc(x); } }
@unmanaged class Expm1 { @inline of(x: v128, alpha: v128, beta: v128): v128 { return expm14(x); } }
@unmanaged class Sin { @inline of(x: v128, alpha: v128, beta: v128): v128 { return sin4(x); } }
@unmanaged class Cos { @inline of(x: v128, alpha: v128, beta: v128): v128 { return cos4(x); } }
@unmanaged class Tan { @inline of(x: v128, alpha: v128, beta: v128): v128 { return tan4(x); } }
@unmanaged class Asin { @inline of(x: v128, alpha: v128, beta: v128): v128 { return asin4(x); } }
@unmanaged class Acos { @inline of(x: v128, alpha: v128, beta: v128): v128 { return acos4(x); } }
@unmanaged class Atan { @inline of(x: v128, alpha: v128, beta: v128): v128 { return atan4(x); } }
@unmanaged class Sinh { @inline of(x: v128, alpha: v128, beta: v128): v128 { return sinh4(x); } }
@unmanaged class Cosh { @inline of(x: v128, alpha: v128, beta: v128): v128 { return cosh4(x); } }
@unmanaged class Asinh { @inline of(x: v128, alpha: v128, beta: v128): v128 { return asinh4(x); } }
@unmanaged class Acosh { @inline of(x: v128, alpha: v128, beta: v128): v128 { return acosh4(x); } }
@unmanaged class Atanh { @inline of(x: v128, alpha: v128, beta: v128): v128 { return atanh4(x); } }
@unmanaged class WordIsZero {
  @inline of(x: v128, alpha: v128, beta: v128): v128 { return truth(i32x4.eq(x, i32x4.splat(0))); }
}
@unmanaged class IsNotZero {
  @inline of(x: v128, alpha: v128, beta: v128): v128 { return truth(f32x4.ne(x, splat(0))); }
}
@unmanaged class WordIsNotZero {
  @inline of(x: v128, alpha: v128, beta: v128): v128 { return truth(i32x4.ne(x, i32x4.splat(0))); }
}
@unmanaged class ToInt { @inline of(x: v128, alpha: v128, beta: v128): v128 { return i32x4.trunc_sat_f32x4_s(x); } }
@unmanaged class ToFloat { @inline of(x: v128, alpha: v128, beta: v128): v128 { return f32x4.convert_i32x4_s(x); } }

function unaryLoop<F>(to: usize, from: usize, count: i32, alpha: v128, beta: v128): void {
  for (const end = to + ((<usize>count) << 2); to < end; to += 16, from += 16)
    v128.store(to, changetype<F>(<usize>0).of(v128.load(from), alpha, beta));
}

/** Computes `count` elements, a multiple of 4. */
export function unaryRun(fn: i32, to: usize, from: usize, count: i32, alpha: v128, beta: v128): void {
  switch (fn) {
    case UnaryCode.neg: return unaryLoop<Neg>(to, from, count, alpha, beta);
    case UnaryCode.exp: return unaryLoop<Exp>(to, from, count, alpha, beta);
    case UnaryCode.log: return unaryLoop<Log>(to, from, count, alpha, beta);
    case UnaryCode.log1p: return unaryLoop<Log1p>(to, from, count, alpha, beta);
    case UnaryCode.sqrt: return unaryLoop<Sqrt>(to, from, count, alpha, beta);
    case UnaryCode.abs: return unaryLoop<Abs>(to, from, count, alpha, beta);
    case UnaryCode.sign: return unaryLoop<Sign>(to, from, count, alpha, beta);
    case UnaryCode.relu: return unaryLoop<Relu>(to, from, count, alpha, beta);
    case UnaryCode.leakyRelu: return unaryLoop<LeakyRelu>(to, from, count, alpha, beta);
    case UnaryCode.elu: return unaryLoop<Elu>(to, from, count, alpha, beta);
    case UnaryCode.gelu: return unaryLoop<Gelu>(to, from, count, alpha, beta);
    case UnaryCode.silu: return siluLoop(to, from, count);
    case UnaryCode.sigmoid: return sigmoidLoop(to, from, count);
    case UnaryCode.tanh: return unaryLoop<Tanh>(to, from, count, alpha, beta);
    case UnaryCode.softplus: return unaryLoop<Softplus>(to, from, count, alpha, beta);
    case UnaryCode.erf: return unaryLoop<Erf>(to, from, count, alpha, beta);
    case UnaryCode.clamp: return unaryLoop<Clamp>(to, from, count, alpha, beta);
    case UnaryCode.logicalNot: return unaryLoop<IsZero>(to, from, count, alpha, beta);
    case UnaryCode.isNaN: return unaryLoop<IsNaN>(to, from, count, alpha, beta);
    case UnaryCode.floor: return unaryLoop<Floor>(to, from, count, alpha, beta);
    case UnaryCode.ceil: return unaryLoop<Ceil>(to, from, count, alpha, beta);
    case UnaryCode.round: return unaryLoop<Round>(to, from, count, alpha, beta);
    case UnaryCode.trunc: return unaryLoop<Trunc>(to, from, count, alpha, beta);
    case UnaryCode.expm1: return unaryLoop<Expm1>(to, from, count, alpha, beta);
    case UnaryCode.sin: return unaryLoop<Sin>(to, from, count, alpha, beta);
    case UnaryCode.cos: return unaryLoop<Cos>(to, from, count, alpha, beta);
    case UnaryCode.tan: return unaryLoop<Tan>(to, from, count, alpha, beta);
    case UnaryCode.asin: return unaryLoop<Asin>(to, from, count, alpha, beta);
    case UnaryCode.acos: return unaryLoop<Acos>(to, from, count, alpha, beta);
    case UnaryCode.atan: return unaryLoop<Atan>(to, from, count, alpha, beta);
    case UnaryCode.sinh: return unaryLoop<Sinh>(to, from, count, alpha, beta);
    case UnaryCode.cosh: return unaryLoop<Cosh>(to, from, count, alpha, beta);
    case UnaryCode.asinh: return unaryLoop<Asinh>(to, from, count, alpha, beta);
    case UnaryCode.acosh: return unaryLoop<Acosh>(to, from, count, alpha, beta);
    case UnaryCode.atanh: return unaryLoop<Atanh>(to, from, count, alpha, beta);
    case UnaryCode.wordIsZero: return unaryLoop<WordIsZero>(to, from, count, alpha, beta);
    case UnaryCode.isNotZero: return unaryLoop<IsNotZero>(to, from, count, alpha, beta);
    case UnaryCode.wordIsNotZero: return unaryLoop<WordIsNotZero>(to, from, count, alpha, beta);
    case UnaryCode.toInt: return unaryLoop<ToInt>(to, from, count, alpha, beta);
    case UnaryCode.toFloat: return unaryLoop<ToFloat>(to, from, count, alpha, beta);
    default:
      unreachable();
  }
}
