/** One Adam step: moments first, then the parameter from the new ones. Bias corrections are computed on the host, in double. */
import { sizeOf } from '../../tensor/shape.js';
import { type Arg, input, type Launch, type Planners, source } from './launch.js';

export const adam: Pick<Planners, 'adam'> = {
  adam: ([p], { form, lr, beta1, beta2, eps, weightDecay, decoupled, amsgrad, step }) => {
    const size = sizeOf(p.shape);
    const decay = decoupled ? 0 : weightDecay;
    const shrink = decoupled ? 1 - lr * weightDecay : 1;
    const corrections = [1 - beta1 ** step, Math.sqrt(1 - beta2 ** step)];
    // √v is divided by its correction (torch), or the rate carries both (tf).
    const [rate, scale] = form === 'torch' ? [lr / corrections[0], 1 / corrections[1]] : [(lr * corrections[1]) / corrections[0], 1];
    const result = (n: number): Arg => ({ result: n });
    const moments: Launch[] = [
      { source: source('p, g, m, d, b, c', 'return b * m[i] + c * (g[i] + d * p[i]);'), size, args: [input(0), input(1), input(2), decay, beta1, 1 - beta1] },
      {
        source: source('p, g, v, d, b, c', 'const t = g[i] + d * p[i]; return b * v[i] + c * t * t;'),
        size,
        args: [input(0), input(1), input(3), decay, beta2, 1 - beta2],
      },
    ];
    if (amsgrad) moments.push({ source: source('v, w', 'return Math.max(v[i], w[i]);'), size, args: [result(1), input(4)] });
    const update = source('p, m, v, r, s, e, k', 'return p[i] * k - r * m[i] / (Math.sqrt(v[i]) * s + e);');
    return [...moments, { source: update, size, args: [input(0), result(0), result(amsgrad ? 2 : 1), rate, scale, eps, shrink] }];
  },
};
