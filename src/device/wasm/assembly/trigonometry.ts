/**
 * Trigonometric and hyperbolic functions, for four floats at a time. The error is one or two units
 * in the last place. The polynomials are those of the Cephes library.
 * Not here: exponentials and logarithms (math.ts).
 */
import { down4, exp4, expm1Down4, log1p4, log4, splat } from './math';
import { madd } from './tiles';

// exp4 and the others are long and would be inlined at each place of use. These are not.
function exponential(x: v128): v128 {
  return exp4(x);
}
function expm1Down(x: v128): v128 {
  return expm1Down4(x);
}
function logarithm(x: v128): v128 {
  return log4(x);
}
function log1p(x: v128): v128 {
  return log1p4(x);
}

const halfPi: f32 = 1.57079632679489662;
const pi: f32 = 3.14159265358979324;
const signs = 0x80000000;

/** `value` with the sign of x. */
@inline
function signed(value: v128, x: v128): v128 {
  return v128.bitselect(x, value, i32x4.splat(signs));
}
/** The numbers of quarter turns in two angles, rounded. */
@inline
function quarters(x: v128): v128 {
  return f64x2.nearest(f64x2.mul(x, f64x2.splat(0.63661977236758134)));
}
/** Two angles less n quarter turns. A quarter is subtracted in two parts. */
@inline
function restOf(x: v128, n: v128): v128 {
  const y = f64x2.sub(x, f64x2.mul(n, f64x2.splat(1.57079632673412561417)));
  return f64x2.sub(y, f64x2.mul(n, f64x2.splat(6.07710050650619224932e-11)));
}
/** n modulo 4, in the first two lanes. */
@inline
function turn(n: v128): v128 {
  const whole = f64x2.floor(f64x2.mul(n, f64x2.splat(0.25)));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.sub(n, f64x2.mul(whole, f64x2.splat(4))));
}
@inline
function lowHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}
@inline
function highHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1));
}
/**
 * Angles less whole quarter turns. They are reduced in double precision: the error is below 1e-7
 * for |x| up to 10⁹. Far beyond, the limits keep the sine in [−1, 1].
 */
function reduced(x: v128): v128 {
  const low = f32x4.demote_f64x2_zero(restOf(lowHalf(x), quarters(lowHalf(x))));
  const high = f32x4.demote_f64x2_zero(restOf(highHalf(x), quarters(highHalf(x))));
  return f32x4.pmax(f32x4.pmin(i64x2.shuffle(low, high, 0, 2), splat(0.79)), splat(-0.79));
}
/** The numbers of quarter turns that `reduced` subtracts, modulo 4. */
function quadrants(x: v128): v128 {
  return i64x2.shuffle(turn(quarters(lowHalf(x))), turn(quarters(highHalf(x))), 0, 2);
}
/** The sine for |x| ≤ π/4. */
function sinNear(x: v128, square: v128): v128 {
  let y = madd(splat(-1.9515295891e-4), square, splat(8.3321608736e-3));
  y = madd(y, square, splat(-1.6666654611e-1));
  return madd(f32x4.mul(y, square), x, x);
}
/** The cosine for |x| ≤ π/4. */
function cosNear(square: v128): v128 {
  let y = madd(splat(2.443315711809948e-5), square, splat(-1.388731625493765e-3));
  y = madd(y, square, splat(4.166664568298827e-2));
  return madd(f32x4.mul(y, square), square, madd(splat(-0.5), square, splat(1)));
}
/** The sine of x and `ahead` quarter turns. */
function sinAhead(x: v128, ahead: i32): v128 {
  const r = reduced(x);
  const quadrant = i32x4.add(quadrants(x), i32x4.splat(ahead));
  const square = f32x4.mul(r, r);
  const isOdd = i32x4.ne(v128.and(quadrant, i32x4.splat(1)), i32x4.splat(0));
  const y = v128.bitselect(cosNear(square), sinNear(r, square), isOdd);
  return v128.xor(y, i32x4.shl(v128.and(quadrant, i32x4.splat(2)), 30));
}
@inline
export function sin4(x: v128): v128 {
  // The sum would turn −0 into 0.
  return v128.bitselect(x, sinAhead(x, 0), f32x4.eq(x, splat(0)));
}
@inline
export function cos4(x: v128): v128 {
  return sinAhead(x, 1);
}
@inline
export function tan4(x: v128): v128 {
  const r = reduced(x);
  const square = f32x4.mul(r, r);
  const isOdd = i32x4.ne(v128.and(quadrants(x), i32x4.splat(1)), i32x4.splat(0));
  const s = sinNear(r, square);
  const c = cosNear(square);
  const y = f32x4.div(v128.bitselect(f32x4.neg(c), s, isOdd), v128.bitselect(s, c, isOdd));
  return v128.bitselect(x, y, f32x4.eq(x, splat(0)));
}

/** The arc tangent of numbers from 0 to ∞. */
function atanUp4(a: v128): v128 {
  const isLarge = f32x4.gt(a, splat(2.414213562373095));
  const isMiddle = f32x4.gt(a, splat(0.4142135623730950));
  const shifted = f32x4.div(f32x4.sub(a, splat(1)), f32x4.add(a, splat(1)));
  const x = v128.bitselect(f32x4.div(splat(-1), a), v128.bitselect(shifted, a, isMiddle), isLarge);
  const base = v128.bitselect(splat(halfPi), v128.and(splat(halfPi * 0.5), isMiddle), isLarge);
  const square = f32x4.mul(x, x);
  let y = madd(splat(8.05374449538e-2), square, splat(-1.38776856032e-1));
  y = madd(y, square, splat(1.99777106478e-1));
  y = madd(y, square, splat(-3.33329491539e-1));
  return f32x4.add(base, madd(f32x4.mul(y, square), x, x));
}
@inline
export function atan4(x: v128): v128 {
  return signed(atanUp4(f32x4.abs(x)), x);
}
/** The angle of the point (x, y). */
@inline
export function atan24(y: v128, x: v128): v128 {
  const up = f32x4.abs(y);
  const right = f32x4.abs(x);
  const high = f32x4.max(up, right);
  const low = f32x4.min(up, right);
  // Two zeros and two infinities have no quotient.
  const one = v128.and(splat(1), f32x4.gt(high, splat(0)));
  const slope = v128.bitselect(one, f32x4.div(low, high), f32x4.eq(low, high));
  let angle = atanUp4(slope);
  angle = v128.bitselect(f32x4.sub(splat(halfPi), angle), angle, f32x4.gt(up, right));
  angle = v128.bitselect(f32x4.sub(splat(pi), angle), angle, i32x4.lt_s(x, i32x4.splat(0)));
  return v128.bitselect(f32x4.add(x, y), signed(angle, y), f32x4.ne(low, low));
}
/** The arc sine of a, or, beyond ½, of √((1 − a)/2), for a from 0 to 1. Beyond 1 it is NaN. */
function asinPart(a: v128, isFar: v128): v128 {
  const half = f32x4.sub(splat(0.5), f32x4.mul(a, splat(0.5)));
  const square = v128.bitselect(half, f32x4.mul(a, a), isFar);
  const x = v128.bitselect(f32x4.sqrt(half), a, isFar);
  let y = madd(splat(4.2163199048e-2), square, splat(2.4181311049e-2));
  y = madd(y, square, splat(4.5470025998e-2));
  y = madd(y, square, splat(7.4953002686e-2));
  y = madd(y, square, splat(1.6666752422e-1));
  return madd(f32x4.mul(y, square), x, x);
}
@inline
export function asin4(x: v128): v128 {
  const a = f32x4.abs(x);
  const isFar = f32x4.gt(a, splat(0.5));
  const y = asinPart(a, isFar);
  return signed(v128.bitselect(madd(splat(-2), y, splat(halfPi)), y, isFar), x);
}
@inline
export function acos4(x: v128): v128 {
  const a = f32x4.abs(x);
  const isFar = f32x4.gt(a, splat(0.5));
  const y = asinPart(a, isFar);
  const twice = f32x4.add(y, y);
  const far = v128.bitselect(f32x4.sub(splat(pi), twice), twice, f32x4.lt(x, splat(0)));
  return v128.bitselect(far, f32x4.sub(splat(halfPi), signed(y, x)), isFar);
}

/** eˣ − 1. */
@inline
export function expm14(x: v128): v128 {
  // From eˣ − 1 = −m/(1 + m) with m = e⁻ˣ − 1, for positive numbers that are not large.
  const m = expm1Down(down4(x));
  const up = f32x4.div(f32x4.neg(m), f32x4.add(splat(1), m));
  const y = v128.bitselect(f32x4.sub(exponential(x), splat(1)), up, f32x4.gt(x, splat(1)));
  return v128.bitselect(y, v128.bitselect(x, m, f32x4.eq(x, splat(0))), f32x4.gt(x, splat(0)));
}
/** √(e^|x|), which does not overflow where the hyperbolic functions do not. */
@inline
function rootOfExp(x: v128): v128 {
  return exponential(f32x4.mul(f32x4.abs(x), splat(0.5)));
}
@inline
export function cosh4(x: v128): v128 {
  const root = rootOfExp(x);
  const down = f32x4.div(f32x4.div(splat(0.5), root), root);
  return madd(f32x4.mul(splat(0.5), root), root, down);
}
@inline
export function sinh4(x: v128): v128 {
  const root = rootOfExp(x);
  const down = f32x4.div(f32x4.div(splat(-0.5), root), root);
  const far = madd(f32x4.mul(splat(0.5), root), root, down);
  const m = expm1Down(down4(x));
  const near = f32x4.mul(splat(-0.5), f32x4.add(m, f32x4.div(m, f32x4.add(splat(1), m))));
  return signed(v128.bitselect(near, far, f32x4.lt(f32x4.abs(x), splat(1))), x);
}
/** log(2a), for large a. */
@inline
function logTwice(a: v128): v128 {
  return f32x4.add(logarithm(a), splat(0.69314718055994531));
}
@inline
export function asinh4(x: v128): v128 {
  const a = f32x4.abs(x);
  const square = f32x4.mul(a, a);
  const root = f32x4.sqrt(f32x4.add(square, splat(1)));
  const near = log1p(f32x4.add(a, f32x4.div(square, f32x4.add(root, splat(1)))));
  return signed(v128.bitselect(near, logTwice(a), f32x4.lt(a, splat(10000))), x);
}
@inline
export function acosh4(x: v128): v128 {
  const t = f32x4.sub(x, splat(1));
  const near = log1p(f32x4.add(t, f32x4.sqrt(f32x4.mul(t, f32x4.add(t, splat(2))))));
  const y = v128.bitselect(near, logTwice(x), f32x4.lt(x, splat(10000)));
  return v128.bitselect(splat(NaN), y, f32x4.lt(x, splat(1)));
}
@inline
export function atanh4(x: v128): v128 {
  const a = f32x4.abs(x);
  const y = log1p(f32x4.div(f32x4.add(a, a), f32x4.sub(splat(1), a)));
  return signed(f32x4.mul(y, splat(0.5)), x);
}
