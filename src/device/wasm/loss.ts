/** Commands for losses. */
import { sizeOf } from '../../values/shape.js';
import { bits, type Family, worthSharing } from './commands.js';
import { Opcode } from './protocol/command.js';

export const loss: Family<'bceWithLogits' | 'bceWithLogitsGrad'> = {
  bceWithLogits(to, [logits, target], { posWeight }, [y]) {
    const size = sizeOf(y.shape);
    if (size > 0)
      to.emit(Opcode.bceWithLogits, size > worthSharing, [
        y.buffer.address,
        logits.buffer.address,
        target.buffer.address,
        size,
        bits(posWeight),
      ]);
  },

  bceWithLogitsGrad(to, [g, logits, target], { posWeight }, [y]) {
    const size = sizeOf(y.shape);
    const addresses = [y, g, logits, target].map(({ buffer }) => buffer.address);
    if (size > 0) to.emit(Opcode.bceWithLogitsGrad, size > worthSharing, [...addresses, size, bits(posWeight)]);
  },
};
