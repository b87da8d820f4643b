/** Matrix products, with one thread per output element. */
import { broadcastStrides, sizeOf } from '../../values/shape.js';
import { dot, inputs, type LaunchRules, launch, unravel } from './launch.js';

export const matmul: LaunchRules<'matmul'> = {
  matmul: ([a, b], { transposeA, transposeB }, [c]) => {
    const batch = c.shape.slice(0, -2);
    const [m, n] = c.shape.slice(-2);
    const k = transposeA ? a.shape[a.shape.length - 2] : a.shape[a.shape.length - 1];
    const strides = (t: typeof a): number[] =>
      broadcastStrides(t.shape.slice(0, -2), batch).map((s) => s * sizeOf(t.shape.slice(-2)));
    const left = transposeA ? `j * ${m} + c1` : `c1 * ${k} + j`;
    const right = transposeB ? `c2 * ${k} + j` : `j * ${n} + c2`;
    const body = `${unravel([sizeOf(batch), m, n], 'c')} ${unravel(batch, 'b', 'c0')}
      const s = ${dot('b', strides(a))}; const t = ${dot('b', strides(b))};
      let acc = 0; for (let j = 0; j < ${k}; j++) { acc += a[s + ${left}] * b[t + ${right}]; }`;
    return [{ ...launch(sizeOf(c.shape), inputs('a', 'b'), body, 'acc'), alwaysShifted: ['b'], iterations: k }];
  },
};
