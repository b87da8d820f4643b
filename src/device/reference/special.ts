/** Functions that JavaScript's Math lacks, in double precision. They are not kernels. */

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/**
 * The error function.
 * For |x| < 3 it uses the series erf(x) = 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!. All terms have
 * the same sign, so there is no cancellation.
 * Beyond, it is 1 − erfc(x), with erfc as a continued fraction. erfc is small there, so a short
 * fraction is accurate enough.
 *
 * @source Abramowitz and Stegun, 7.1.6 and 7.1.14
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    const square = x * x;
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * square) / (2 * n + 1);
      sum += term;
    }
    return twoOverRootPi * Math.exp(-square) * sum;
  }
  if (a >= 6) return Math.sign(x);
  // NaN fails both comparisons above and stays NaN.
  let fraction = a;
  for (let n = 40; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - (Math.exp(-a * a) * twoOverRootPi) / 2 / fraction);
}

/** 1 / (1 + exp(−x)), without overflow for large |x|. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** The nearest whole number, of two equally near ones the even one. */
export function roundEven(x: number): number {
  // Math.round takes halves up.
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** log(1 + exp(x)), without overflow for large |x|. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/**
 * C's pow. Unlike in JavaScript, 1 to any power is 1, also to NaN and infinite powers. (−1) to an
 * infinite power is 1, too.
 */
export function pow(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return base ** exponent;
}
