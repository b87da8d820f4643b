/**
 * One Adam or AdamW step, in either of its two published forms. They differ in where ε is added.
 */
import type { Family } from './array.js';

export const adam: Family<'adam'> = {
  adam(inputs, attrs, outputs) {
    const { form, lr, beta1, beta2, eps, weightDecay, decoupled, amsgrad, step } = attrs;
    const correction1 = 1 - beta1 ** step;
    const correction2 = 1 - beta2 ** step;
    const shrink = decoupled ? 1 - lr * weightDecay : 1;
    const decay = decoupled ? 0 : weightDecay;
    // The denominator is √(v/correction2) + ε in one form and (√v + ε)/√correction2 in the other.
    const epsilon = form === 'torch' ? eps * Math.sqrt(correction2) : eps;
    const rate = (lr * Math.sqrt(correction2)) / correction1;
    const [read, written] = amsgrad ? [5, 4] : [4, 3];
    for (let n = 0; n * read < inputs.length; n++) {
      const [p, g, m, v, vmax] = inputs.slice(n * read, (n + 1) * read);
      const [pOut, mOut, vOut, vmaxOut] = outputs.slice(n * written, (n + 1) * written);
      for (let i = 0; i < pOut.data.length; i++) {
        const slope = decay === 0 ? g.data[i] : g.data[i] + decay * p.data[i];
        const first = beta1 * m.data[i] + (1 - beta1) * slope;
        const second = beta2 * v.data[i] + (1 - beta2) * slope * slope;
        const scale = amsgrad ? Math.max(vmax.data[i], second) : second;
        mOut.data[i] = first;
        vOut.data[i] = second;
        if (amsgrad) vmaxOut.data[i] = scale;
        pOut.data[i] = shrink * p.data[i] - (rate * first) / (Math.sqrt(scale) + epsilon);
      }
    }
  },
};
