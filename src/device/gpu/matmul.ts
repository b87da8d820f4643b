/** Matrix products: one thread per output element. */
import { broadcastStrides, sizeOf } from '../../tensor/shape.js';
import { dot, input, type Planners, source, split } from './launch.js';

export const matmul: Pick<Planners, 'matmul'> = {
  matmul: ([a, b], { transposeA, transposeB }, [c]) => {
    const batch = c.shape.slice(0, -2);
    const [m, n] = c.shape.slice(-2);
    const k = transposeA ? a.shape[a.shape.length - 2] : a.shape[a.shape.length - 1];
    const strides = (t: typeof a): number[] => broadcastStrides(t.shape.slice(0, -2), batch).map((s) => s * sizeOf(t.shape.slice(-2)));
    const left = transposeA ? `j * ${m} + row` : `row * ${k} + j`;
    const right = transposeB ? `column * ${k} + j` : `j * ${n} + column`;
    const body = `const column = i % ${n}; const row = Math.floor(i / ${n}) % ${m}; const q = Math.floor(i / ${m * n}); ${batch.length > 0 ? split(batch, 'c', 'q') : ''}
      const s = ${dot('c', strides(a))}; const t = ${dot('c', strides(b))}; let acc = 0; for (let j = 0; j < ${k}; j++) { acc += a[s + ${left}] * b[t + ${right}]; } return acc;`;
    return [{ source: source('a, b', body), size: sizeOf(c.shape), args: [input(0), input(1)] }];
  },
};
