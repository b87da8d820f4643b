/**
 * The command for Adam. Numbers that are the same for a whole step are computed on the host, in
 * double precision.
 */
import { sizeOf } from '../../values/shape.js';
import { bits, type Family, worthSharing } from './commands.js';
import { Opcode } from './protocol/command.js';

/** The maximum number of parameters in one command, because the queue's length is limited. */
const mostParameters = 1024;

export const adam: Family<'adam'> = {
  adam(to, inputs, { form, lr, beta1, beta2, eps, weightDecay, decoupled, amsgrad, step }, outputs) {
    const correction1 = 1 - beta1 ** step;
    const correction2 = 1 - beta2 ** step;
    const shrink = decoupled ? 1 - lr * weightDecay : 1;
    const decay = decoupled ? 0 : weightDecay;
    // The denominator is √(v/correction2) + ε in one form and (√v + ε)/√correction2 in the other.
    const epsilon = form === 'torch' ? eps * Math.sqrt(correction2) : eps;
    const rate = (lr * Math.sqrt(correction2)) / correction1;
    const scalars = [rate, epsilon, shrink, decay, beta1, 1 - beta1, beta2, 1 - beta2].map(bits);
    const [read, written] = amsgrad ? [5, 4] : [4, 3];
    const count = outputs.length / written;
    for (let from = 0; from < count; from += mostParameters) {
      const words: number[] = [];
      let elements = 0;
      const end = Math.min(from + mostParameters, count);
      for (let n = from; n < end; n++) {
        const size = sizeOf(inputs[n * read].shape);
        elements += size;
        words.push(size);
        // The addresses of the parameter, gradient, m, v and vmax, then those of the new parameter,
        // m, v and vmax. Without vmax its address is 0.
        for (let i = 0; i < 5; i++) words.push(i < read ? inputs[n * read + i].buffer.address : 0);
        for (let i = 0; i < 4; i++) words.push(i < written ? outputs[n * written + i].buffer.address : 0);
      }
      to.emit(Opcode.adam, elements > worthSharing, [...scalars, Number(amsgrad), end - from, ...words]);
    }
  },
};
