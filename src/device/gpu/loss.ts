/**
 * Sigmoid cross entropy with logits and its gradient, each as one kernel. Both compute e^(−|x|),
 * which cannot overflow.
 */
import { sizeOf } from '../../values/shape.js';
import { exp, log1pNear } from './functions.js';
import { inputs, type LaunchRules, launch, readAt } from './launch.js';

export const loss: LaunchRules<'bceWithLogits' | 'bceWithLogitsGrad'> = {
  bceWithLogits: ([x], { posWeight }) => {
    const body = `const x = a[i]; const z = t[i]; const d = -Math.abs(x); ${exp('e', 'd')} ${log1pNear('n', 'e')}`;
    return [
      launch(
        sizeOf(x.shape),
        { ...inputs('a', 't'), w: posWeight },
        body,
        '(1 - z) * x + (1 + (w - 1) * z) * (n + (x < 0 ? -x : 0))',
      ),
    ];
  },
  bceWithLogitsGrad: ([g, x], { posWeight }) => {
    const body = `const x = a[i]; const z = t[i]; const d = -Math.abs(x); ${exp('e', 'd')}`;
    return [
      launch(
        sizeOf(x.shape),
        { ...inputs('g', 'a', 't'), w: posWeight },
        body,
        `${readAt('g', g)} * ((1 + (w - 1) * z) * (x < 0 ? e : 1) / (1 + e) - w * z)`,
      ),
    ];
  },
};
