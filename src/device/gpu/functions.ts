/**
 * Functions of one number, as code for gpu.js. They are accurate near 0 and at extreme values,
 * where the functions of a GPU may not be. Adapters were seen to return infinity for e^NaN, the
 * logarithm of |x| for a negative x, and no correct digit of log(1 + 1e-7). Each function returns
 * statements that set `out` from the variable `x`. Their own variables begin with `out`.
 */
import { isNumber } from './launch.js';

/** Σ c[k]·x^k by Horner's scheme. */
const polynomial = (x: string, c: readonly number[]): string =>
  c.reduceRight((inner, ck) => (inner === '' ? `${ck}` : `(${inner}) * ${x} + ${ck}`), '');

/** The largest finite float32. */
export const maxFloat32 = 3.4028234663852886e38;

export const exp = (out: string, x: string): string => `const ${out} = (${isNumber(x)} ? Math.exp(${x}) : ${x});`;

/**
 * e^x − 1. Near 0 it uses the Taylor series, because the difference would keep only a few digits.
 */
export const expm1 = (out: string, x: string): string => {
  const series = polynomial(x, [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320]);
  return `${exp(`${out}E`, x)} const ${out} = (${x} > -0.5 && ${x} < 0.5 ? ${x} * (${series}) : ${out}E - 1);`;
};

/** log(1 + x) for x in [−0.5, 1], by the series of 2·artanh(x / (2 + x)). */
export const log1pNear = (out: string, x: string): string =>
  `const ${out}S = ${x} / (2 + ${x}); const ${out}Q = ${out}S * ${out}S;
   const ${out} = 2 * ${out}S * (${polynomial(`${out}Q`, [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15])});`;

/** log(x) for x not near 1. Needs the number arguments `inf` and `nan`. */
const logFar = (out: string, x: string): string =>
  `const ${out} = (${x} > 0 ? (${x} <= ${maxFloat32} ? Math.log(${x}) : ${x}) : (${x} === 0 ? -inf : nan));`;

/** log(1 + x). Needs the number arguments `inf` and `nan`. */
export const log1p = (out: string, x: string): string =>
  `const ${out}X = 1 + ${x}; ${logFar(`${out}F`, `${out}X`)} ${log1pNear(`${out}N`, x)}
   const ${out} = (${x} > -0.5 && ${x} < 1 ? ${out}N : ${out}F);`;

/** log(x). Needs the number arguments `inf` and `nan`. */
export const log = (out: string, x: string): string =>
  `const ${out}X = ${x} - 1; ${logFar(`${out}F`, x)} ${log1pNear(`${out}N`, `${out}X`)}
   const ${out} = (${x} > 0.5 && ${x} < 2 ? ${out}N : ${out}F);`;

export const sigmoid = (out: string, x: string): string =>
  `const ${out}X = -${x}; ${exp(`${out}E`, `${out}X`)} const ${out} = 1 / (1 + ${out}E);`;

/** tanh(x) as −m / (m + 2) with m = e^(−2|x|) − 1, and the sign of x. */
export const tanh = (out: string, x: string): string =>
  `const ${out}X = -2 * Math.abs(${x}); ${expm1(`${out}M`, `${out}X`)} const ${out}T = ${out}M / (${out}M + 2);
   const ${out} = (${x} > 0 ? -${out}T : (${x} < 0 ? ${out}T : ${x}));`;

/** log(1 + e^x), as max(x, 0) + log(1 + e^(−|x|)). */
export const softplus = (out: string, x: string): string =>
  `const ${out}X = -Math.abs(${x}); ${exp(`${out}E`, `${out}X`)} ${log1pNear(`${out}L`, `${out}E`)}
   const ${out} = (${x} > 0 ? ${x} : 0) + ${out}L;`;

/**
 * The error function. For |x| < 1 it uses the Maclaurin series. Beyond, it uses formula 7.1.26 of
 * Abramowitz and Stegun, whose error of 1.5e-7 is small compared to the value.
 */
export const erf = (out: string, x: string): string => {
  const series = polynomial(
    `${out}Q`,
    [1, -3, 10, -42, 216, -1320, 9360, -75600, 685440, -6894720, 76204800].map((d) => 1 / d),
  );
  const tail = polynomial(`${out}T`, [0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]);
  return `const ${out}A = Math.abs(${x}); const ${out}Q = ${x} * ${x};
    const ${out}T = 1 / (1 + 0.3275911 * ${out}A); const ${out}R = 1 - (${tail}) * Math.exp(-${out}Q);
    const ${out} = (${out}A < 1 ? 1.1283791670955126 * ${x} * (${series})
      : (${x} < 0 ? -${out}R : (${x} > 0 ? ${out}R : ${x})));`;
};

/**
 * p to the power of q as in IEEE 754. Integer powers of negative numbers are defined, and q = 0 or
 * p = 1 gives 1. Needs the number arguments `inf` and `nan`.
 */
export const pow = (out: string, p: string, q: string): string =>
  `const ${out}A = Math.abs(${p}); const ${out}H = ${q} * 0.5; let ${out}S = 1;
   if (${p} < 0 || 1 / ${p} < 0) {
     if (Math.floor(${q}) === ${q}) { if (Math.floor(${out}H) < ${out}H) { ${out}S = -1; } }
     else { if (${out}A > 0 && ${out}A <= ${maxFloat32}) { ${out}S = nan; } }
   }
   let ${out}M = 0;
   if (${out}A > ${maxFloat32}) { ${out}M = (${q} > 0 ? ${out}A : 0); }
   else { if (${out}A > 0) { ${out}M = Math.pow(${out}A, ${q}); }
     else { if (${out}A === 0) { ${out}M = (${q} > 0 ? 0 : inf); } } }
   const ${out} = (${p} === 1 || ${q} === 0 ? 1
     : (${isNumber(q)} ? (${isNumber(p)} ? ${out}S * ${out}M : ${p} + ${p}) : ${q}));`;
