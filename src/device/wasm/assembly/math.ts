/**
 * Exponentials, logarithms and functions made of them, for four floats at a time. The error is
 * about one unit in the last place. The polynomials are those of the Cephes library.
 */
import { madd } from './tiles';

@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

const ln2High: f32 = 0.693359375;
const ln2Low: f32 = -2.1219444e-4;
/** Adding it to a float leaves the rounded integer in the lowest bits. */
const rounder: f32 = 12582912;

/** x / ln 2 rounded to an integer, plus `rounder`. */
@inline
function halves(x: v128): v128 {
  return f32x4.add(f32x4.mul(x, splat(1.44269504088896341)), splat(rounder));
}
/** x − n·ln 2. */
@inline
function rest(x: v128, n: v128): v128 {
  return madd(n, splat(-ln2Low), madd(n, splat(-ln2High), x));
}
/** eʳ − 1 for |r| ≤ ½·ln 2. */
@inline
function expm1Near(r: v128): v128 {
  const square = f32x4.mul(r, r);
  let y = madd(splat(1.98756915e-4), r, splat(1.3981999507e-3));
  y = madd(y, square, madd(splat(8.3334519073e-3), r, splat(4.1665795894e-2)));
  y = madd(y, square, madd(splat(1.6666665459e-1), r, splat(5.0000001201e-1)));
  return madd(y, square, r);
}
/** 2ⁿ. */
@inline
function power2(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

// pmin and pmax return their first operand if either is NaN.

/** eˣ. */
@inline
export function exp4(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, splat(89)), splat(-104));
  const rounded = halves(x);
  const r = rest(x, f32x4.sub(rounded, splat(rounder)));
  // The result is multiplied by two powers of 2, so that it can reach the ends of the range.
  const n = i32x4.sub(rounded, i32x4.splat(0x4b400000));
  const half = i32x4.shr_s(n, 1);
  return f32x4.mul(f32x4.mul(f32x4.add(expm1Near(r), splat(1)), power2(half)), power2(i32x4.sub(n, half)));
}

/** eˣ for x ≤ 0. */
@inline
export function expDown4(x: v128): v128 {
  x = f32x4.pmax(x, splat(-104));
  const rounded = halves(x);
  const r = rest(x, f32x4.sub(rounded, splat(rounder)));
  const n = i32x4.sub(rounded, i32x4.splat(0x4b400000));
  const half = i32x4.shr_s(n, 1);
  return f32x4.mul(f32x4.mul(f32x4.add(expm1Near(r), splat(1)), power2(half)), power2(i32x4.sub(n, half)));
}

/** eˣ − 1 for x ≤ 0. */
@inline
export function expm1Down4(x: v128): v128 {
  x = f32x4.pmax(x, splat(-80));
  const rounded = halves(x);
  const r = rest(x, f32x4.sub(rounded, splat(rounder)));
  const scale = power2(i32x4.sub(rounded, i32x4.splat(0x4b400000)));
  return f32x4.add(f32x4.mul(expm1Near(r), scale), f32x4.sub(scale, splat(1)));
}

/** log(1 + f) + n·ln 2 for 1 + f in [√½, √2]. */
@inline
function logNear(f: v128, n: v128): v128 {
  const square = f32x4.mul(f, f);
  const cube = f32x4.mul(f, square);
  // The polynomial is evaluated in three parts, so that fewer products wait for the one before.
  let y = madd(madd(splat(7.0376836292e-2), f, splat(-1.151461031e-1)), f, splat(1.167699874e-1));
  y = madd(y, cube, madd(madd(splat(-1.2420140846e-1), f, splat(1.4249322787e-1)), f, splat(-1.6668057665e-1)));
  y = madd(y, cube, madd(madd(splat(2.0000714765e-1), f, splat(-2.4999993993e-1)), f, splat(3.3333331174e-1)));
  y = f32x4.mul(y, cube);
  y = madd(n, splat(ln2Low), y);
  y = madd(square, splat(-0.5), y);
  return madd(n, splat(ln2High), f32x4.add(f, y));
}

/** Natural logarithm. */
@inline
export function log4(x: v128): v128 {
  // Denormal numbers are first multiplied by 2²³.
  const small = f32x4.lt(x, splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, splat(8388608)), x, small);
  // The exponent is chosen so that the mantissa is in [√½, √2).
  const shifted = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
  const n = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(shifted, 23), v128.and(small, i32x4.splat(23))));
  const mantissa = i32x4.add(v128.and(shifted, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3));
  const y = logNear(f32x4.sub(mantissa, splat(1)), n);
  // Infinity and NaN are returned unchanged. 0 gives −Infinity, and numbers below 0 give NaN.
  const finite = v128.bitselect(y, x, f32x4.lt(x, splat(Infinity)));
  const low = v128.bitselect(splat(-Infinity), splat(NaN), f32x4.eq(x, splat(0)));
  return v128.bitselect(low, finite, f32x4.le(x, splat(0)));
}

/** log(1 + x). */
@inline
export function log1p4(x: v128): v128 {
  const u = f32x4.add(x, splat(1));
  // The rounding error of the sum, to first order. It is 0 where the logarithm is not finite.
  const lost = f32x4.div(f32x4.sub(x, f32x4.sub(u, splat(1))), u);
  const usual = v128.and(f32x4.gt(u, splat(0)), f32x4.lt(u, splat(Infinity)));
  return v128.bitselect(x, f32x4.add(log4(u), v128.and(lost, usual)), f32x4.eq(u, splat(1)));
}

/** log(1 + x) for x in [0, 1]. */
@inline
export function log1pUnit4(x: v128): v128 {
  const upper = f32x4.gt(x, splat(0.41421356));
  const f = v128.bitselect(f32x4.mul(f32x4.sub(x, splat(1)), splat(0.5)), x, upper);
  return logNear(f, v128.and(upper, splat(1)));
}

/** −|x|. */
@inline
export function down4(x: v128): v128 {
  return v128.or(x, i32x4.splat(0x80000000));
}

/**
 * The constants of sigmoidLoop: −1/ln 2, `rounder`, ln 2 in two parts, −c₃, −c₅, c₂, c₄, c₆, 1, and
 * the limits of x. c₂ to c₆ are the minimax polynomial of (eʳ − 1 − r)/r² for |r| ≤ ½·ln 2, with an
 * error of 3e-9 of eʳ. They are loaded before the loop, because V8 creates a literal vector in
 * every pass if registers are short.
 */
const sigmoidTable = memory.data<f32>([
  -1.44269504088896341, 12582912, 0.693359375, -2.1219444e-4, -0.1666652113199234, -0.00836874544620514,
  0.4999999403953552, 0.04166838899254799, 0.001381453825160861, 1, 88, -89,
]);
@inline
function constant(i: usize): v128 {
  return v128.load32_splat(sigmoidTable + (i << 2));
}

/** 1 / (1 + e⁻ˣ). The constants are arguments, so that a loop keeps them in registers. */
@inline
function sigmoidWith(
  x: v128,
  perLn2: v128,
  round: v128,
  high: v128,
  low: v128,
  c3: v128,
  c5: v128,
  c2: v128,
  c4: v128,
  c6: v128,
  one: v128,
  most: v128,
  least: v128,
): v128 {
  // Beyond the limits, 2ⁿ becomes 0 or infinite, and the result becomes 1 or 0.
  x = f32x4.pmax(f32x4.pmin(x, most), least);
  const rounded = madd(x, perLn2, round);
  const n = f32x4.sub(rounded, round);
  const r = madd(n, low, madd(n, high, x));
  const square = f32x4.mul(r, r);
  const y = madd(madd(square, c6, madd(r, c5, c4)), square, madd(r, c3, c2));
  const e = madd(y, square, f32x4.sub(one, r));
  // The bits of 1 add 127 to the exponent. The bits of `round` are shifted out.
  const power = i32x4.add(i32x4.shl(rounded, 23), one);
  return f32x4.div(one, madd(e, power, one));
}
/** 1 / (1 + e⁻ˣ). */
@inline
export function sigmoid4(x: v128): v128 {
  return sigmoidWith(
    x,
    constant(0),
    constant(1),
    constant(2),
    constant(3),
    constant(4),
    constant(5),
    constant(6),
    constant(7),
    constant(8),
    constant(9),
    constant(10),
    constant(11),
  );
}
/** Writes 1 / (1 + e⁻ˣ) of `count` elements, or x times that. */
@inline
function sigmoidsOf(to: usize, from: usize, count: i32, timesX: bool): void {
  const perLn2 = constant(0);
  const round = constant(1);
  const high = constant(2);
  const low = constant(3);
  const c3 = constant(4);
  const c5 = constant(5);
  const c2 = constant(6);
  const c4 = constant(7);
  const c6 = constant(8);
  const one = constant(9);
  const most = constant(10);
  const least = constant(11);
  const end = to + ((<usize>count) << 2);
  for (; to + 32 <= end; to += 32, from += 32) {
    const x0 = v128.load(from);
    const x1 = v128.load(from, 16);
    const y0 = sigmoidWith(x0, perLn2, round, high, low, c3, c5, c2, c4, c6, one, most, least);
    const y1 = sigmoidWith(x1, perLn2, round, high, low, c3, c5, c2, c4, c6, one, most, least);
    v128.store(to, timesX ? f32x4.mul(x0, y0) : y0);
    v128.store(to, timesX ? f32x4.mul(x1, y1) : y1, 16);
  }
  if (to == end) return;
  const x = v128.load(from);
  const y = sigmoidWith(x, perLn2, round, high, low, c3, c5, c2, c4, c6, one, most, least);
  v128.store(to, timesX ? f32x4.mul(x, y) : y);
}
export function sigmoidLoop(to: usize, from: usize, count: i32): void {
  sigmoidsOf(to, from, count, false);
}
export function siluLoop(to: usize, from: usize, count: i32): void {
  sigmoidsOf(to, from, count, true);
}

@inline
export function tanh4(x: v128): v128 {
  const e = expm1Down4(f32x4.mul(down4(x), splat(2)));
  const y = f32x4.div(e, f32x4.add(e, splat(2)));
  return v128.bitselect(x, y, i32x4.splat(0x80000000));
}

/** log(1 + eˣ). */
@inline
export function softplus4(x: v128): v128 {
  return f32x4.add(f32x4.pmax(x, splat(0)), log1pUnit4(expDown4(down4(x))));
}

/**
 * The error function: a polynomial near 0, and 1 − e^polynomial elsewhere.
 * @source N. Juffa, erff
 */
@inline
export function erf4(x: v128): v128 {
  const a = f32x4.abs(x);
  const square = f32x4.mul(x, x);
  let far = madd(splat(-1.7285347e-5), a, splat(3.83197126e-4));
  far = madd(far, square, madd(splat(-3.88396438e-3), a, splat(2.42546219e-2)));
  far = madd(far, a, splat(-1.06777877e-1));
  far = madd(far, a, splat(-6.34846687e-1));
  far = madd(far, a, splat(-1.28717512e-1));
  far = f32x4.sub(splat(1), expDown4(madd(far, a, f32x4.neg(a))));
  far = v128.bitselect(x, far, i32x4.splat(0x80000000));
  let near = madd(splat(-5.96761703e-4), square, splat(4.99119423e-3));
  near = madd(near, square, splat(-2.67681349e-2));
  near = madd(near, square, splat(1.12819925e-1));
  near = madd(near, square, splat(-3.76125336e-1));
  near = madd(near, square, splat(1.28379166e-1));
  near = madd(near, x, x);
  return v128.bitselect(far, near, f32x4.gt(a, splat(0.927734375)));
}

/** log₂ of a positive, finite, normal number. */
function log2(x: f64): f64 {
  const bits = reinterpret<i64>(x);
  // The exponent is chosen so that the mantissa is in [√½, √2).
  const shifted = bits - 0x3fe6a09e667f3bcd;
  const s0 = reinterpret<f64>((shifted & 0xfffffffffffff) + 0x3fe6a09e667f3bcd);
  const s = (s0 - 1) / (s0 + 1);
  const z = s * s;
  let y: f64 = 1.0 / 19;
  y = y * z + 1.0 / 17;
  y = y * z + 1.0 / 15;
  y = y * z + 1.0 / 13;
  y = y * z + 1.0 / 11;
  y = y * z + 1.0 / 9;
  y = y * z + 1.0 / 7;
  y = y * z + 1.0 / 5;
  y = y * z + 1.0 / 3;
  y = y * z + 1;
  return <f64>(shifted >> 52) + s * y * 2.8853900817779268;
}

/** 2ˣ for |x| ≤ 1000. */
function exp2(x: f64): f64 {
  const n = nearest<f64>(x);
  const r = (x - n) * 0.6931471805599453;
  let y: f64 = 1.0 / 39916800;
  y = y * r + 1.0 / 3628800;
  y = y * r + 1.0 / 362880;
  y = y * r + 1.0 / 40320;
  y = y * r + 1.0 / 5040;
  y = y * r + 1.0 / 720;
  y = y * r + 1.0 / 120;
  y = y * r + 1.0 / 24;
  y = y * r + 1.0 / 6;
  y = y * r + 0.5;
  y = y * r + 1;
  y = y * r + 1;
  return y * reinterpret<f64>((<i64>n + 1023) << 52);
}

/** C's pow for floats. It also returns 1 for 1 to any power, and for −1 to an infinite power. */
export function power(x: f32, y: f32): f32 {
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return NaN;
  const a = abs(x);
  const whole = floor(y) == y;
  if (x < 0 && !whole && a < Infinity) return NaN;
  let magnitude: f32 = 1;
  if (a == 0) magnitude = y > 0 ? 0 : Infinity;
  else if (a == Infinity) magnitude = y > 0 ? Infinity : 0;
  else if (a != 1) magnitude = <f32>exp2(max<f64>(min<f64>(<f64>y * log2(<f64>a), 200), -200));
  const odd = whole && floor(y * 0.5) * 2 != y;
  return odd ? copysign(magnitude, x) : magnitude;
}
