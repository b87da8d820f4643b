/**
 * Sigmoid cross entropy with logits and its gradient, each as one fused kernel. Composed of
 * separate ops it would overflow and have a wrong gradient at 0.
 */
import type { Family } from './array.js';
import { sigmoid } from './special.js';

export const loss: Family<'bceWithLogits' | 'bceWithLogitsGrad'> = {
  bceWithLogits([{ data: logits }, { data: target }], { posWeight }, [{ data: y }]) {
    for (let i = 0; i < y.length; i++) {
      const x = logits[i];
      const z = target[i];
      y[i] = (1 - z) * x + (1 + (posWeight - 1) * z) * (Math.log1p(Math.exp(-Math.abs(x))) + Math.max(-x, 0));
    }
  },

  bceWithLogitsGrad([{ data: g }, { data: logits }, { data: target }], { posWeight }, [{ data: y }]) {
    for (let i = 0; i < y.length; i++) {
      const z = target[i];
      y[i] = g[i] * ((1 + (posWeight - 1) * z) * sigmoid(logits[i]) - posWeight * z);
    }
  },
};
