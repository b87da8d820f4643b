/** Functions JavaScript's Math lacks, to double precision. Not kernels. */

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/**
 * The error function.
 * Below 3 the series erf(x) = 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!: all terms positive, so nothing cancels.
 * Beyond, 1 − erfc(x) by the continued fraction of erfc, which is small there, so a short fraction is exact enough.
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
  // NaN falls through to here and stays NaN.
  let fraction = a;
  for (let n = 40; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - (Math.exp(-a * a) * twoOverRootPi) / 2 / fraction);
}

/** 1 / (1 + exp(−x)), with no overflow on either side. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + exp(x)), with no overflow on either side. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** C's pow: unlike JavaScript's, 1 to any power is 1, NaN and infinities included, and so is (−1) to an infinite power. */
export function pow(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return base ** exponent;
}
