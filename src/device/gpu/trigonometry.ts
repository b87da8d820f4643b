/**
 * Rounding, trigonometric and hyperbolic functions, and the exact remainder, as code for gpu.js.
 * They use no function of the adapter but Math.floor, Math.ceil, Math.abs and Math.sqrt, because
 * adapters compute the sine of a large angle with no correct digit. The polynomials are those of
 * the Cephes library. As in functions.ts, variables begin with `y` or with `out`.
 * Not here: exponentials and logarithms (functions.ts).
 */
import { exp, expm1, log, log1p, maxFloat32 } from './functions.js';
import { isNumber, type Program } from './launch.js';

/** All floats from here on are whole. */
const wholeFrom = 8388608;

/** Code for Math.floor or Math.ceil of x. Infinities and NaN stay, whatever the adapter does. */
const whole = (name: 'floor' | 'ceil', x = 'x'): string =>
  `(${x} < ${wholeFrom} && ${x} > -${wholeFrom} ? Math.${name}(${x}) : ${x})`;

export const roundings: Readonly<Record<'floor' | 'ceil' | 'round' | 'trunc', Program>> = {
  floor: ['', whole('floor')],
  ceil: ['', whole('ceil')],
  round: [
    `const yF = ${whole('floor')}; const yD = x - yF; const yH = yF * 0.5;`,
    `(yD > 0.5 ? yF + 1 : (yD < 0.5 ? yF : (yD === 0.5 ? (Math.floor(yH) === yH ? yF : yF + 1) : x)))`,
  ],
  trunc: ['', `(x < 0 ? ${whole('ceil')} : ${whole('floor')})`],
};

/**
 * Sets yS and yC to the sine and cosine of x less yN quarters of a turn, and yQ to yN modulo 4.
 * The quarter is subtracted in three parts, and the products with the first two are exact for
 * |x| up to 10⁴. For numbers far beyond, nothing of x is left; the limits keep the result in
 * [−1, 1] there.
 */
const angle = `const yN = Math.floor(x * 0.6366197723675814 + 0.5);
  let yR = x - yN * 1.5703125; yR = yR - yN * 4.837512969970703e-4; yR = yR - yN * 7.549789954891882e-8;
  yR = (yR > 0.79 ? 0.79 : (yR < -0.79 ? -0.79 : yR)); const yZ = yR * yR; const yQ = yN - 4 * Math.floor(yN * 0.25);
  const yS = ((-1.9515295891e-4 * yZ + 8.3321608736e-3) * yZ - 1.6666654611e-1) * yZ * yR + yR;
  const yC = ((2.443315711809948e-5 * yZ - 1.388731625493765e-3) * yZ + 4.166664568298827e-2) * yZ * yZ - 0.5 * yZ + 1;`;
const ofFinite = (value: string): string => `(Math.abs(x) <= ${maxFloat32} ? ${value} : nan)`;

/** The arc tangent of a number from 0 to ∞. */
const atanUp = (out: string, a: string): string =>
  `const ${out}F = (${a} > 2.414213562373095 ? -1 / ${a}
     : (${a} > 0.4142135623730950 ? (${a} - 1) / (${a} + 1) : ${a}));
   const ${out}B = (${a} > 2.414213562373095 ? ${Math.PI / 2} : (${a} > 0.4142135623730950 ? ${Math.PI / 4} : 0));
   const ${out}Y = ${out}F * ${out}F;
   const ${out} = ${out}B + ((((8.05374449538e-2 * ${out}Y - 1.38776856032e-1) * ${out}Y + 1.99777106478e-1) * ${out}Y
     - 3.33329491539e-1) * ${out}Y * ${out}F + ${out}F);`;

/** Sets yA to |x|, and yP to the arc sine of |x| or, beyond ½, of √((1 − |x|)/2). */
const arc = `const yA = Math.abs(x); const yT = (yA > 0.5 && yA <= 1 ? 0.5 - 0.5 * yA : 0);
  const yG = (yA > 0.5 ? Math.sqrt(yT) : yA); const yZ = (yA > 0.5 ? yT : x * x);
  const yP = ((((4.2163199048e-2 * yZ + 2.4181311049e-2) * yZ + 4.5470025998e-2) * yZ + 7.4953002686e-2) * yZ
    + 1.6666752422e-1) * yZ * yG + yG;`;

/** `value` with the sign of x. 0 and NaN stay. */
const signed = (value: string): string => `(x > 0 ? ${value} : (x < 0 ? -(${value}) : x))`;

/**
 * Sets yA to |x|, yE to √(e^|x|), and yM to e^|x| − 1. The root does not overflow where the result
 * does not.
 */
const halves = `const yA = Math.abs(x); const yB = 0.5 * yA; ${exp('yE', 'yB')} ${expm1('yM', 'yA')}`;
const cosh = '(0.5 * yE) * yE + 0.5 / yE / yE';

/** The logarithm of 2·yA, for large yA. */
const far = `${log('yL', 'yA')} const yFar = yL + ${Math.LN2};`;
const farFrom = 1e4;

export const curves: Readonly<
  Record<
    'expm1' | 'sin' | 'cos' | 'tan' | 'asin' | 'acos' | 'atan' | 'sinh' | 'cosh' | 'asinh' | 'acosh' | 'atanh',
    Program
  >
> = {
  expm1: [expm1('y', 'x'), 'y'],
  sin: [angle, ofFinite('(yQ === 0 ? yS : (yQ === 1 ? yC : (yQ === 2 ? -yS : -yC)))')],
  cos: [angle, ofFinite('(yQ === 0 ? yC : (yQ === 1 ? -yS : (yQ === 2 ? -yC : yS)))')],
  tan: [angle, ofFinite('(yQ === 0 || yQ === 2 ? yS / yC : -yC / yS)')],
  asin: [arc, `(yA <= 1 ? ${signed(`(yA > 0.5 ? ${Math.PI / 2} - 2 * yP : yP)`)} : nan)`],
  acos: [
    arc,
    `(yA <= 1 ? (yA > 0.5 ? (x > 0 ? 2 * yP : ${Math.PI} - 2 * yP) : ${Math.PI / 2} - (x < 0 ? -yP : yP)) : nan)`,
  ],
  atan: [`const yA = Math.abs(x); ${atanUp('y', 'yA')}`, signed('y')],
  sinh: [halves, signed('(yA < 1 ? 0.5 * (yM + yM / (yM + 1)) : (0.5 * yE) * yE - 0.5 / yE / yE)')],
  cosh: [halves, `(${isNumber('x')} ? ${cosh} : x)`],
  asinh: [
    `const yA = Math.abs(x); const yX = (yA < ${farFrom} ? yA : 1); const yW = yX * yX;
     const yI = yX + yW / (1 + Math.sqrt(1 + yW)); ${log1p('yO', 'yI')} ${far}`,
    signed(`(yA < ${farFrom} ? yO : yFar)`),
  ],
  acosh: [
    `const yA = x; const yX = (x >= 1 && x < ${farFrom} ? x - 1 : 0); const yI = yX + Math.sqrt(yX * (yX + 2));
     ${log1p('yO', 'yI')} ${far}`,
    `(x >= 1 ? (x < ${farFrom} ? yO : yFar) : nan)`,
  ],
  atanh: [
    `const yA = Math.abs(x); const yI = (yA < 1 ? 2 * yA / (1 - yA) : 0); ${log1p('yO', 'yI')}`,
    `(yA < 1 ? ${signed('0.5 * yO')} : (x === 1 ? inf : (x === -1 ? -inf : nan)))`,
  ],
};

/**
 * The powers of 2 by which the divisor is enlarged, from the largest. Together they cross the range
 * of float32.
 */
const enlargements = [64, 64, 64, 32, 16, 8, 4, 2, 1];

/**
 * The exact remainder of p / q, with the sign of p, by long division: the divisor times a power of
 * 2 is subtracted where it fits, for every power. Needs the number argument `nan`.
 */
export const fmod = (out: string, p: string, q: string): string => {
  const enlarge = enlargements
    .map((n) => `if (${out}T <= ${out}R * ${2 ** -n}) { ${out}T = ${out}T * ${2 ** n}; }`)
    .join(' ');
  return `const ${out}B = Math.abs(${q}); let ${out}R = Math.abs(${p}); let ${out}T = ${out}B;
    const ${out}Use = (${out}B > 0 && ${out}B <= ${maxFloat32} && ${out}R <= ${maxFloat32} ? 1 : 0);
    if (${out}Use === 1) { ${enlarge}
      for (let ${out}K = 0; ${out}K < 255; ${out}K++) {
        if (${out}T >= ${out}B) { if (${out}R >= ${out}T) { ${out}R = ${out}R - ${out}T; } ${out}T = ${out}T * 0.5; } } }
    const ${out} = (${out}Use === 1 ? (${p} < 0 ? -${out}R : ${out}R)
      : (${out}B > ${maxFloat32} && Math.abs(${p}) <= ${maxFloat32} ? ${p} : nan));`;
};

/**
 * The angle of the point (q, p), from −π to π. Signed zeros count as in C. Needs the number
 * argument `nan`.
 */
export const atan2 = (out: string, p: string, q: string): string =>
  `const ${out}V = Math.abs(${p}); const ${out}H = Math.abs(${q});
   const ${out}Lo = (${out}V < ${out}H ? ${out}V : ${out}H); const ${out}Hi = (${out}V < ${out}H ? ${out}H : ${out}V);
   const ${out}D = (${out}Lo === ${out}Hi ? (${out}Hi > 0 ? 1 : 0) : ${out}Lo / ${out}Hi); ${atanUp(`${out}G`, `${out}D`)}
   const ${out}E = (${out}V > ${out}H ? ${Math.PI / 2} - ${out}G : ${out}G);
   const ${out}W = (${q} < 0 || 1 / ${q} < 0 ? ${Math.PI} - ${out}E : ${out}E);
   const ${out} = (${isNumber(p)} && ${isNumber(q)} ? (${p} < 0 || 1 / ${p} < 0 ? -${out}W : ${out}W) : nan);`;
